r"""
2.2.2.6 normal\_ · 正态分布初始化
=================================

Weights from a bell curve whose width you choose. A fixed width such as 0.01 fits one
width of layer: every other one it starves or drowns.

.. math:: w \sim N(\text{mean}, \text{std}^2)

:signature: ``normal_(tensor, mean=0.0, std=1.0, generator=None)``
:its kin:   ``trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None)``:
            the same without its tails, for transformers
:tensor:    any shape, also a bias, of a floating dtype; filled in place and returned
:use it:    with a std that knows the layer, √(2 / n) for n inputs and ReLU; lessons
            2.2.2.2 and 2.2.2.4 compute it for you
:the notes: write N(mean, std), where books have the variance: ``std`` is its root
:then → now: ``trunc_normal_`` is younger than PyTorch 1.0.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, refused, result_dir

RESULT = result_dir(__file__)

# %%
# Fill a layer
# ------------
torch.manual_seed(0)
layer = nn.Linear(3, 2)
nn.init.normal_(layer.weight, mean=0, std=0.1)
print([[round(w, 2) for w in row] for row in layer.weight.tolist()])
# → [[-0.11, -0.14, 0.04], [0.08, -0.07, -0.04]]

# %%
# By hand
# -------
# ``randn`` draws from N(0, 1): stretch and move.


def normal_by_hand(shape, mean=0.0, std=1.0):
    """Return a tensor of that shape with values from N(mean, std²)."""
    return mean + std * torch.randn(shape)


for mean, std in ((0.0, 1.0), (0.5, 0.1)):
    torch.manual_seed(1)
    by_hand = normal_by_hand((400, 300), mean, std)
    torch.manual_seed(1)
    w = nn.init.normal_(torch.empty(400, 300), mean, std)
    check(f"mean {mean}, std {std}: each of 120,000 weights", by_hand, w)
    check("  std", std, w.std(), rtol=0.01)
    inside = ((w - mean).abs() < 2 * std).double().mean()
    check("  within two std", math.erf(2 / math.sqrt(2)), inside, atol=0.003)

# %%
# What it does to a signal
# ------------------------
# Adding up n = 512 inputs multiplies their rms by :math:`\text{std} \sqrt{n}`, ReLU
# throws away half of the power: a factor of :math:`\text{std} \sqrt{n / 2}` per layer.
# It must be 1. The default std is made for no layer: a factor of 16.
signals, fit = {}, math.sqrt(2 / 512)
for std in (0.01, fit, 0.1, 1.0):
    factor = std * math.sqrt(512 / 2)
    signal = activations_through(lambda w, s=std: nn.init.normal_(w, 0, s), torch.relu)
    signals[std] = signal
    rms = torch.stack([x.square().mean().sqrt() for x in signal[:14]])
    rest = rms / factor ** torch.arange(1, 15)
    check(f"std {std:.4f}: {factor:.2f} to the power of depth", [1.0] * 14, rest, 0.3)
    print(f"  after 14 layers: {rms[-1]:.1e}")
# → after 14 layers: 7.1e-12
# → after 14 layers: 9.8e-01
# → after 14 layers: 7.1e+02
# → after 14 layers: 7.1e+16

# %%
# Without the tails
# -----------------
# ``trunc_normal_`` draws again what falls outside a and b. Cut at two std, the curve
# becomes narrower: by hand, from its density φ and its integral Φ.


def truncated_std_by_hand(cut):
    """Return the std of N(0, 1) cut off at ±cut."""
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)  # φ(cut)
    inside = math.erf(cut / math.sqrt(2))  # Φ(cut) - Φ(-cut)
    return math.sqrt(1 - 2 * cut * density / inside)


w = nn.init.trunc_normal_(torch.empty(400, 300))
check("std 1, cut at ±2: nothing beyond", 2.0, w.abs().max(), atol=1e-3)
print(f"what std is left: {truncated_std_by_hand(2):.4f}")  # → what std is left: 0.8796
check("  so it is", truncated_std_by_hand(2), w.std(), rtol=0.01)

# %%
# Pitfall: a and b are absolute
# -----------------------------
# They are weights, not multiples of ``std``. With the std 0.02 of a transformer, the
# default ±2 lies a hundred std away and cuts nothing. Give both.
w = nn.init.trunc_normal_(torch.empty(400, 300), std=0.02)
beyond = (w.abs() > 2 * 0.02).double().mean()
check("default cut: the tails are there", math.erfc(2 / math.sqrt(2)), beyond, 0.07)
w = nn.init.trunc_normal_(torch.empty(400, 300), std=0.02, a=-0.04, b=0.04)
check("a=-0.04, b=0.04: cut", 0.04, w.abs().max(), rtol=1e-3)
check("  and narrower", 0.02 * truncated_std_by_hand(2), w.std(), rtol=0.01)

# %%
# What is refused: whole numbers, and a negative std.
with refused(RuntimeError, "not implemented for 'Long'"):
    nn.init.normal_(torch.zeros(3, dtype=torch.long))
with refused(RuntimeError, "normal expects std >= 0.0"):
    nn.init.normal_(layer.bias, std=-1)

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
w = nn.init.normal_(torch.empty(100, 300), std=fit).flatten().numpy()
left.hist(w, 60, density=True, color="tab:blue")
x = torch.linspace(-4 * fit, 4 * fit, 200)
left.plot(x, torch.distributions.Normal(0, fit).log_prob(x).exp(), "k--")
left.set(title="30,000 weights, std √(2 / 512)", xlabel="weight", ylabel="density")
for std, color in ((0.1, "tab:green"), (fit, "tab:blue"), (0.01, "tab:red")):
    mean, spread = zip(*((x.mean(), x.std()) for x in signals[std]), strict=True)
    right.semilogy(range(1, 21), mean, color=color, label=f"std {std:.4g}")
    right.semilogy(range(1, 21), spread, ".", color=color)
right.set(title="ReLU: one std keeps the signal", xlabel="layer")
right.set(ylabel="mean (line), spread (dots)", xticks=[1, 5, 10, 15, 20])
right.legend(loc="lower left")
fig.savefig(RESULT / "weights_and_signal.png")
