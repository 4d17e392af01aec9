r"""
2.2.2.1 xavier_uniform\_ · Xavier均匀分布
=========================================

Uniform weights whose width is a compromise: the signal on its way forward and the
gradient on its way back both want to keep their size.

.. math:: w \sim U(-a, a), \quad
          a = \text{gain} \, \sqrt{\frac{6}{\text{fan\_in} + \text{fan\_out}}}, \quad
          \text{std}(w) = a / \sqrt{3}

:signature: ``xavier_uniform_(tensor, gain=1.0, generator=None)``
:tensor:    two dimensions or more: (out, in) or (out, in / groups, height, width);
            filled in place and returned
:gain:      makes up for what the non-linearity after the layer takes away: 5/3 for tanh
            (lesson 2.2.2.11)
:use it:    for layers followed by tanh, or by nothing. For ReLU: lesson 2.2.2.3.
:the notes: "a = gain*sqrt(6/fan_in+fan_out)" lacks a pair of parentheses: taken at its
            word it gives 12.25 for 0.163.
:source:    Glorot and Bengio, *Understanding the Difficulty of Training Deep
            Feedforward Neural Networks*, 2010; hence also "Glorot initialization"
"""

import math
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
# Fill a layer
# ------------
# The underscore says that the tensor itself is changed.
layer = nn.Linear(75, 150)
nn.init.xavier_uniform_(layer.weight)
print(f"widest: {layer.weight.abs().max():.3f}")  # → widest: 0.163

# %%
# By hand
# -------
# fan_in: how many inputs one output adds up. fan_out: how many outputs one input feeds.
# A convolution reaches ``kernel`` pixels of every channel (lesson 2.2.2.3 counts them).


def xavier_bound_by_hand(shape, gain=1.0):
    """Return a for a weight of shape (out, in / groups, *kernel)."""
    kernel = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * kernel, shape[0] * kernel
    return gain * math.sqrt(6 / (fan_in + fan_out))


layers = {
    "linear": nn.Linear(300, 100),  # fans 300 + 100
    "conv": nn.Conv2d(64, 32, kernel_size=3),  # 576 + 288
    "4 groups": nn.Conv2d(64, 32, kernel_size=3, groups=4),  # 144 + 288
}
for name, layer in layers.items():
    for gain in (1.0, 5 / 3):
        bound = xavier_bound_by_hand(layer.weight.shape, gain)
        torch.manual_seed(0)
        w = nn.init.xavier_uniform_(layer.weight, gain).detach()
        torch.manual_seed(0)
        check(f"{name}: ±{bound:.4f}", torch.empty_like(w).uniform_(-bound, bound), w)
        check("  is reached", bound, w.abs().max(), rtol=4e-3)
        check("  std = a / √3", bound / math.sqrt(3), w.std(), rtol=2e-2)

# %%
# Where the sum comes from
# ------------------------
# One layer multiplies the signal's variance by ``fan_in * var(w)``, the gradient's by
# ``fan_out * var(w)``. Only a square layer can have 1 for both: Xavier lets the two
# factors add up to 2.
weight = nn.init.xavier_uniform_(torch.empty(100, 300))
forward = (torch.randn(2000, 300) @ weight.T).var()
backward = (torch.randn(2000, 100) @ weight).var()
check("300 → 100: the signal's variance, 1.5", 300 * 2 / 400, forward, rtol=0.03)
check("300 → 100: the gradient's, 0.5", 100 * 2 / 400, backward, rtol=0.03)

# %%
# The notes pass the gain of ReLU. On a square layer that is ``kaiming_uniform_``.
torch.manual_seed(1)
xavier = nn.init.xavier_uniform_(torch.empty(60, 60), nn.init.calculate_gain("relu"))
torch.manual_seed(1)
kaiming = nn.init.kaiming_uniform_(torch.empty(60, 60), nonlinearity="relu")
check("the gain of ReLU, square: kaiming_uniform_", kaiming, xavier)

# %%
# Pitfalls
# --------
# The missing parentheses: weights 75 times too wide. And a bias has no fans.
wrong, right = math.sqrt(6 / 75 + 150), math.sqrt(6 / (75 + 150))
print(f"{wrong:.2f} for {right:.3f}")  # → 12.25 for 0.163
with refused(ValueError, "fewer than 2 dimensions"):
    nn.init.xavier_uniform_(layers["linear"].bias)

# %%
# What it is for
# --------------
# Twenty layers of tanh, 512 wide. With the gain 5/3 the signal settles near 0.65. What
# a layer holds by itself (lesson 2.2.3) soon divides it by √3 each time.
inits = {
    "xavier_uniform_, gain 5/3": lambda w: nn.init.xavier_uniform_(w, gain=5 / 3),
    "the default, U(±1/√n)": lambda w: nn.init.uniform_(
        w, -(len(w) ** -0.5), len(w) ** -0.5
    ),
}
signals = [activations_through(init, torch.tanh) for init in inits.values()]
kept, lost = (torch.stack([x.std() for x in signal]) for signal in signals)
check("xavier: layers 5 to 20", torch.full((16,), 0.65), kept[4:], atol=0.03)
check(
    "U(±1/√n): layer by layer, 1/√3", [3**-0.5] * 10, lost[10:] / lost[9:-1], rtol=0.06
)
check_less("U(±1/√n): what layer 20 gets", lost[-1], 1e-4)

# %%
# The picture
# -----------
weights, bound = weight.flatten().numpy(), xavier_bound_by_hand(weight.shape)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(weights, bins=60, color="tab:blue")
left.vlines([-bound, bound], 0, left.get_ylim()[1], "k", "dashed")
left.set(title="30,000 weights and ±a", xlabel="weight", ylabel="count")
depth = range(1, 21)
for name, signal, color in zip(inits, signals, ("tab:blue", "tab:red"), strict=True):
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    right.plot(depth, mean, color=color)
    right.fill_between(depth, mean - std, mean + std, fc=color, alpha=0.4, label=name)
right.set(title="tanh: one signal lives, one dies", xlabel="layer", ylim=(-1, 1.7))
right.set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20])
right.legend(loc="upper right")
fig.savefig(RESULT / "weights_and_signal.png")
