r"""
4.1.2.8 add_video · 记录视频
============================

Log a short film, an animated GIF that plays in the panel of the images: what moves, a
game, a walk of an optimizer, is seen at once.

:signature: ``add_video(tag, vid_tensor, global_step=None, fps=4, walltime=None,
            dataformats="NTCHW")``
:vid_tensor: N films of T frames, in a grid in one; uint8, or floats in [0, 1]
:needs:     moviepy, which may ask for an older Pillow. Without it ``add_video`` logs
            nothing and raises nothing. ``gif_summary`` below needs Pillow alone
:in the event file: the container ``images``, under ``tag``: the bytes of a GIF
:the notes: the axes of their film are N, C, T, H, W; it is read as N, T, C, H, W
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_08_add_video``, the
    panel *Images*
"""

import io
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageSequence
from tensorboardX import SummaryWriter
from tensorboardX.proto.summary_pb2 import Summary

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir, show_row

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# A film that needs Pillow alone
# ------------------------------
# An image in an event file is the bytes of an image file. TensorBoard hands them to the
# browser as they are, and a browser plays a GIF.


def gif_image(frames, fps=4):
    """Return frames, uint8 (T, H, W, 3 or 1), as an animated GIF for a summary."""
    frames = np.broadcast_to(frames, (*frames.shape[:3], 3))
    first, *others = [Image.fromarray(frame) for frame in frames]
    film = {"save_all": True, "append_images": others, "loop": 0}
    first.save(file := io.BytesIO(), "GIF", duration=round(1000 / fps), **film)
    size = {"height": first.height, "width": first.width, "colorspace": 3}
    return Summary.Image(encoded_image_string=file.getvalue(), **size)


def gif_summary(tag, frames, fps=4):
    """Return what ``file_writer.add_summary`` logs: a GIF for the panel Images."""
    return Summary(value=[Summary.Value(tag=tag, image=gif_image(frames, fps))])


# %%
# Log a rotating pattern
# ----------------------
# A spiral turns once in 24 frames, back to where it began: the film has no seam.
t, y, x = np.mgrid[:24, -31.5:32, -31.5:32]
phase = np.arctan2(y, x) + np.hypot(x, y) / 5 - 2 * np.pi * t / 24
colours = np.uint8(255 * plt.cm.magma(np.arange(0, 256, 4))[:, :3])
frames = colours[np.uint8(32 + 31 * np.sin(phase))]  # uint8 (24, 64, 64, 3)
with SummaryWriter(str(LOG)) as writer:
    summary = gif_summary("spiral", frames, fps=20)
    writer.file_writer.add_summary(summary, global_step=1)

# %%
# Read it back
# ------------


def read_gif(content):
    """Return the frames of a GIF, (T, H, W, 3), and how long each is shown, in ms."""
    frames = [f.copy() for f in ImageSequence.Iterator(Image.open(io.BytesIO(content)))]
    pixels = np.stack([np.asarray(frame.convert("RGB")) for frame in frames])
    return pixels, [frame.info["duration"] for frame in frames]


(event,) = read_events(LOG).Images("spiral")
shown, durations = read_gif(event.encoded_image_string)
check("every pixel of every frame", frames, shown)
check("20 frames in a second", [50] * 24, durations)
check("step, height, width", [1, 64, 64], [event.step, event.height, event.width])

# %%
# A GIF holds at most 256 colours in a frame. Of equal frames Pillow writes one, longer.
noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
read, _ = read_gif(gif_image(noise).encoded_image_string)
print("colours:", len(np.unique(read[0].reshape(-1, 3), axis=0)))  # → colours: 256
_, durations = read_gif(gif_image(frames[[0, 0, 1]]).encoded_image_string)
print("a frame twice:", durations)  # → a frame twice: [500, 250]

# %%
# Pitfall: without moviepy, ``add_video`` writes nothing
# ------------------------------------------------------
# No exception, no tag, only an error in Python's log. (An installed moviepy is hidden.)
print("moviepy is", "installed" if find_spec("moviepy") else "not installed")
film = frames.transpose(0, 3, 1, 2)[None]  # (1, 24, 3, 64, 64)
log = fresh_dir(RESULT / "no_moviepy")
with mock.patch.dict(sys.modules, moviepy=None), SummaryWriter(str(log)) as writer:
    with mock.patch("tensorboardX.summary.logger") as python_log:
        writer.add_video("spiral", film, 0)
print("in Python's log:", python_log.mock_calls)
print("tags:", read_events(log).Tags()["images"])  # → tags: []

# %%
# The arguments of ``add_video``, with Pillow in moviepy's place
# --------------------------------------------------------------
# It lays the films in a grid, and has one inner function encode them: replace that.
# Pitfall: by default, the notes' 48 grey frames are read as one frame of 48 channels.
log = fresh_dir(RESULT / "arguments")
both = np.concatenate([film, film[:, ::-1]]) / 255
notes = np.broadcast_to(np.uint8(range(48))[:, None, None], (16, 1, 48, 28, 28))
pillow = mock.patch("tensorboardX.summary.make_video", gif_image)
with pillow, SummaryWriter(str(log)) as writer:
    writer.add_video("both", both, 7, fps=10, walltime=1_000_000_000)
    with refused(ValueError, "(1,112,112,48)"):
        writer.add_video("notes", notes)
    writer.add_video("notes", notes, dataformats="NCTHW")
(event,) = read_events(log).Images("both")
read, durations = read_gif(event.encoded_image_string)
check("side by side", np.concatenate([frames, frames[::-1]], 2), read, rtol=0, atol=1)
found = [event.step, event.wall_time, *durations]
check("step, time, 10 in a second", [7, 1_000_000_000, *[100] * 24], found, rtol=0)
read, _ = read_gif(read_events(log).Images("notes")[0].encoded_image_string)
print("NCTHW:", read.shape)  # → NCTHW: (48, 112, 112, 3)

# %%
# The picture
# -----------
titles = [f"frame {t}" for t in range(0, 24, 4)]
title = "The spiral turns by 60 degrees in four frames"
show_row([*shown[::4]], titles, RESULT / "frames.png", title)
