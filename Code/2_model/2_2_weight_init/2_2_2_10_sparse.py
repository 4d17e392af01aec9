r"""
2.2.2.10 sparse\_ · 稀疏初始化
==============================

Most weights are zero, the rest normal: every input speaks to a few units only.

.. math:: \text{zeros in each column} = \lceil \text{sparsity} \cdot \text{rows} \rceil,
          \quad \text{others} \sim N(0, \text{std}^2)

:signature: ``sparse_(tensor, sparsity, std=0.01, generator=None)``
:tensor:    two dimensions: (out, in). Filled in place and returned; it stays an
            ordinary, dense tensor.
:sparsity:  the share of zeros in each column; the column of a ``nn.Linear`` is what one
            input sends to all outputs
:use it:    rarely, and with a std of your own: :math:`\text{gain} / \sqrt{k}`, where a
            unit has k weights left
:source:    Martens, *Deep Learning via Hessian-free Optimization*, 2010
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, refused, result_dir, signal_through

RESULT = result_dir(__file__)

# %%
# Half of five rows
# -----------------
# Three zeros in every column, a half of five rounded up. A row has what falls to it.
torch.manual_seed(0)
w = nn.init.sparse_(torch.empty(5, 4), sparsity=0.5, std=1)
print((w == 0).sum(dim=0).tolist())  # → [3, 3, 3, 3]
print((w == 0).sum(dim=1).tolist())  # → [1, 2, 3, 3, 3]

# %%
# By hand
# -------
# All are normal numbers at first; then every column clears rows that it has shuffled.


def sparse_by_hand(rows, columns, sparsity, std=0.01):
    """Return a weight (rows, columns) with as many zeros in each column."""
    weight = std * torch.randn(rows, columns)
    for column in weight.T:
        column[torch.randperm(rows)[: math.ceil(sparsity * rows)]] = 0
    return weight


for rows, columns, sparsity in ((45, 30, 0.5), (30, 40, 0.9), (300, 200, 0.25)):
    torch.manual_seed(1)
    by_hand = sparse_by_hand(rows, columns, sparsity)
    torch.manual_seed(1)
    w = nn.init.sparse_(torch.empty(rows, columns), sparsity)
    check(f"{rows} x {columns}, {sparsity}", by_hand, w)
    zeros = math.ceil(sparsity * rows)
    check(f"  {zeros} zeros in each column", [zeros] * columns, (w == 0).sum(dim=0))
check("the others: std 0.01", 0.01, w[w != 0].std(), rtol=0.015)

# %%
# What it does to a signal
# ------------------------
# Of n = 256 inputs, an output has k = 25 left on average: a layer multiplies the signal
# by :math:`\text{std} \sqrt{k}`, and not by :math:`\text{std} \sqrt{n}`.
k = 256 - math.ceil(0.9 * 256)
for std in (0.01, 1 / math.sqrt(k), 1.0):
    factor = std * math.sqrt(k)
    rms = signal_through(
        lambda w, s=std: nn.init.sparse_(w, 0.9, s), nn.Identity(), layers=13, width=256
    )
    rest = rms / factor ** torch.arange(1, 14)
    check(
        f"std {std:g}: {factor:.3g} to the power of depth", [1.0] * 13, rest, rtol=0.2
    )

# %%
# Pitfalls
# --------
# A product of floats, rounded up, may be one too many: 0.07 of 100 rows are 8.
print(0.07 * 100)  # → 7.000000000000001
w = nn.init.sparse_(torch.empty(100, 3), 0.07)
check("0.07 of 100 rows", [8, 8, 8], (w == 0).sum(dim=0))
w = nn.init.sparse_(torch.empty(100, 3), 1.5)
check("1.5 is not refused: all zeros", torch.zeros(100, 3), w)

# %%
# Columns are counted, rows are not. Where each of 500 inputs has one output left, more
# than a third of the outputs, 1/e of them, has no input at all. Martens counts the
# other way, 15 inputs for every unit: fill the transpose.
w = nn.init.sparse_(torch.empty(500, 500), 0.998)
deaf = (w == 0).all(dim=1).double().mean()
check("outputs without an input", 1 / math.e, deaf, atol=0.06)
nn.init.sparse_(w.T, 0.97)
check("filled as w.T: 15 inputs for each", [15] * 500, (w != 0).sum(dim=1))

# %%
# ``generator`` draws the normal numbers, but not the places of the zeros.
places = []
for _ in range(2):
    source = torch.Generator().manual_seed(0)
    places += [nn.init.sparse_(torch.empty(50, 50), 0.5, generator=source) == 0]
check("the same generator, other places", False, torch.equal(*places))

# %%
# What is refused: kernels and biases.
for shape in ((8, 4, 3, 3), (8,)):
    with refused(ValueError, "Only tensors with 2 dimensions are supported"):
        nn.init.sparse_(torch.empty(shape), 0.5)

# %%
# The picture
# -----------
# Tanh takes a gain of 5/3 (lesson 2.2.2.11). The default std dies in the second layer.
fit = 5 / 3 / math.sqrt(k)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
w = nn.init.sparse_(torch.empty(40, 40), 0.9, fit)
fig.colorbar(left.imshow(w, "RdBu_r", vmin=-1, vmax=1), label="weight")
left.set(title="36 of 40 in each column are zero", xlabel="input", ylabel="output")
for std, color in ((fit, "tab:blue"), (0.01, "tab:red")):
    signal = activations_through(
        lambda w, s=std: nn.init.sparse_(w, 0.9, s), torch.tanh, width=256
    )
    mean, spread = (
        torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std)
    )
    check(f"std {std:.2g}: the end", 0.65 * (std == fit), spread[-1], atol=0.03)
    right.plot(range(1, 21), mean, color=color)
    band = {"fc": color, "alpha": 0.4, "label": f"std {std:.2g}"}
    right.fill_between(range(1, 21), mean - spread, mean + spread, **band)
right.set(title="tanh: one signal lives, one dies", xlabel="layer", ylim=(-1, 1.5))
right.set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20])
right.legend(loc="upper right")
fig.savefig(RESULT / "weights_and_signal.png")
