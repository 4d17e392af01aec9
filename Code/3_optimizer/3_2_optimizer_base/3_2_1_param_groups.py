r"""
3.2.1 param_groups · 参数组
===========================

What an optimizer works on: a list of dicts, each with some parameters and the settings
(learning rate, momentum, weight decay ...) that hold for all of them.

:signature: ``optim.SGD(params, ...)``, and every other optimizer but LBFGS: ``params``
            is a list of parameters, which makes one group, or a list of groups:
            ``[{"params": [...], "lr": 0.1}, {"params": [...]}]``. What a group leaves
            out it takes from the optimizer's other arguments.
:use it:    for a small learning rate in a pretrained body and a large one in the new
            head, and to spare biases and norms the weight decay. Change a setting
            between two steps by assignment: the next ``step()`` reads it.
:the notes: a dict stands for a *group* of parameters, not for one parameter.
:then → now: groups also have ``maximize``, ``foreach``, ``differentiable`` and
            ``fused``; ``lr`` may be left out, 1.0 wanted one for SGD.
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
# Four parameters, two groups
# ---------------------------
# Weights (matrices) are decayed, biases (vectors) are not. Neither group names ``lr``.
# Of a plain list the optimizer makes one group.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
weights = [p for p in net.parameters() if p.ndim > 1]
biases = [p for p in net.parameters() if p.ndim == 1]
groups = [{"params": weights, "weight_decay": 0.01}, {"params": biases}]
optimizer = optim.SGD(groups, lr=0.1, momentum=0.9)
for group in optimizer.param_groups:
    sizes = [tuple(p.shape) for p in group["params"]]
    print(*(group[key] for key in ("lr", "momentum", "weight_decay")), sizes)
# → 0.1 0.9 0.01 [(3, 4), (2, 3)]
# → 0.1 0.9 0 [(3,), (2,)]
one = optim.SGD(net.parameters()).param_groups
print([(len(group["params"]), group["lr"]) for group in one])  # → [(4, 0.001)]

# %%
# By hand
# -------
# ``step`` is two loops, over the groups and over their parameters.


def step_by_hand(param_groups, buffers):
    """Take one step of SGD with momentum; buffers is a dict, empty at first."""
    for group in param_groups:
        for p in group["params"]:
            g = p.grad + group["weight_decay"] * p.detach()
            buffers[p] = group["momentum"] * buffers.get(p, 0) + g
            p.data -= group["lr"] * buffers[p]


settings = [{}, {"lr": 0.1}, {"momentum": 0.9}, {"weight_decay": 2.0}, {"lr": 0.0}]
paths = {}
for who in ("hand", "torch"):
    ws = [nn.Parameter(torch.tensor(1.0, dtype=torch.float64)) for _ in settings]
    groups = [{"params": [w], **own} for w, own in zip(ws, settings, strict=True)]
    optimizer, buffers = optim.SGD(groups, lr=0.02), {}
    paths[who] = torch.ones(61, len(ws), dtype=torch.float64)
    for step in range(1, 61):
        optimizer.zero_grad()
        sum(w**2 / 2 for w in ws).backward()  # one loss, so the gradient is w
        if who == "hand":
            step_by_hand(optimizer.param_groups, buffers)
        else:
            optimizer.step()
        paths[who][step] = torch.stack(ws).detach()
check("60 steps of five groups", paths["hand"], paths["torch"], rtol=1e-10)

# %%
# Without momentum each step leaves :math:`1 - \text{lr}\,(1 + \text{decay})` of w.
t = torch.arange(61)
for column, keeps in ((0, 0.98), (1, 0.9), (3, 0.94), (4, 1.0)):
    check(f"{settings[column]}: {keeps}^t", keeps**t, paths["torch"][:, column])

# %%
# Change a setting on the way
# ---------------------------
w = nn.Parameter(torch.zeros(1))
w.grad = torch.ones(1)
optimizer = optim.SGD([w], lr=0.1)
for lr in (0.1, 0.01):
    optimizer.param_groups[0]["lr"] = lr
    optimizer.step()
check("a step of 0.1, then one of 0.01", -0.11, w.item())

# %%
# Pitfalls
# --------
# Silent: a misspelt setting is kept and never read; and ``filter`` gives its elements
# only once, a second use finds nothing. Make it a list.
group = optim.SGD([{"params": [w], "learning_rate": 1.0}], lr=0.1).param_groups[0]
print(group["learning_rate"], group["lr"])  # → 1.0 0.1
chosen = filter(lambda p: p.requires_grad, [w])
first, second = (optim.SGD([{"params": chosen}], lr=0.1) for _ in range(2))
print([len(o.param_groups[0]["params"]) for o in (first, second)])  # → [1, 0]

# %%
# Loud: nothing at all, a parameter twice, and a tensor computed from a parameter.
with refused(ValueError, "some parameters appear in more than one parameter group"):
    optim.SGD([{"params": [w]}, {"params": [w]}], lr=0.1)
with refused(ValueError, "optimizer got an empty parameter list"):
    optim.SGD([], lr=0.1)
with refused(ValueError, "can't optimize a non-leaf Tensor"):
    optim.SGD([2 * w], lr=0.1)

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for column, setting in enumerate(settings):
    text = ", ".join(f"{key}={value}" for key, value in setting.items())
    ax.plot(paths["torch"][:, column], label=text or "the defaults: lr=0.02")
ax.set(title="One loss, one optimizer: each group walks by its own settings")
ax.set(xlabel="step", ylabel="weight")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
fig.savefig(RESULT / "five_groups.png")
