r"""
2.2.2.8 eye\_ · 单位矩阵初始化
==============================

A layer that at first changes nothing: it hands its input on. ``eye_`` does it for a
linear layer, ``dirac_`` for a convolution.

.. math:: W_{ji} = \begin{cases} 1 & j = i \\ 0 & \text{else} \end{cases}
          \;\Rightarrow\; W x = x

:signature: ``eye_(tensor)``; ``dirac_(tensor, groups=1)``
:tensor:    ``eye_``: two dimensions, (out, in); ``dirac_``: three to five,
            (out, in / groups, \*kernel). Filled in place and returned.
:use it:    for a layer that is put into a trained network and must not disturb it; for
            the hidden-to-hidden weights of a recurrent network of ReLU
:then → now: ``groups`` of ``dirac_`` is younger than PyTorch 1.0
:source:    Le, Jaitly and Hinton, *A Simple Way to Initialize Recurrent Networks of
            Rectified Linear Units*, 2015
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Three inputs, two and four outputs
# ----------------------------------
# Fewer outputs: the last inputs are dropped. More: the last outputs are zero.
print(nn.init.eye_(torch.empty(2, 3)).tolist())
# → [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
x = torch.randn(5, 3)
narrow, wide = (nn.init.eye_(torch.empty(n, 3)) for n in (2, 4))
check("2 outputs", x[:, :2], x @ narrow.T)
check("4 outputs", torch.cat([x, torch.zeros(5, 1)], dim=1), x @ wide.T)

# %%
# By hand
# -------
# A convolution hands a channel on when its kernel has a 1 in the middle, and zeros for
# all other channels. With groups, each group begins anew with its own first channel.


def dirac_by_hand(out, channels, kernel, groups=1):
    """Return the weight (out, channels / groups, kernel, kernel) of the identity."""
    weight = torch.zeros(out, channels // groups, kernel, kernel)
    for j in range(out):
        i = j % (out // groups)  # the place within the group
        if i < channels // groups:
            weight[j, i, kernel // 2, kernel // 2] = 1
    return weight


for out, channels, kernel, groups in ((4, 4, 3, 1), (6, 4, 5, 1), (6, 4, 3, 2)):
    weight = torch.empty(out, channels // groups, kernel, kernel)
    by_hand = dirac_by_hand(out, channels, kernel, groups)
    case = f"{channels} → {out} channels, {kernel} x {kernel}, groups {groups}"
    check(case, by_hand, nn.init.dirac_(weight, groups))
check("eye_", (torch.arange(4)[:, None] == torch.arange(3)).float(), wide)

# %%
# Nothing happens to an image, if the padding keeps its size.
images = torch.randn(2, 4, 8, 8)
conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
nn.init.dirac_(conv.weight)
check("the convolution returns its input", images, conv(images))

# %%
# Pitfalls
# --------
# ``dirac_`` can't see the groups of the layer. Without ``groups=2`` it fills the first
# two output channels, and the second group gives zeros.
grouped = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
nn.init.dirac_(grouped.weight)
half = torch.cat([images[:, :2], torch.zeros(2, 2, 8, 8)], dim=1)
check("groups forgotten: two channels lost", half, grouped(images))
nn.init.dirac_(grouped.weight, groups=2)
check("groups=2: all four are there", images, grouped(images))

# %%
# Outputs beyond the inputs are zero, and at zero ReLU hands no gradient back: without a
# bias such a unit is dead for good.
wide.requires_grad_()
torch.relu(x @ wide.T).square().sum().backward()
check("the fourth unit of three inputs gets none", torch.zeros(3), wide.grad[3])
check_less("the first gets some", 0.01, wide.grad[0].norm())

# %%
# Each of the two refuses what the other is for.
with refused(ValueError, "Only tensors with 2 dimensions are supported"):
    nn.init.eye_(conv.weight)
with refused(ValueError, "Only tensors with 3, 4, or 5 dimensions are supported"):
    nn.init.dirac_(narrow)
with refused(ValueError, "dim 0 must be divisible by groups"):
    nn.init.dirac_(torch.empty(4, 2, 3, 3), groups=3)
with refused(ValueError, "Only tensors with 2 dimensions are supported"):
    nn.init.eye_(nn.Linear(3, 2).bias)

# %%
# What it is for
# --------------
# ReLU takes the negative half once; what is left passes through twenty layers as it is.
signal = activations_through(nn.init.eye_, torch.relu)
check("ReLU: layer 20 is layer 1, exactly", signal[0], signal[19], 0.0, 0.0)
squeezed = activations_through(nn.init.eye_, torch.tanh)
expected = squeezed[0]
for _ in range(19):
    expected = torch.tanh(expected)
check("tanh: only the squeezing is left", expected, squeezed[19])

# %%
# The picture
# -----------
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3), layout="constrained")
kernels = nn.init.dirac_(torch.empty(5, 5, 3, 3)).transpose(1, 2).reshape(15, 15)
sheets = {"eye_": nn.init.eye_(torch.empty(6, 8)), "dirac_, 3 x 3": kernels}
for ax, (title, sheet), side in zip(axes, sheets.items(), (1, 3), strict=False):
    ax.imshow(sheet, "Blues")
    x_edges, y_edges = (torch.arange(side, n, side) - 0.5 for n in sheet.T.shape)
    ax.set(title=title, xlabel="from input", ylabel="to output")
    ax.set(xticks=x_edges, yticks=y_edges, xticklabels=[], yticklabels=[])
    ax.grid(color="0.7")
mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
axes[2].plot(range(1, 21), mean, color="tab:blue")
axes[2].fill_between(range(1, 21), mean - std, mean + std, fc="tab:blue", alpha=0.4)
axes[2].set(title="ReLU: layer 20 is layer 1", xlabel="layer", ylim=(-0.5, 1.5))
axes[2].set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20])
fig.savefig(RESULT / "weights_and_signal.png")
