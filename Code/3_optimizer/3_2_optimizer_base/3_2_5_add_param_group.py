r"""
3.2.5 add_param_group · 增加参数组
==================================

Hand an optimizer more parameters while it works, with settings of their own: layers
that were frozen at first, or layers that a growing network has just got.

:signature: ``optimizer.add_param_group({"params": [...], "lr": 0.001})``
:argument:  one group, as in lesson 3.2.1. What it leaves out comes from the arguments
            that the optimizer was made with.
:returns:   nothing; the group becomes the last one of ``optimizer.param_groups``
:use it:    to unfreeze a pretrained body after its new head has learnt something.
            Thaw the parameters, too: ``p.requires_grad_()``.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# One more group
# --------------
# It names its ``lr`` and gets the optimizer's ``betas``.
old, new = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
optimizer = optim.Adam([old], lr=0.1, betas=(0.5, 0.9))
optimizer.add_param_group({"params": [new], "lr": 0.01})
for group in optimizer.param_groups:
    print(group["lr"], group["betas"])
# → 0.1 (0.5, 0.9)
# → 0.01 (0.5, 0.9)

# %%
# By hand
# -------
# Two weights on their way from 1 to 0. The second joins after 20 steps, and its history
# begins there: it takes Adam's first step, ``lr`` long.


def add_by_hand(optimizer, group):
    """Append a group, completed by the defaults, if its parameters are new."""
    known = {p for group in optimizer.param_groups for p in group["params"]}
    if known & set(group["params"]):
        raise ValueError("a parameter is there already")
    optimizer.param_groups.append({**optimizer.defaults, **group})


paths = []
for add in (add_by_hand, optim.Adam.add_param_group):
    a, b = (nn.Parameter(torch.tensor(1.0, dtype=torch.float64)) for _ in range(2))
    optimizer = optim.Adam([a], lr=0.1, betas=(0.5, 0.9))
    path = []
    for step in range(40):
        if step == 20:
            add(optimizer, {"params": [b], "lr": 0.01})
        optimizer.zero_grad()
        (a**2 + b**2).backward()
        optimizer.step()
        path.append([a.item(), b.item()])
    paths.append(path)
check("40 steps of both", *paths, rtol=1e-10)
print([f"{path[step][1]:.2f}" for step in (18, 19, 20)])  # → ['1.00', '1.00', '0.99']

# %%
# Unfreezing
# ----------
# A body of 16 frozen features, and a head that mixes them into :math:`\sin 2x`. After
# 150 steps the body joins, at a smaller rate, and features move to where they help.
x = torch.linspace(-3, 3, 64, dtype=torch.float64)[:, None]
losses = {}
for thaw in (False, True):
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(1, 16), nn.Tanh()).double().requires_grad_(False)
    head = nn.Linear(16, 1).double()
    frozen = body[0].weight.clone()
    optimizer = optim.Adam(head.parameters(), lr=0.02)
    losses[thaw] = []
    for step in range(300):
        if step == 150:
            check(f"thaw={thaw}: frozen so far", frozen, body[0].weight, 0, 0)
        if step == 150 and thaw:
            body.requires_grad_()
            optimizer.add_param_group({"params": body.parameters(), "lr": 0.005})
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(head(body(x)), torch.sin(2 * x))
        loss.backward()
        optimizer.step()
        losses[thaw].append(loss.item())
    print(f"thaw={thaw}: {losses[thaw][150]:.3f}, at last {losses[thaw][-1]:.3f}")
# → thaw=False: 0.337, at last 0.263
# → thaw=True: 0.337, at last 0.047

# %%
# A scheduler takes the newcomer along
# ------------------------------------
# StepLR multiplies the rate of every group there is, also of one that came later.
optimizer = optim.SGD([old], lr=0.5)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
optimizer.add_param_group({"params": [new], "lr": 0.2})
optimizer.step()
scheduler.step()
print([f"{group['lr']:.2f}" for group in optimizer.param_groups])  # → ['0.05', '0.02']

# %%
# Pitfalls
# --------
# A parameter that is there already is refused. Twice within one group it is only warned
# of, and steps twice as far. A frozen one is taken silently and stands still.
with refused(ValueError, "some parameters appear in more than one parameter group"):
    optimizer.add_param_group({"params": [old]})
optimizer = optim.SGD([old], lr=0.1)
with warned(UserWarning, "parameter group with duplicate parameters"):
    optimizer.add_param_group({"params": [new, new]})
frozen = nn.Parameter(torch.zeros(1), requires_grad=False)
optimizer.add_param_group({"params": [frozen]})
(old + new + frozen).backward()
optimizer.step()
print([f"{p.item():.1f}" for p in (old, new, frozen)])  # → ['-0.1', '-0.2', '0.0']

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.semilogy(losses[False], color="tab:gray", label="the head alone")
ax.semilogy(losses[True], color="tab:blue", label="the body joins at step 150")
ax.axvline(150, color="0.6", linestyle="dashed", zorder=0)
ax.set(title="Unfreezing: the loss falls again when the body joins")
ax.set(xlabel="step", ylabel="loss")
ax.legend()
fig.savefig(RESULT / "unfreezing.png")
