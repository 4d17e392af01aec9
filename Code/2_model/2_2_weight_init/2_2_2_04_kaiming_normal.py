r"""
2.2.2.4 kaiming_normal\_ · kaiming正态分布
==========================================

Normal weights, just wide enough that a signal keeps its size through layers of ReLU, or
that the gradients do on their way back.

.. math:: w \sim N(0, \text{std}^2), \quad \text{std} = \text{gain} / \sqrt{\text{fan}}

:signature: ``kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu",
            generator=None)``
:tensor:    two dimensions or more: (out, in) or (out, in / groups, height, width);
            filled in place and returned
:a:         the slope of a leaky ReLU, for :math:`\text{gain} = \sqrt{2 / (1 + a^2)}`
:mode:      ``fan_in`` keeps the variance of the signal, ``fan_out`` that of the
            gradients
:use it:    for layers followed by ReLU or one of its kin. Biases: zeros.
:the notes: right. Both this and the uniform one take either ``mode``.
:source:    He et al., *Delving Deep into Rectifiers*, 2015
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
torch.manual_seed(0)

# %%
# Fill a layer
# ------------
linear = nn.Linear(300, 100)
print(f"std: {nn.init.kaiming_normal_(linear.weight).std():.3f}")  # → std: 0.082

# %%
# By hand
# -------
# fan_in: how many inputs one output adds up. fan_out: how many outputs one input feeds.
# With groups take ``fan_in``: PyTorch's ``fan_out`` counts too many (lesson 2.2.2.3).


def kaiming_std_by_hand(shape, a=0.0, mode="fan_in"):
    """Return the std for a weight of shape (out, in / groups, *kernel)."""
    fan = math.prod(shape[1:]) if mode == "fan_in" else shape[0] * math.prod(shape[2:])
    return math.sqrt(2 / (1 + a**2) / fan)


layers = {
    "linear": linear,  # fans 300, 100
    "conv": nn.Conv2d(64, 32, kernel_size=3),  # 576, 288
    "4 groups": nn.Conv2d(64, 32, kernel_size=3, groups=4),  # 144, 288
}
for name, layer in layers.items():
    for a, mode in ((0, "fan_in"), (0, "fan_out"), (0.5, "fan_in")):
        std = kaiming_std_by_hand(layer.weight.shape, a, mode)
        torch.manual_seed(0)
        w = nn.init.kaiming_normal_(layer.weight, a, mode).detach()
        torch.manual_seed(0)
        claim = f"{name}, {mode}, a={a}: N(0, {std:.4f}²)"
        check(claim, torch.empty_like(w).normal_(0, std), w)
        check("  its standard deviation", std, w.std(), rtol=3e-2)

# %%
# ``fan_in`` or ``fan_out``?
# --------------------------
# From 100 units to 400 one layer can't keep both. By how much it multiplies the mean
# square of the signal, and of a gradient on its way back, in the average of 10 draws:
wide = nn.Linear(100, 400, bias=False)
factors = {"fan_in": torch.zeros(2), "fan_out": torch.zeros(2)}
for mode, factor in factors.items():
    for _ in range(10):
        nn.init.kaiming_normal_(wide.weight, mode=mode, nonlinearity="relu")
        signal = torch.randn(100, 100).relu().requires_grad_()
        output = wide(signal).relu()
        output.backward(gradient := torch.randn_like(output))
        factor[0] += (output.square().mean() / signal.square().mean()).item()
        factor[1] += (signal.grad.square().mean() / gradient.square().mean()).item()
    factor /= 10
    print(f"{mode:7}  signal x {factor[0]:.2f}  gradient x {factor[1]:.2f}")
# → fan_in   signal x 1.00  gradient x 4.01
# → fan_out  signal x 0.25  gradient x 0.99
check("fan_in keeps the signal, not the gradient", [1, 4], factors["fan_in"], rtol=0.1)
check("fan_out the reverse", [1 / 4, 1], factors["fan_out"], rtol=0.1)

# %%
# Pitfalls
# --------
# A weight applied as ``x @ w`` has the shape (in, out), and its fans the wrong way
# round. Pass its transpose: that fills it as well.
x, w = torch.randn(1000, 400), torch.empty(400, 100)
nn.init.kaiming_normal_(w)
check("x @ w: 4 times the power", 4, (x @ w).relu().square().mean(), rtol=0.05)
nn.init.kaiming_normal_(w.T)
check("filled through w.T: kept", 1, (x @ w).relu().square().mean(), rtol=0.05)
with refused(ValueError, "fewer than 2 dimensions"):
    nn.init.kaiming_normal_(linear.bias)

# %%
# What it is for
# --------------
# Twenty layers of ReLU, 512 wide. Depth forgives nothing: 0.07 instead of 0.0625, and
# each layer multiplies the signal by :math:`0.07 \sqrt{512 / 2} = 1.12`.
inits = {
    "kaiming_normal_": nn.init.kaiming_normal_,
    "N(0, 0.07²)": lambda w: nn.init.normal_(w, std=0.07),
}
signals = [activations_through(init, torch.relu) for init in inits.values()]
kept, grown = ([x.square().mean() for x in signal] for signal in signals)
check("kaiming: the signal keeps its power", torch.ones(20), kept, atol=0.5)
check("the right std for ReLU, 512 wide", 0.0625, kaiming_std_by_hand((512, 512)))
powers = 1.12 ** (2 * torch.arange(1.0, 21))
check("N(0, 0.07²): grows by 1.12 per layer", powers, grown, rtol=0.5)

# %%
# The picture
# -----------
weights = nn.init.kaiming_normal_(torch.empty(100, 300)).flatten()
std = kaiming_std_by_hand((100, 300))
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(weights.numpy(), bins=60, density=True, color="tab:blue")
w = torch.linspace(-4 * std, 4 * std, 200)
left.plot(w, torch.distributions.Normal(0, std).log_prob(w).exp(), "k--")
left.set(title="30,000 weights and N(0, std²)", xlabel="weight", ylabel="density")
depth = range(1, 21)
for name, signal, color in zip(inits, signals, ("tab:blue", "tab:red"), strict=True):
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    right.plot(depth, mean, color=color)
    right.fill_between(depth, mean - std, mean + std, fc=color, alpha=0.4, label=name)
right.set(title="ReLU: 12 % too wide, and it explodes", xlabel="layer", ylim=(-5, 18))
right.set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20])
right.legend(loc="upper left")
fig.savefig(RESULT / "weights_and_signal.png")
