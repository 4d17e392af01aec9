r"""
4.1.2.9 add_figure · 记录 matplotlib 图
=======================================

Log a matplotlib figure at every step: whatever you can draw gets a slider through the
training.

:signature: ``add_figure(tag, figure, global_step=None, close=True, walltime=None)``
:figure:    a matplotlib figure; or a list of figures of one size, to become one image
:close:     close the figure in pyplot afterwards
:in the event file: the container ``images``, under ``tag``: a PNG of
            ``figsize * dpi`` pixels
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_09_add_figure``, the
    panel *Images*
"""

import io
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import make_moons
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir, warned

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
torch.manual_seed(0)

# %%
# Log the border that a network draws
# -----------------------------------
# Two classes of points, and the region in which the network expects each, while it
# learns. A loss curve says how well it does; only the figure says where it fails.


def draw_border(points, classes, probability):
    """Return a figure of points over ``probability``, (50, 50), of class 1."""
    figure = plt.figure(figsize=(3, 3), dpi=100)
    ax = figure.add_axes((0.16, 0.15, 0.8, 0.8))
    area = {"origin": "lower", "extent": (-2, 3, -2, 3), "aspect": "auto"}
    ax.imshow(probability, "RdBu", vmin=-0.5, vmax=1.5, **area)
    ax.scatter(*points.T, c=classes, cmap="RdBu", edgecolors="k", lw=0.5, s=15)
    ax.set(xlim=(-2, 3), ylim=(-2, 3), xlabel="first input", ylabel="second input")
    return figure


def pixels_of(content):
    """Return the pixels (H, W, 3), uint8, of an image file's bytes."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


points, classes = make_moons(200, noise=0.2, random_state=0)
x, y = torch.tensor(points).float(), torch.tensor(classes)
side = torch.linspace(-2, 3, 50)
grid = torch.cartesian_prod(side, side).flip(1)  # as pixels: the first runs fastest
first, bias = torch.randn(2, 16).requires_grad_(), torch.randn(16).requires_grad_()
second = torch.zeros(16, 2, requires_grad=True)
saved = {}
with SummaryWriter(str(LOG)) as writer:
    for step in range(201):
        if step in (1, 20, 200):
            logits = torch.tanh(grid @ first + bias) @ second
            probability = logits.softmax(1)[:, 1].detach().reshape(50, 50)
            figure = draw_border(points, classes, probability)
            figure.savefig(file := io.BytesIO())
            saved[step] = pixels_of(file.getvalue())
            writer.add_figure("border", figure, step)
        logits = torch.tanh(x @ first + bias) @ second
        loss = torch.nn.functional.cross_entropy(logits, y)
        gradients = torch.autograd.grad(loss, (first, bias, second))
        for weight, gradient in zip((first, bias, second), gradients, strict=True):
            weight.data -= gradient

# %%
# Read it back
# ------------
# The image is what ``savefig`` writes: 3 inches of 100 dots are 300 pixels.
events = read_events(LOG).Images("border")
check("steps", list(saved), [event.step for event in events])
for event in events:
    shown = pixels_of(event.encoded_image_string)
    check(f"step {event.step}: as saved", saved[event.step], shown)
    check("  pixels", (300, 300, 3), shown.shape)

# %%
# A list of figures, and ``walltime``
# -----------------------------------
# Figures of one size become one image, side by side.
log = fresh_dir(RESULT / "list")
pair = [plt.figure(figsize=(2, 1), facecolor=colour) for colour in ("red", "blue")]
with SummaryWriter(str(log)) as writer:
    writer.add_figure("pair", pair, 0, walltime=1_000_000_000)
    with refused(ValueError, "same shape"):
        writer.add_figure("unequal", [plt.figure(figsize=(2, s)) for s in (1, 2)])
(event,) = read_events(log).Images("pair")
shown = pixels_of(event.encoded_image_string)
print(shown.shape, shown[0, 199], shown[0, 200])
# → (100, 400, 3) [255 0 0] [ 0 0 255]
check("the given time", 1_000_000_000, event.wall_time, rtol=0)

# %%
# ``close``, and the pitfall of figures that stay
# -----------------------------------------------
# pyplot keeps its figures until they are closed: ``add_figure`` does that, unless
# ``close=False``. pyplot warns of more than 20 figures, here of more than 2; it does
# not know of a ``Figure`` that is made without it.
plt.close("all")
plt.rcParams["figure.max_open_warning"] = 2
log = fresh_dir(RESULT / "close")
with SummaryWriter(str(log)) as writer:
    writer.add_figure("closed", plt.figure(figsize=(1, 1)))
    writer.add_figure("free", Figure(figsize=(1, 1), facecolor="red"))
    print("open:", len(plt.get_fignums()))  # → open: 0
    with warned(RuntimeWarning, "More than 2 figures have been opened"):
        for step in range(3):
            figure = plt.figure(figsize=(1, 1))
            writer.add_figure("leak", figure, step, close=False)
print("open:", len(plt.get_fignums()))  # → open: 3
plt.close("all")
print(read_events(log).Tags()["images"])  # → ['closed', 'free', 'leak']

# %%
# The picture
# -----------
images = [pixels_of(event.encoded_image_string) for event in events]
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.5), layout="constrained")
for ax, event, image in zip(axes, events, images, strict=True):
    ax.imshow(image)
    ax.set_title(f"border, step {event.step}", fontsize=10)
    ax.set_axis_off()
fig.suptitle("A network learns to tell two classes apart")
fig.savefig(RESULT / "borders.png")
