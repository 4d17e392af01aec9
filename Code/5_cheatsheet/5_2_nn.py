r"""
5.2 nn · 网络层速查
===================

The five layers of the notes' list, each with its shapes and its formula, by hand.
What goes in, what comes out, and the parameters are float32 unless you say otherwise.

=========== ============================ ==========================================
layer       input → output               its parameters
=========== ============================ ==========================================
Linear      (…, in) → (…, out)           weight (out, in), bias (out)
Conv2d      (N, in, H, W) → (N, out, …)  weight (out, in / groups, kH, kW), bias (out)
BatchNorm2d (N, C, H, W) → the same      weight (C), bias (C)
ModuleList  none: it can't be called     those of the layers in it
LeakyReLU   any shape → the same         none
=========== ============================ ==========================================

:the notes: Linear is not ``wx + b`` but ``x Wᵀ + b``, and the output size of Conv2d
            lacks the dilation and the floor
:then → now: ``padding="same"``: Conv2d itself pads so as to keep the size, at stride 1
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.autograd.functional import jacobian

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# nn.Linear: y = x Wᵀ + b
# -----------------------
# A sample is a row of x; a row of W makes one output. Dimensions before the last stay.
linear, x = nn.Linear(4, 3), torch.randn(2, 5, 4)
print(tuple(linear.weight.shape), tuple(linear(x).shape))  # → (3, 4) (2, 5, 3)
check("Linear: x Wᵀ + b", x @ linear.weight.T + linear.bias, linear(x))
with refused(RuntimeError, "mat1 and mat2 shapes cannot be multiplied"):
    linear.weight @ x[0]  # the notes' order

# %%
# nn.Conv2d: a weighted sum over every window
# -------------------------------------------
# With dilation 2 its 3 weights span 5 pixels and skip every other one. ``unfold`` cuts
# these windows, a stride of 2 apart.
conv, image = nn.Conv2d(3, 6, 3, stride=2, dilation=2), torch.randn(1, 3, 8, 8)
windows = image.unfold(2, 5, 2).unfold(3, 5, 2)[..., ::2, ::2]
sums = torch.einsum("nchwij,ocij->nohw", windows, conv.weight)
check("Conv2d", sums + conv.bias[:, None, None], conv(image), atol=1e-5)
print(tuple(conv.weight.shape), tuple(conv(image).shape))  # → (6, 3, 3, 3) (1, 6, 2, 2)

# %%
# Its output size. The notes' formula holds with dilation 1 and no remainder.


def side_after(side, kernel, stride=1, padding=0, dilation=1):
    """Return the height (or width) that Conv2d makes of ``side`` pixels."""
    return (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


settings = [(3, 1, 0, 1), (3, 1, 1, 1), (3, 2, 0, 1), (3, 2, 1, 1), (3, 1, 0, 2)]
settings += [(3, 2, 2, 2), (5, 3, 4, 2)]
for setting in settings:
    side = nn.Conv2d(1, 1, *setting)(torch.zeros(1, 1, 8, 8)).shape[-1]
    check(f"kernel, stride, padding, dilation {setting}", side_after(8, *setting), side)
print("sides:", *[side_after(8, *each) for each in settings])  # → sides: 6 8 3 4 4 4 3
notes = [f"{(8 - k + 2 * p) / s + 1:.1f}" for k, s, p, _ in settings]
print("notes:", *notes)  # → notes: 6.0 8.0 3.5 4.5 6.0 5.5 4.7
print(tuple(nn.Conv2d(3, 6, 5, padding="same")(image).shape))  # → (1, 6, 8, 8)
print(tuple(nn.Conv2d(6, 6, 3, groups=3).weight.shape))  # → (6, 2, 3, 3)

# %%
# nn.BatchNorm2d: in training by the batch, in eval by the running statistics
# ---------------------------------------------------------------------------
# Mean and variance of each channel, over its n = 4 x 2 x 2 values; ``running_var``
# divides by n - 1. ``momentum``, 0.1, is the share of the new batch. In training the
# result depends on the other pictures, and ``no_grad`` does not freeze the statistics.


def batch_norm(images, mean, var, weight, bias, eps=1e-5):
    """Normalise images (N, C, H, W) by four vectors (C), one number a channel."""
    mean, var, weight, bias = (v[:, None, None] for v in (mean, var, weight, bias))
    return (images - mean) / (var + eps).sqrt() * weight + bias


norm, images = nn.BatchNorm2d(3).double(), torch.randn(4, 3, 2, 2).double() / 9 + 5
affine = nn.init.uniform_(norm.weight), nn.init.uniform_(norm.bias)
mean, var = images.mean((0, 2, 3)), images.var((0, 2, 3), correction=0)
check("train", batch_norm(images, mean, var, *affine), norm(images), rtol=1e-10)
running = 0.9 * 0 + 0.1 * mean, 0.9 * 1 + 0.1 * var * 16 / 15  # they start at 0 and 1
check("running statistics", running, [norm.running_mean, norm.running_var], 1e-10)
norm.eval()
check("eval", batch_norm(images, *running, *affine), norm(images))
check("eval: a picture alone gives the same", norm(images)[:1], norm(images[:1]))
with torch.no_grad():
    apart = norm.train()(images[:1]) - norm(images)[:1]
check_less("train: it does not", 0.01, apart.abs().max())
check_less("the statistics moved", 0.1, (norm.running_mean - running[0]).abs())
with refused(ValueError, "Expected more than 1 value per channel when training"):
    norm(images[:1, :, :1, :1])
print(*norm.state_dict())  # → weight bias running_mean running_var …

# %%
# nn.ModuleList: a list that registers its layers (lesson 2.1.3)
# --------------------------------------------------------------
holder = nn.Module()
holder.plain, holder.layers = [nn.Linear(4, 4)], nn.ModuleList([nn.Linear(4, 4)])
print(*holder.state_dict())  # → layers.0.weight layers.0.bias

# %%
# nn.LeakyReLU: x, or 0.01 x below zero
# -------------------------------------
check("LeakyReLU", x.clamp(min=0) + 0.1 * x.clamp(max=0), nn.LeakyReLU(0.1)(x))
print(nn.LeakyReLU()(torch.tensor([-200.0, 3.0])))  # → tensor([-2.,  3.])

# %%
# The picture
# -----------
# Which of 8 pixels each output reads, as the derivatives tell.
fig, axes = plt.subplots(2, 3, figsize=(8, 3.6), layout="constrained", sharex=True)
for ax, (k, s, p, d) in zip(axes.flat, settings, strict=False):
    row = torch.zeros(1, 8 + 2 * p)
    reads = jacobian(nn.Conv1d(1, 1, k, s, dilation=d), row)[0, :, 0] != 0
    for out, read in enumerate(reads):
        at = read.nonzero()[:, 0] - p
        ends = [at, 0 * at + at.double().mean()], [0 * at, 0 * at + 1]
        ax.plot(*ends, f"C{out}s-", markevery=[1], ms=8)
    for i, read in enumerate(reads.any(0), -p):
        pixel = "ks" if read else "rX"
        ax.plot(i, 0, pixel if 0 <= i < 8 else "ws", mec="gray", ms=8)
    ax.set_title(f"stride {s}, padding {p}, dilation {d} → {len(reads)}", fontsize=10)
    ax.axis("off")
fig.suptitle("What a kernel of 3 reads of 8 pixels (white: padding; X: not read)")
fig.savefig(RESULT / "what_conv_reads.png")
