r"""
3.2.2 zero_grad · 梯度清零
==========================

Forget the gradients of the last step. ``backward`` *adds* to ``.grad``, it never starts
afresh, so without this call every step also follows all gradients before it.

:signature: ``optimizer.zero_grad(set_to_none=True)``, and the same of a module
:returns:   nothing. Each ``.grad`` is None, or with ``set_to_none=False`` zeros.
:where:     anywhere between one ``step`` and the next ``backward``
:memory:    None gives the gradient's memory back until the next ``backward``
:the notes: "set to zero" held for 1.0; today the gradient is *removed*.
:then → now: ``set_to_none`` is True by default since PyTorch 2.0.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Gradients add up
# ----------------
w = nn.Parameter(torch.tensor(1.0))
optimizer = optim.SGD([w], lr=0.1)
(2 * w).backward()
print(w.grad)  # → tensor(2.)
(3 * w).backward()
print(w.grad)  # → tensor(5.)
optimizer.zero_grad()
print(w.grad)  # → None

# %%
# By hand
# -------
# Nothing but the optimizer's own parameters, and what has no gradient gets none.


def zero_grad_by_hand(optimizer, set_to_none=True):
    """Remove the gradients of an optimizer's parameters, or make them zero."""
    for p in (p for group in optimizer.param_groups for p in group["params"]):
        if p.grad is not None:
            p.grad = None if set_to_none else torch.zeros_like(p.grad)


for none in (True, False):
    for clear in (optim.SGD.zero_grad, zero_grad_by_hand):
        used, unused, foreign = (nn.Parameter(torch.tensor(1.0)) for _ in range(3))
        (used * foreign).backward()
        clear(optim.SGD([used, unused], lr=0.1), none)
        print(used.grad, unused.grad, foreign.grad)
# → None None tensor(1.)
# → None None tensor(1.)
# → tensor(0.) None tensor(1.)
# → tensor(0.) None tensor(1.)

# %%
# Why it adds: a large batch in small parts
# -----------------------------------------
# Four parts of 8 give the gradient of all 32, if each mean loss counts a quarter.
net = nn.Linear(5, 1)
x, y = torch.randn(32, 5), torch.randn(32, 1)
nn.MSELoss()(net(x), y).backward()
whole = net.weight.grad
net.zero_grad()  # a module's: all of its parameters
for part_x, part_y in zip(x.split(8), y.split(8), strict=True):
    (nn.MSELoss()(net(part_x), part_y) / 4).backward()
check("four parts are one batch", whole, net.weight.grad)

# %%
# None and zero are not the same
# ------------------------------
# ``step`` passes over a parameter without gradient. One with a gradient of zero takes
# part: momentum carries it on, weight decay pulls it. Ten steps with a gradient of 1,
# then ten without.
paths = {}
for setting in ({}, {"momentum": 0.9}, {"weight_decay": 0.5}):
    for none in (True, False):
        w = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        optimizer = optim.SGD([w], lr=0.02, **setting)
        path = paths[str(setting), none] = [w.item()]
        for step in range(20):
            optimizer.zero_grad(set_to_none=none)
            if step < 10:
                w.backward()  # the loss is w: its gradient is 1
            optimizer.step()
            path.append(w.item())
    stopped = paths[str(setting), True]
    check(f"{setting}: None stops it", [stopped[10]] * 10, stopped[11:])
    print(f"{setting}: zeros move it by {path[20] - path[10]:.3f}")
# → {}: zeros move it by 0.000
# → {'momentum': 0.9}: zeros move it by -0.764
# → {'weight_decay': 0.5}: zeros move it by -0.068

# %%
# After ten gradients of 1 the momentum is :math:`b = 1 + 0.9 + \dots + 0.9^9`. With
# zeros it decays, and the weight coasts on: :math:`0.9\,b,\; 0.81\,b, \dots`
none, zero = (paths["{'momentum': 0.9}", none] for none in (True, False))
b = sum(0.9**i for i in range(10))
coast = [zero[10] - 0.02 * b * sum(0.9**i for i in range(1, t)) for t in range(2, 12)]
check("the weight coasts", coast, zero[11:], rtol=1e-10)

# %%
# Pitfalls
# --------
# Forgotten, nothing complains: here step n goes n times as far as the first.
w = nn.Parameter(torch.tensor(0.0))
optimizer = optim.SGD([w], lr=0.1)
path = []
for _ in range(10):
    w.backward()
    optimizer.step()
    path.append(-w.item())
check("0.1 (1 + 2 + ... + n)", [0.1 * n * (n + 1) / 2 for n in range(1, 11)], path)
optimizer.zero_grad()
with refused(AttributeError, "'NoneType'"):
    w.grad.norm()  # code that reads gradients must be ready for None

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.axvspan(0, 10, color="0.9")
ax.text(6.5, 0.9, "a gradient of 1", color="0.3")
ax.text(10.3, 0.9, "no gradient", color="0.3")
ax.plot(zero, "o-", color="tab:red", label="zeros: momentum carries it on")
ax.plot(none, "o-", color="tab:blue", label="None: it stands still")
ax.set(title="Without a gradient: None stops a weight, zeros let it coast")
ax.set(xlabel="step", ylabel="weight", xticks=range(0, 21, 5))
ax.legend(loc="lower left")
fig.savefig(RESULT / "none_or_zeros.png")
