r"""
2.2.2.5 uniform\_ · 均匀分布初始化
==================================

Every weight is drawn between two bounds that you choose, each value as likely as the
next. It knows nothing of the layer: that its width fits is up to you.

.. math:: w \sim U(a, b), \quad \text{mean}(w) = \frac{a + b}{2}, \quad
          \text{std}(w) = \frac{b - a}{\sqrt{12}}

:signature: ``uniform_(tensor, a=0.0, b=1.0, generator=None)``
:tensor:    any shape, also a bias, of a floating dtype; filled in place and returned
:use it:    with bounds of your own around 0, :math:`\pm \sqrt{3 / n}` for n inputs. The
            lessons 2.2.2.1 and 2.2.2.3 compute them for you.
:the notes: give the default bounds, 0 and 1, without a warning: see the pitfall
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
# Fill a layer
# ------------
torch.manual_seed(0)
layer = nn.Linear(3, 2)
nn.init.uniform_(layer.weight, -1, 1)
print([[round(w, 2) for w in row] for row in layer.weight.tolist()])
# → [[-0.09, 0.26, -0.3], [-0.2, -0.96, -0.66]]

# %%
# By hand
# -------
# Numbers from [0, 1), stretched and moved.


def uniform_by_hand(shape, a=0.0, b=1.0):
    """Return a tensor of that shape with values from U(a, b)."""
    return a + (b - a) * torch.rand(shape)


for a, b in ((0.0, 1.0), (-0.3, 0.7)):
    torch.manual_seed(1)
    by_hand = uniform_by_hand((400, 300), a, b)
    torch.manual_seed(1)
    w = nn.init.uniform_(torch.empty(400, 300), a, b)
    check(f"U({a}, {b}): each of 120,000 weights", by_hand, w)
    check("  fills its bounds", [a, b], [w.min(), w.max()], atol=1e-4)
    check("  mean = (a + b) / 2", (a + b) / 2, w.mean(), atol=4e-3)
    check("  std = (b - a) / √12", (b - a) / math.sqrt(12), w.std(), rtol=6e-3)

# %%
# What it does to a signal
# ------------------------
# An output adds up n = 512 products. With a mean of 0 it is :math:`\text{std}(w)
# \sqrt{n}` times as large as an input: every layer multiplies by that once more.
depth = torch.arange(1, 21)
for bound in (0.05, math.sqrt(3 / 512), 0.1):
    factor = bound / math.sqrt(3) * math.sqrt(512)
    rms = signal_through(
        lambda w, b=bound: nn.init.uniform_(w, -b, b), nn.Identity(), samples=32
    )
    check(f"±{bound:.4f}: {factor:.3f} to the power of depth", factor**depth, rms, 0.25)
    print(f"  after 20 layers: {rms[-1]:.1e}")
# → after 20 layers: 2.1e-04
# → after 20 layers: 1.0e+00
# → after 20 layers: 2.2e+02

# %%
# Pitfall: the default bounds
# ---------------------------
# The mean of U(0, 1) is 1/2, and it adds up: every layer is n/2 = 256 times as loud as
# the one before. What the units differ by grows with √n only, so that all say nearly
# the same.
loud = activations_through(nn.init.uniform_, nn.Identity(), samples=1)
means = torch.stack([x.mean() for x in loud])
check("the mean: a factor of n/2", [256.0] * 9, means[1:10] / means[:9], rtol=0.03)
spread = torch.stack([x.std() for x in loud[1:10]])
share = math.sqrt(512 / 12) / (512 / 2)
check(f"the units' spread: {share:.1%}", [share] * 9, spread / means[1:10].abs(), 0.13)
held = sum(x.isfinite().all().item() for x in loud)
print("float32 holds it for", held, "layers")  # → float32 holds it for 16 layers

# %%
# What is refused: whole numbers, and bounds the wrong way round.
with refused(RuntimeError, "not implemented for 'Long'"):
    nn.init.uniform_(torch.zeros(3, dtype=torch.long))
with refused(RuntimeError, "from=1 > to=0"):
    nn.init.uniform_(layer.bias, 1, 0)

# %%
# What it is for
# --------------
# One input on its way through layers of tanh, which cuts off at ±1 and therefore wants
# weights 5/3 times wider (lesson 2.2.2.11).
fit = 5 / 3 * math.sqrt(3 / 512)
inits = {
    f"U(±{fit:.3f})": lambda w: nn.init.uniform_(w, -fit, fit),
    "U(±0.05)": lambda w: nn.init.uniform_(w, -0.05, 0.05),
    "U(0, 1), the default": nn.init.uniform_,
}
signals = [activations_through(f, torch.tanh, samples=1) for f in inits.values()]
kept, lost, same = (torch.stack([x.std() for x in signal]) for signal in signals)
check(f"±{fit:.3f}: keeps its spread", [0.65] * 16, kept[4:], atol=0.06)
check("±0.05: std(w) √n in every layer", [0.653] * 10, lost[10:] / lost[9:-1], rtol=0.2)
check("U(0, 1): 512 units say one thing", [0.0] * 19, same[1:])

# %%
# The picture
# -----------
w = nn.init.uniform_(torch.empty(100, 300), -fit, fit).flatten().numpy()
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(w, bins=60, color="tab:blue")
left.vlines([-fit, fit], 0, left.get_ylim()[1], "k", "dashed")
left.set(title=f"30,000 weights and ±{fit:.3f}", xlabel="weight", ylabel="count")
colors = ("tab:blue", "tab:red", "tab:green")
for name, signal, color in zip(inits, signals, colors, strict=True):
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    right.plot(depth, mean, color=color)
    right.fill_between(depth, mean - std, mean + std, fc=color, alpha=0.4, label=name)
right.set(title="tanh: one spread lives, two die", xlabel="layer")
right.set(ylabel="one input: mean ± std", xticks=[1, 5, 10, 15, 20], ylim=(-1.1, 2.1))
right.legend(loc="upper right", ncols=2)
fig.savefig(RESULT / "weights_and_signal.png")
