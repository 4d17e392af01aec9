r"""
4.1.2.10 add_image_with_boxes · 记录带边框的图像
================================================

Log an image with rectangles drawn on it: what a detector has found, and where.

:signature: ``add_image_with_boxes(tag, img_tensor, box_tensor, global_step=None,
            walltime=None, dataformats="CHW", labels=None, rescale=1)``
:img_tensor: ``(C, H, W)``, or what ``dataformats`` says; uint8, or floats in [0, 1]
:box_tensor: ``(N, 4)``: left, top, right, bottom in pixels of the image
:labels:    a string for each box
:in the event file: the container ``images``, under ``tag``: a PNG, the boxes drawn in
:see it:
    ``tensorboard --logdir
    Result/4_viewer/4_1_tensorboardX/4_1_2_10_add_image_with_boxes``, the panel *Images*
"""

import io
import sys
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, fresh_dir, read_events, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# Log digits and where they are
# -----------------------------
# A line of digits, up and down; the box of each reaches as far as its ink.
digits = load_digits()
scene, boxes = np.full((3, 64, 304), 30, np.uint8), []  # dark grey
for i, top in enumerate((6, 16, 10, 18, 4, 13)):
    digit, left = np.kron(digits.images[i], np.ones((5, 5))), 8 + 50 * i
    scene[:, top : top + 40, left : left + 40] += np.uint8(digit * 14)
    rows, columns = np.nonzero(digit > 4)
    ends = columns.min(), rows.min(), columns.max(), rows.max()
    boxes.append(np.add(ends, [left, top, left, top]))
boxes, labels = np.array(boxes), [str(digit) for digit in digits.target[:6]]
print(boxes[:2].tolist())  # → [[13, 6, 42, 45], [63, 16, 87, 55]]
with SummaryWriter(str(LOG)) as writer:
    writer.add_image_with_boxes("plain", scene, boxes, 0)
    writer.add_image_with_boxes("labelled", scene, boxes, 1, labels=labels)

# %%
# By hand: what is drawn
# ----------------------
# A red frame: the edge of the box, and at most one pixel beside it.


def near_frame(shape, boxes, reach):
    """Return booleans (H, W): where a box's edge is at most ``reach`` pixels away."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    near = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        outside = np.max([left - x, x - right, top - y, y - bottom], 0)  # inside: < 0
        near |= abs(outside) <= reach
    return near


def pixels_of(event):
    """Return the pixels (H, W, 3) of an image in an event file."""
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))


before, size = scene.transpose(1, 2, 0), scene.shape[1:]
events = read_events(LOG)
(event,), (labelled,) = events.Images("plain"), events.Images("labelled")
check("steps", [0, 1], [event.step, labelled.step])
plain, labelled = pixels_of(event), pixels_of(labelled)
edge, far = near_frame(size, boxes, 0), ~near_frame(size, boxes, 1)
red = np.uint8([255, 0, 0])
check("the edges are red", np.tile(red, (edge.sum(), 1)), plain[edge])
check("two pixels away nothing changes", before[far], plain[far])

# %%
# ``labels`` stand in the lower left corners, black on red, and hide what is there.
changed = (labelled != plain).any(2)
corners = [changed[b[3] - 14 : b[3] + 1, b[0] : b[0] + 14] for b in boxes]
check_less("each label is there", 10, [corner.sum() for corner in corners])
check("nothing else changes", changed.sum(), sum(corner.sum() for corner in corners))

# %%
# The other arguments
# -------------------
# ``rescale`` enlarges the finished drawing: the boxes keep the image's coordinates. The
# entries ``height`` and ``width`` beside the PNG forget about it.
log = fresh_dir(RESULT / "arguments")
with SummaryWriter(str(log)) as writer:
    writer.add_image_with_boxes(
        "large", before, boxes, 7, 1_000_000_000, "HWC", rescale=2
    )
(event,) = read_events(log).Images("large")
check("step, time", [7, 1_000_000_000], [event.step, event.wall_time], rtol=0)
large = Image.fromarray(plain).resize((608, 128), Image.Resampling.LANCZOS)
check("large: every pixel", np.asarray(large), pixels_of(event))
print("said to be", (event.height, event.width))  # → said to be (64, 304)

# %%
# Pitfall: boxes in another format
# --------------------------------
# Data sets also give left, top, width, height, or fractions of the image. Both are
# drawn without a word: rectangles somewhere, a dot in the corner. With fewer labels
# than boxes no label is drawn, and only Python's log says so.
left, top, right, bottom = boxes.T
sizes = np.stack([left, top, right - left + 1, bottom - top + 1], 1)
log = fresh_dir(RESULT / "wrong")
with SummaryWriter(str(log)) as writer:
    writer.add_image_with_boxes("sizes", scene, sizes)
    writer.add_image_with_boxes("fractions", scene, boxes / [304, 64, 304, 64])
    with mock.patch("tensorboardX.writer.logger") as python_log:
        writer.add_image_with_boxes("few", scene, boxes, labels=["0", "1"])
events = read_events(log)
tags = "sizes", "fractions", "few"
wrong, fractions, few = [pixels_of(events.Images(tag)[0]) for tag in tags]
red_edges = (wrong[edge] == red).all(1).mean()
check_less("sizes: share of the true edges that is red", red_edges, 0.5)
dots = np.argwhere((fractions != before).any(2))
check_less("fractions: rows and columns that change", dots, 3)
check("too few labels: none", plain, few)
print("in Python's log:", python_log.warning.called)  # → in Python's log: True

# %%
# The picture
# -----------
fig, axes = plt.subplots(2, 1, figsize=(8, 4), layout="constrained")
for ax, pixels in zip(axes, (labelled, wrong), strict=True):
    ax.imshow(pixels)
    ax.set_axis_off()
axes[0].set_title("Boxes are read as left, top, right, bottom", fontsize=10)
axes[1].set_title("Wrong: these give left, top, width, height", fontsize=10)
fig.savefig(RESULT / "boxes.png")
