r"""
4.1.2.4 add_image · 记录图片
============================

Log a picture per step: what goes into a network, and what comes out of it.

:signature: ``add_image(tag, img_tensor, global_step=None, walltime=None,
            dataformats="CHW")``
:img_tensor: of 3 channels, or grey. uint8 is logged as it is, all else is multiplied by
            255, so floats must lie in [0, 1]
:dataformats: the order of its dimensions: ``CHW``, ``HWC``, ``HW`` (grey), or ``NCHW``
            for a batch, which becomes one sheet
:in the event file: a PNG, in the container ``images``, under ``tag``
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_04_add_image``, the
    panel *Images*, with a slider for the steps
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tensorboard.backend.event_processing import data_ingester, event_accumulator
from tensorboardX import SummaryWriter
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import (
    check,
    fresh_dir,
    read_events,
    refused,
    result_dir,
    sample_image,
    show_row,
)

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
torch.manual_seed(0)

# %%
# Log what a network paints
# -------------------------
# A photograph, learnt by heart: the row and column of a pixel go in, as waves, and its
# colour comes out. The painting says more than the loss.
photo = torch.tensor(np.asarray(sample_image(48))).permute(2, 0, 1)  # 3 x 48 x 48
target = photo.reshape(3, -1).T / 255
places = torch.cartesian_prod(torch.linspace(0, 1, 48), torch.linspace(0, 1, 48))
angles = places @ torch.randn(2, 64) * 12
waves = torch.cat([angles.sin(), angles.cos()], 1)
net = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 3), nn.Sigmoid())
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
painted = {}
with SummaryWriter(str(LOG)) as writer:
    for step in range(101):
        colors = net(waves)
        if step % 10 == 0:
            painted[step] = colors.detach().T.reshape(3, 48, 48)
            writer.add_image("painting", painted[step], step)
        optimizer.zero_grad()
        (colors - target).square().mean().backward()
        optimizer.step()

# %%
# Read it back
# ------------
# The fraction of 255 times the value is cut off, not rounded.


def decode(event):
    """Return the pixels, uint8 (H, W, 3), of an image event."""
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))


events = read_events(LOG).Images("painting")
check("steps", list(range(0, 101, 10)), [event.step for event in events])
for event in events:
    by_hand = (255 * painted[event.step]).floor().permute(1, 2, 0)
    check(f"step {event.step}: pixels", by_hand, decode(event))

# %%
# ``dataformats`` and ``walltime``
# --------------------------------
# The photograph in each order of dimensions; grey comes back as three equal channels.
hwc = photo.permute(1, 2, 0)
batch = torch.stack([photo, photo.flip(-1)])
orders = {
    "CHW": (photo, hwc),
    "HWC": (hwc, hwc),
    "HW": (photo[0], hwc[:, :, [0, 0, 0]]),
    "NCHW": (batch, torch.cat([hwc, hwc.flip(1)], dim=1)),
}
log = fresh_dir(RESULT / "orders")
with SummaryWriter(str(log)) as writer:
    for order, (image, _) in orders.items():
        writer.add_image(order, image, 0, walltime=1_000_000_000, dataformats=order)
    with refused(TypeError, "Cannot handle this data type"):
        writer.add_image("HWC taken for CHW", hwc)
for order, (_, pixels) in orders.items():
    (event,) = read_events(log).Images(order)
    check(f"{order}: pixels", pixels, decode(event))
    check(f"{order}: time", 1_000_000_000, event.wall_time, rtol=0)

# %%
# Pitfall: other numbers wrap around
# ----------------------------------
# Above 1 a float starts at black again. Whole numbers that are not uint8 are multiplied
# by 255 too, and 255 n is -n modulo 256: a negative. Nothing warns.
log = fresh_dir(RESULT / "wrong")
with SummaryWriter(str(log)) as writer:
    writer.add_image("bright", 1.5 * photo / 255)
    writer.add_image("int64", photo.long())
wrong = [decode(read_events(log).Images(tag)[0]) for tag in ("bright", "int64")]
check("floats: modulo 256", (255 * (1.5 * hwc / 255)).floor() % 256, wrong[0])
check("int64: -n modulo 256", -hwc.long() % 256, wrong[1])

# %%
# Pitfall: readers keep a sample
# ------------------------------
# TensorBoard's reader keeps four images of a tag, the last among them, unless its
# ``size_guidance`` says 0, as ``utils`` does. The viewer keeps ten: start it with
# ``--samples_per_plugin images=100`` to see more.
kept = event_accumulator.EventAccumulator(str(LOG)).Reload().Images("painting")
print(f"{len(kept)} of {len(events)}, last: {kept[-1].step}")  # → 4 of 11, last: 100
print(data_ingester.DEFAULT_TENSOR_SIZE_GUIDANCE["images"])  # → 10

# %%
# The picture
# -----------
steps = [0, 10, 30, 100]
pictures = [decode(event) for event in events if event.step in steps] + wrong
titles = [f"step {step}" for step in steps] + ["1.5 times as bright", "as int64"]
title = "a network paints a photograph; two ways to log one wrong"
show_row(pictures, titles, RESULT / "paintings.png", title)
