r"""
2.2.2.11 calculate_gain · 计算增益
==================================

The factor by which weights must be wider to make up for what a non-linearity takes away
from the signal.

.. math:: \text{gain} = 1 \,/ \sqrt{\mathrm{E}[f(z)^2]}, \quad z \sim N(0, 1)

It keeps the mean square of the sums :math:`z` at 1 from layer to layer. PyTorch has it
for ReLU and its leaky kin; for tanh, sigmoid and SELU it has rules of thumb.

:signature: ``calculate_gain(nonlinearity, param=None)``
:nonlinearity: the name of a function of ``torch.nn.functional``, in lower case
:param:     the negative slope, for ``"leaky_relu"``
:returns:   a number, to be handed to ``xavier_*_`` or ``orthogonal_`` as ``gain``. The
            ``kaiming_*_`` call it themselves, with their ``nonlinearity`` and ``a``.
:then → now: ``"selu"`` is new.
"""

import math
import sys
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# Ask for one
# -----------
print(f"{nn.init.calculate_gain('relu'):.4f}")  # → 1.4142
check("conv2d: as linear", 1, nn.init.calculate_gain("conv2d"))

# %%
# By hand
# -------
# The mean of :math:`f^2` under the normal density, as the area below a curve.


def mean_square(f, std=1.0):
    """Return E[f(z)²] for z of N(0, std²), by the trapezoid rule."""
    z = torch.linspace(-12, 12, 9601, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return torch.trapezoid(f(std * z) ** 2 * density, z).item()


functions = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.2),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "selu": torch.selu,
}
table = {name: nn.init.calculate_gain(name, 0.2) for name in functions}
exact = {name: mean_square(f) ** -0.5 for name, f in functions.items()}
for name in ("linear", "relu", "leaky_relu"):
    check(f"{name}: 1 / √E[f(z)²]", exact[name], table[name], rtol=1e-8)
for name in ("tanh", "sigmoid", "selu"):
    print(f"{name:8}{table[name]:.4f}, by hand {exact[name]:.4f}")
# → tanh    1.6667, by hand 1.5925
# → sigmoid 1.0000, by hand 1.8462
# → selu    0.7500, by hand 1.0000

# %%
# What the rules of thumb do to a signal
# --------------------------------------
# The same integral, layer after layer, foretells its size. Tanh settles with 5/3 and
# fades with 1; SELU keeps 1 with its exact gain and fades with PyTorch's.


def rms_by_hand(f, gain, layers):
    """Return the root mean square after each of ``layers`` wide layers, from 1."""
    rms = [1.0]
    for _ in range(layers):
        rms.append(math.sqrt(mean_square(f, gain * rms[-1])))
    return rms[1:]


curves = {}
for name, gain in (("tanh", 5 / 3), ("tanh", 1.0), ("selu", 1.0), ("selu", 0.75)):
    label, init = f"{name}, gain {gain:.2f}", partial(nn.init.xavier_normal_, gain=gain)
    outputs = activations_through(init, functions[name])
    measured = [output.square().mean().sqrt() for output in outputs]
    curves[label] = rms_by_hand(functions[name], gain, 20), measured
    check(f"{label}: 20 layers", *curves[label], rtol=0.06)
print("layer 20:", [round(by_hand[-1], 2) for by_hand, _ in curves.values()])
# → layer 20: [0.65, 0.16, 1.0, 0.25]

# %%
# Sigmoid keeps its size with gain 1, but in the end every sample gives the same.
output = activations_through(nn.init.xavier_normal_, torch.sigmoid)[-1]
check("sigmoid, layer 20: rms", 0.51, output.square().mean().sqrt(), atol=0.02)
check_less("sigmoid, layer 20: samples differ by", output.std(dim=0).max(), 1e-6)

# %%
# Pitfalls
# --------
# What is not in the table is refused, and so is the name of a module. For GELU the
# formula gives 1.53, but that keeps only sums of size 1: larger ones grow.
for name in ("gelu", "silu", "elu", "softmax", "ReLU"):
    with refused(ValueError, f"Unsupported nonlinearity {name}"):
        nn.init.calculate_gain(name)
gain = mean_square(functional.gelu) ** -0.5
first, *_, last = rms_by_hand(functional.gelu, gain, 20)
print(f"gelu, gain {gain:.2f}: {first:.2f} becomes {last:.2f}")
# → gelu, gain 1.53: 1.05 becomes 4.00

# %%
# The default slope is 0.01, that of ``nn.LeakyReLU``; but ``kaiming_*_`` have ``a=0``,
# which is ReLU (lesson 2.2.2.3).
by_hand = math.sqrt(2 / (1 + nn.LeakyReLU().negative_slope ** 2))
default = nn.init.calculate_gain("leaky_relu")
check("leaky_relu: √(2 / (1 + 0.01²))", by_hand, default, rtol=1e-12, atol=0)
check("kaiming_normal_: a=0", 0, nn.init.kaiming_normal_.__defaults__[0])

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.barh(list(table), list(table.values()), color="tab:blue", label="calculate_gain")
left.plot(list(exact.values()), list(exact), "kD", ms=5, label="1 / √E[f(z)²]")
left.set(title="exact for three, a rule for three", xlabel="gain", xlim=(0, 3.3))
left.invert_yaxis()
left.legend(loc="upper right", fontsize="small")
for label, (by_hand, measured) in curves.items():
    (line,) = right.plot(range(1, 21), by_hand, label=label)
    right.plot(range(1, 21), measured, ".", color=line.get_color())
right.set(title="signal: lines by hand, dots measured", xlabel="layer", ylabel="rms")
right.set(xticks=[1, 5, 10, 15, 20], ylim=(0, 1.8))
right.legend(loc="upper right", ncols=2, fontsize="small")
fig.savefig(RESULT / "gains.png")
