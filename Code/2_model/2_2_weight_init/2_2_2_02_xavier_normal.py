r"""
2.2.2.2 xavier_normal\_ · Xavier正态分布
========================================

Normal weights with the same compromise as ``xavier_uniform_`` (lesson 2.2.2.1): as wide
as suits the signal going forward and the gradient going back.

.. math:: w \sim N(0, \text{std}^2), \quad
          \text{std} = \text{gain} \, \sqrt{\frac{2}{\text{fan\_in} + \text{fan\_out}}}

:signature: ``xavier_normal_(tensor, gain=1.0, generator=None)``
:tensor:    two dimensions or more: (out, in) or (out, in / groups, height, width);
            filled in place and returned
:gain:      makes up for what the non-linearity after the layer takes away: 5/3 for tanh
            (lesson 2.2.2.11)
:use it:    where ``xavier_uniform_`` serves: the signal feels the standard deviation of
            the weights, and hardly their distribution.
:the notes: "std=gain*sqrt(2/fan_in+fan_out)" lacks a pair of parentheses: taken at its
            word it gives 12.25 for 0.094.
:then → now: ``generator`` is new.
:source:    Glorot and Bengio, 2010, as ``xavier_uniform_``
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, refused, result_dir, warned

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Fill a layer
# ------------
layer = nn.Linear(75, 150)
print(f"std: {nn.init.xavier_normal_(layer.weight).std():.3f}")  # → std: 0.095

# %%
# By hand
# -------
# fan_in: how many inputs one output adds up. fan_out: how many outputs one input feeds.


def xavier_std_by_hand(shape, gain=1.0):
    """Return the std for a weight of shape (out, in / groups, *kernel)."""
    kernel = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * kernel, shape[0] * kernel
    return gain * math.sqrt(2 / (fan_in + fan_out))


layers = {
    "linear": nn.Linear(300, 100),  # fans 300 + 100
    "conv": nn.Conv2d(64, 32, kernel_size=3),  # 576 + 288
    "4 groups": nn.Conv2d(64, 32, kernel_size=3, groups=4),  # 144 + 288
}
for name, layer in layers.items():
    for gain in (1.0, 5 / 3):
        std = xavier_std_by_hand(layer.weight.shape, gain)
        torch.manual_seed(0)
        w = nn.init.xavier_normal_(layer.weight, gain).detach()
        torch.manual_seed(0)
        check(f"{name}: N(0, {std:.4f}²)", torch.empty_like(w).normal_(0, std), w)
        check("  its standard deviation", std, w.std(), rtol=3e-2)

# %%
# A ``generator`` of its own gives a layer the same weights whatever was drawn before.
generator = torch.Generator().manual_seed(7)
normal = nn.init.xavier_normal_(torch.empty(100, 300), generator=generator)
again = torch.empty(100, 300)
nn.init.xavier_normal_(again, generator=generator.manual_seed(7))
check("the same generator, the same weights", normal, again)

# %%
# Normal or uniform?
# ------------------
# The uniform one ends at :math:`\sqrt 3` standard deviations. Beyond it lie 8 % of the
# normal weights.
std = xavier_std_by_hand(normal.shape)
uniform = nn.init.xavier_uniform_(torch.empty(100, 300))
check("the same standard deviation", uniform.std(), normal.std(), rtol=2e-2)
tails = [(w.abs() > math.sqrt(3) * std).double().mean() for w in (normal, uniform)]
check("beyond √3 std", [math.erfc(math.sqrt(1.5)), 0], tails, atol=6e-3)

# %%
# Pitfalls
# --------
# The missing parentheses: tanh sends nearly all that such weights add up to ±1. And the
# name without its underscore is out of use.
wrong, right = math.sqrt(2 / 75 + 150), math.sqrt(2 / (75 + 150))
print(f"{wrong:.2f} for {right:.3f}")  # → 12.25 for 0.094
stuck = torch.tanh(wrong * torch.randn(1000, 75) @ torch.randn(75, 150)).abs() > 0.99
print(f"beyond ±0.99: {stuck.double().mean():.0%}")  # → beyond ±0.99: 98%
with warned(FutureWarning, "deprecated in favor of"):
    nn.init.xavier_normal(layer.weight)
with refused(ValueError, "fewer than 2 dimensions"):
    nn.init.xavier_normal_(layer.bias)

# %%
# What it is for
# --------------
# Twenty layers of tanh, 512 wide. With the gain 5/3 the signal settles near 0.65,
# normal weights or uniform. With the default, 1, it fades.
inits = {
    "xavier_normal_, gain 5/3": lambda w: nn.init.xavier_normal_(w, gain=5 / 3),
    "xavier_normal_, gain 1": nn.init.xavier_normal_,
    "xavier_uniform_, gain 5/3": lambda w: nn.init.xavier_uniform_(w, gain=5 / 3),
}
signals = [activations_through(init, torch.tanh) for init in inits.values()]
spread = torch.stack([torch.stack([x.std() for x in signal]) for signal in signals])
for name, kept in zip(("normal", "uniform"), spread[::2], strict=True):
    check(f"{name}, layers 5 to 20", torch.full((16,), 0.65), kept[4:], atol=0.03)
print(f"gain 1: {spread[1, 0]:.2f} becomes {spread[1, -1]:.2f}")
# → gain 1: 0.63 becomes 0.16

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(normal.flatten().numpy(), bins=60, density=True, color="tab:blue")
w = torch.linspace(-4 * std, 4 * std, 200)
left.plot(w, torch.distributions.Normal(0, std).log_prob(w).exp(), "k--")
left.set(title="30,000 weights and N(0, std²)", xlabel="weight", ylabel="density")
depth = range(1, 21)
for name, signal, color in zip(inits, signals, ("tab:blue", "tab:red"), strict=False):
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    right.plot(depth, mean, color=color)
    right.fill_between(depth, mean - std, mean + std, fc=color, alpha=0.4, label=name)
right.set(title="tanh: without its gain the signal fades", xlabel="layer")
right.set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20], ylim=(-1, 1.7))
right.legend(loc="upper right")
fig.savefig(RESULT / "weights_and_signal.png")
