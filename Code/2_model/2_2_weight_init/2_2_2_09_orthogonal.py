r"""
2.2.2.9 orthogonal\_ · 正交初始化
=================================

A random rotation, or rotation and mirror: what goes through such a layer keeps its
length, and a deep stack of them neither shrinks nor stretches anything.

.. math:: W^\top W = \text{gain}^2 \, I \quad \text{(or } W W^\top \text{ where rows are
          fewer than columns)}

:signature: ``orthogonal_(tensor, gain=1, generator=None)``
:tensor:    two dimensions or more, float32 or float64. The kernel of a convolution is
            flattened to (out, -1). Filled in place and returned.
:gain:      all singular values: 1 for a linear layer, 5/3 for tanh, √2 for ReLU
:use it:    for the hidden-to-hidden weights of recurrent networks and for very deep
            ones; it costs a QR decomposition for each layer
:source:    Saxe, McClelland and Ganguli, *Exact Solutions to the Nonlinear Dynamics of
            Learning in Deep Linear Neural Networks*, 2014; the signs: Mezzadri, *How to
            Generate Random Matrices from the Classical Compact Groups*, 2007
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# A rotation
# ----------
# Columns of length 1, at right angles: multiplied with each other they give I.
torch.manual_seed(0)
w = nn.init.orthogonal_(torch.empty(3, 3).double())
check("WᵀW = I", torch.eye(3).double(), w.T @ w, rtol=1e-12, atol=1e-12)
arrow = torch.tensor([3.0, 4.0, 12.0]).double()
print(f"length {arrow.norm():.4f}, rotated {(w @ arrow).norm():.4f}")
# → length 13.0000, rotated 13.0000

# %%
# By hand
# -------
# QR takes a matrix of normal numbers apart: Q has right angles, R is a triangle. Signs
# are free, and LAPACK's choice is not a fair one: the signs of R's diagonal undo it.


def orthogonal_by_hand(shape, gain=1.0):
    """Return a weight (out, in, *kernel), orthogonal as a matrix of ``out`` rows."""
    normal = torch.empty(shape).flatten(1).normal_()
    tall = normal if len(normal) >= normal.shape[1] else normal.T
    q, r = torch.linalg.qr(tall)
    q = q * r.diagonal().sign()
    return gain * (q if tall is normal else q.T).reshape(shape)


for shape in ((40, 40), (60, 20), (20, 60), (16, 8, 3, 3), (64, 3, 3, 3)):
    torch.manual_seed(1)
    by_hand = orthogonal_by_hand(shape, gain=1.5)
    torch.manual_seed(1)
    w = nn.init.orthogonal_(torch.empty(shape), gain=1.5)
    check(f"{shape}: bit for bit", by_hand, w, 0.0, 0.0)
    values = torch.linalg.svdvals(w.flatten(1))
    check("  every singular value is the gain", torch.full_like(values, 1.5), values)

# %%
# The first entry of Q, as LAPACK leaves it, is never positive.
torch.manual_seed(0)
q, r = torch.linalg.qr(torch.randn(2000, 3, 3))
fair = q * r.diagonal(dim1=1, dim2=2).sign()[:, None]
print("without signs:", (q[:, 0, 0] > 0).sum().item(), "of 2000 positive")
# → without signs: 0 of 2000 positive
check("with signs: half", 0.5, (fair[:, 0, 0] > 0).double().mean(), atol=0.045)

# %%
# What it does to a signal
# ------------------------
# Through 20 linear layers every input keeps its length. Normal weights of the same
# variance keep it on average only: each stretches some directions and crushes others,
# and the more layers, the more so. The singular values of their product say how much.
inits = {
    "orthogonal_": nn.init.orthogonal_,
    "normal_, std 1/√64": lambda w: nn.init.normal_(w, std=64**-0.5),
}
lengths = {name: [] for name in inits}
for name, init in inits.items():
    torch.manual_seed(0)
    x = nn.functional.normalize(torch.randn(64, 128).double(), dim=0)  # 128 of length 1
    layers = [init(torch.empty(64, 64).double()) for _ in range(20)]
    for w in layers:
        x = w @ x
        lengths[name].append(x.norm(dim=0))
    values = torch.linalg.svdvals(torch.linalg.multi_dot(layers[::-1]))
    print(f"{name}: 20 layers stretch by {values[0]:.2g}, median {values[32]:.2g}")
# → orthogonal_: 20 layers stretch by 1, median 1
# → normal_, std 1/√64: 20 layers stretch by 5.1, median 0.00083
kept, wild = (torch.stack(steps) for steps in lengths.values())  # (20, 128)
ones = torch.ones(20, 128).double()
check("orthogonal_: each of 128 inputs keeps length 1", ones, kept, rtol=1e-10)
check_less("normal_: they differ, after 20 layers", 0.2, wild[-1].std())

# %%
# Pitfalls
# --------
# Fewer outputs than inputs can't keep every length: only the rows are at right angles,
# and what lies across them is lost, two thirds of the power here.
w = nn.init.orthogonal_(torch.empty(20, 60))
check("20 x 60: W Wᵀ = I", torch.eye(20), w @ w.T)
power = (torch.randn(2000, 60) @ w.T).square().sum(1).mean()
check("  20 of 60 parts of the power are left", 20.0, power, rtol=0.03)

# %%
# What is refused: a bias, and half precision, for which LAPACK has no QR.
with refused(ValueError, "Only tensors with 2 or more dimensions are supported"):
    nn.init.orthogonal_(nn.Linear(3, 2).bias)
with refused(RuntimeError, "not implemented for 'BFloat16'"):
    nn.init.orthogonal_(torch.empty(3, 3, dtype=torch.bfloat16))

# %%
# The picture
# -----------
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3), layout="constrained")
for ax, (name, init) in zip(axes, inits.items(), strict=False):
    w = init(torch.empty(64, 64))
    ax.imshow(w.T @ w, "RdBu_r", vmin=-1, vmax=1)
    ax.set(title=f"WᵀW, {name}", xlabel="input", ylabel="input")
for (name, path), color in zip(lengths.items(), ("tab:blue", "tab:red"), strict=True):
    mean, std = (f(torch.stack(path), dim=1) for f in (torch.mean, torch.std))
    axes[2].plot(range(1, 21), mean, color=color)
    band = {"fc": color, "alpha": 0.4, "label": name}
    axes[2].fill_between(range(1, 21), mean - std, mean + std, **band)
axes[2].set(title="lengths of 128 inputs", xlabel="layer", ylim=(0, 2.2))
axes[2].set(ylabel="length, mean ± std", xticks=[1, 5, 10, 15, 20])
axes[2].legend(loc="upper left")
fig.savefig(RESULT / "angles_and_lengths.png")
