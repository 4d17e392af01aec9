r"""
2.2.2.7 constant\_ · 常数初始化
===============================

One value everywhere. For a bias that is a fine beginning; a hidden layer whose weights
are all equal stays one single unit, however many it has.

.. math:: w_{ji} = c, \; v_{kj} = c' \;\Rightarrow\; \frac{\partial L}{\partial w_{ji}}
          \text{ is the same for every unit } j

:signature: ``constant_(tensor, val)``; ``zeros_(tensor)``, ``ones_(tensor)``
:tensor:    any shape and dtype; filled in place and returned
:use it:    zeros for biases; ones for the scale, zeros for the shift of BatchNorm and
            LayerNorm. For weights something random: lessons 2.2.2.1 to 2.2.2.4.
:the notes: their example, ``nn.init.constant_(w, 0.3)``, is what not to do to a weight
:then → now: ``ones_`` and ``zeros_`` are younger than PyTorch 1.0
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# Fill a tensor
# -------------
print(nn.init.constant_(torch.empty(3), 0.3))  # → tensor([0.3000, 0.3000, 0.3000])
check("zeros_", [0.0] * 3, nn.init.zeros_(torch.empty(3)))
check("ones_", [1.0] * 3, nn.init.ones_(torch.empty(3)))

# %%
# Equal units get equal gradients
# -------------------------------
# A unit j is told by the layer behind it, with the weights V, how it should change, and
# passes it on to its own weights. By hand, for a hidden layer of tanh:


def hidden_gradient_by_hand(x, w, v, y):
    """Return the gradient of mean((tanh(x Wᵀ) Vᵀ - y)²) by W, (units, inputs)."""
    h = torch.tanh(x @ w.T)
    error = 2 * (h @ v.T - y) / y.numel()
    return ((error @ v) * (1 - h**2)).T @ x


torch.manual_seed(0)
x, y = torch.randn(50, 4).double(), torch.randn(50, 2).double()
W, V = nn.Linear(4, 3, bias=False).double(), nn.Linear(3, 2, bias=False).double()
for layer in (W, V):
    nn.init.constant_(layer.weight, 0.3)
nn.functional.mse_loss(V(torch.tanh(W(x))), y).backward()
check("by hand", hidden_gradient_by_hand(x, W.weight, V.weight, y), W.weight.grad)
check("unit 2 gets what unit 1 gets", W.weight.grad[0], W.weight.grad[1], rtol=1e-12)

# %%
# And so they stay equal
# ----------------------
# Sixteen hidden units learn the handwritten digits, for 60 steps.
images, labels = (torch.from_numpy(x) for x in load_digits(return_X_y=True))
images = images / 8 - 1  # 1797 x 64, from -1 to 1


def train(init, images, labels, steps=60):
    """Return a network for (N, 64) images after some steps, and its share of hits."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)).double()
    for layer in (net[0], net[2]):
        init(layer.weight)
        nn.init.zeros_(layer.bias)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(net(images), labels)
        gradients = torch.autograd.grad(loss, [*net.parameters()])
        for p, gradient in zip(net.parameters(), gradients, strict=True):
            p.data -= 0.5 * gradient
    return net, (net(images).argmax(1) == labels).double().mean().item()


equal, hits = train(lambda w: nn.init.constant_(w, 0.02), images, labels)
print(f"equal weights: {hits:.0%} of the digits")  # → equal weights: 26% of the digits
first, *others = equal[0].weight.detach()
check_less("they have learnt", 0.1, (first - 0.02).abs().max())
check("all units the same", first.expand(15, -1), torch.stack(others), rtol=1e-9)
mixed, hits = train(nn.init.xavier_uniform_, images, labels)
print(f"random weights: {hits:.0%}")  # → random weights: 96%

# %%
# With zeros not even that: no weight gets a gradient, only the last bias learns.
zero, hits = train(nn.init.zeros_, images, labels)
weights = torch.cat([zero[0].weight.flatten(), zero[2].weight.flatten()])
check("zeros in both layers are still zeros", torch.zeros(16 * 64 + 10 * 16), weights)
check_less("  the last bias has moved", 1e-3, zero[2].bias.abs().max())

# %%
# It takes both layers: with random weights behind them, equal units part again.
nn.init.normal_(V.weight)
gradient = hidden_gradient_by_hand(x, W.weight, V.weight, y)
check_less("random weights behind: they part", 0.01, (gradient[0] - gradient[1]).abs())

# %%
# Where a constant is right
# -------------------------
# A bias adds nothing at first, and BatchNorm hands on what it has normalised. Any shape
# will do, but a second tensor in the place of the value will not.
norm = nn.BatchNorm1d(3)
check("BatchNorm: scale 1, shift 0", [[1.0] * 3, [0.0] * 3], [norm.weight, norm.bias])
with refused(RuntimeError, "only supports 0-dimension value tensor"):
    nn.init.constant_(norm.bias, torch.ones(3))

# %%
# The picture
# -----------
# What sixteen units look for in a digit: one picture, sixteen times.
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3), layout="constrained")
for ax, net, name in zip(axes, (equal, mixed), ("equal", "random"), strict=False):
    units = net[0].weight.detach().reshape(4, 4, 8, 8)
    sheet = nn.functional.pad(units / units.abs().max(), (1,) * 4).transpose(1, 2)
    ax.imshow(sheet.reshape(40, 40), "RdBu_r", vmin=-1, vmax=1)
    ax.set(title=f"{name} weights, trained", xticks=[], yticks=[])
    ax.set_xlabel("16 units, 8 x 8 weights each")
inits = {"random weights": lambda w: nn.init.xavier_uniform_(w, gain=5 / 3)}
inits["all weights 0.3"] = lambda w: nn.init.constant_(w, 0.3)
for (name, init), color in zip(inits.items(), ("tab:blue", "tab:red"), strict=True):
    signal = activations_through(init, torch.tanh, samples=1)
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    axes[2].plot(range(1, 21), mean, color=color)
    band = {"fc": color, "alpha": 0.4, "label": name}
    axes[2].fill_between(range(1, 21), mean - std, mean + std, **band)
check("0.3, 20 layers of tanh: 512 units, one value", torch.zeros(20), std)
axes[2].set(title="one input through tanh", xlabel="layer", ylim=(-1.1, 2.1))
axes[2].set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20])
axes[2].legend(loc="upper right")
fig.savefig(RESULT / "units_and_signal.png")
