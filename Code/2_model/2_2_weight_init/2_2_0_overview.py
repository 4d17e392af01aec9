r"""
2.2.0 overview · 权值初始化的十种方法
=====================================

All ten initialisers of the notes, each in the same network of twenty layers: does the
signal reach the end, and does the gradient find its way back?

===========================  =======================================================
layer, and what follows      begin its weight with
===========================  =======================================================
any layer, then nothing      ``xavier_uniform_`` or ``xavier_normal_``, ``orthogonal_``
any layer, then tanh         the same, with ``gain=5/3``
any layer, then ReLU         ``kaiming_uniform_`` or ``kaiming_normal_``
any layer, then LeakyReLU    the same, with ``a`` its slope
any layer, then SELU         ``kaiming_normal_`` with ``nonlinearity="linear"``
GELU, SiLU; sigmoid          as for ReLU; xavier. Few layers only: deep ones fade
hidden to hidden, recurrent  ``orthogonal_`` (lesson 2.2.2.9), ``eye_`` with ReLU
inserted, to change nothing  ``eye_``, a convolution ``dirac_`` (lesson 2.2.2.8)
bias; BatchNorm              ``zeros_``; scale ``ones_``, shift ``zeros_`` (2.2.2.7)
===========================  =======================================================

"Any layer" is linear or a convolution. ``uniform_``, ``normal_`` and ``sparse_`` want
bounds or a std that you compute (lessons 2.2.2.5, 2.2.2.6 and 2.2.2.10).
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, check_less, result_dir

RESULT = result_dir(__file__)

# %%
# There and back
# --------------
# Noise of size 1 goes in, other noise of size 1 is the gradient at the end. What
# counts is how far the units differ: what all of them say, one could say alone.


def there_and_back(init, activation, layers=20, width=256, samples=64):
    """Return the units' spread and the gradient's rms of each layer, both (layers,)."""
    torch.manual_seed(0)
    x, outputs = torch.randn(samples, width, requires_grad=True), []
    for _ in range(layers):
        weight = torch.empty(width, width)
        init(weight)
        x = activation(x @ weight.T)
        x.retain_grad()
        outputs.append(x)
    x.backward(torch.randn(samples, width))
    spread = torch.stack([x.detach().std(dim=1).mean() for x in outputs])
    return spread, torch.stack([x.grad.square().mean().sqrt() for x in outputs])


spread, gradient = there_and_back(nn.init.orthogonal_, nn.Identity())
outputs = activations_through(nn.init.orthogonal_, nn.Identity(), width=256, samples=64)
check("forward: as utils has it", [x.std(dim=1).mean() for x in outputs], spread)
check("a rotation keeps the gradient's size", gradient[-1].expand(20), gradient)

# %%
# Ten initialisers and ReLU
# -------------------------
# Those with a gain get ReLU's, √2; the others their defaults, where they have any. All
# layers are square, where xavier and kaiming agree.
inits = {
    "xavier_uniform_, gain √2": lambda w: nn.init.xavier_uniform_(w, 2**0.5),
    "xavier_normal_, gain √2": lambda w: nn.init.xavier_normal_(w, 2**0.5),
    "kaiming_uniform_": nn.init.kaiming_uniform_,
    "kaiming_normal_": nn.init.kaiming_normal_,
    "uniform_": nn.init.uniform_,
    "normal_": nn.init.normal_,
    "constant_, 0.01": lambda w: nn.init.constant_(w, 0.01),
    "eye_": nn.init.eye_,
    "orthogonal_, gain √2": lambda w: nn.init.orthogonal_(w, 2**0.5),
    "sparse_, 0.9": lambda w: nn.init.sparse_(w, 0.9),
}
sizes = {name: there_and_back(init, torch.relu) for name, init in inits.items()}
for name, (spread, gradient) in sizes.items():
    both = torch.stack([spread[-1], gradient[0]])
    lives = bool(((both > 0.1) & (both < 10)).all())
    print(f"{name:25}{'lives' if lives else 'is lost'}")
# → xavier_uniform_, gain √2 lives
# → xavier_normal_, gain √2  lives
# → kaiming_uniform_         lives
# → kaiming_normal_          lives
# → uniform_                 is lost
# → normal_                  is lost
# → constant_, 0.01          is lost
# → eye_                     lives
# → orthogonal_, gain √2     lives
# → sparse_, 0.9             is lost
check("constant_: all units say the same", [0.0] * 20, sizes["constant_, 0.01"][0])

# %%
# The table's rows
# ----------------
# Layer 20 has what layer 5 had, and no gradient is ten times as large, or a tenth.
init = nn.init
rows = {
    "nothing, xavier_uniform_": (init.xavier_uniform_, nn.Identity()),
    "nothing, orthogonal_": (init.orthogonal_, nn.Identity()),
    "tanh, xavier_normal_, 5/3": (lambda w: init.xavier_normal_(w, 5 / 3), torch.tanh),
    "tanh, orthogonal_, 5/3": (lambda w: init.orthogonal_(w, 5 / 3), torch.tanh),
    "LeakyReLU": (lambda w: init.kaiming_uniform_(w, a=0.3), nn.LeakyReLU(0.3)),
    "SELU": (lambda w: init.kaiming_normal_(w, nonlinearity="linear"), nn.SELU()),
}
for name, row in rows.items():
    spread, gradient = there_and_back(*row)
    check(f"{name}: the signal lasts", spread[4], spread[19], rtol=0.2)
    check_less("  the gradient, in powers of ten", gradient.log10().abs().max(), 1)
for name, row in {
    "GELU, kaiming_normal_": (init.kaiming_normal_, nn.GELU()),
    "SiLU, kaiming_normal_": (init.kaiming_normal_, nn.SiLU()),
    "sigmoid, xavier_normal_": (init.xavier_normal_, torch.sigmoid),
}.items():
    check_less(f"{name}: the gradient fades", there_and_back(*row)[1][0], 0.1)

# %%
# The picture
# -----------
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
for way, title in enumerate(("forward: how the units differ", "backward: gradient")):
    ax, parts = axes[way], torch.stack([both[way] for both in sizes.values()])
    decades = parts.nan_to_num(nan=float("inf")).log10().clamp(-4, 4)
    image = ax.imshow(decades, "RdBu_r", vmin=-4, vmax=4, aspect="auto")
    ax.set(title=title, xlabel="layer", xticks=[0, 4, 9, 14, 19])
    ax.set_xticklabels([1, 5, 10, 15, 20])
axes[0].set_yticks(range(10), [f"{i}  {name}" for i, name in enumerate(sizes, 1)])
bar = fig.colorbar(image, ticks=[-4, 0, 4])
bar.set_ticklabels(["dead", "alive", "exploded"])
fig.suptitle("Twenty layers of ReLU: white is a signal that lives")
fig.savefig(RESULT / "which_signal_lives.png")
