r"""
5.5 optim · 优化器速查
======================

An optimizer changes weights in place: ``zero_grad`` forgets the old gradients,
``backward`` computes new ones, ``step`` follows them downhill.

:params:  a list (or generator) of parameters, or a list of groups (lesson 3.2.1)
:use it:  ``AdamW``; or ``SGD`` with momentum, where there is time to tune ``lr``
:the notes: ``optim.SGD(params, momentum=, weight_decay, nesterov)`` is no Python, and
          ``lr_schedular`` is spelt ``lr_scheduler``.
:then → now: ``zero_grad`` leaves None, not zeros. ``SGD`` has a default ``lr``.
          ``scheduler.step()`` moved from the start of an epoch to its end.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# optimizer.zero_grad(), loss.backward(), optimizer.step()
# --------------------------------------------------------
# A squared error, (w · (1, 2) + b - 1)²; its gradient by w is 2 error (1, 2).
w, b = (nn.Parameter(torch.ones(n)) for n in (2, 1))
optimizer = optim.SGD([w, b], lr=0.05)
for _ in range(2):
    loss = (w @ torch.tensor([1.0, 2.0]) + b - 1).square().sum()
    loss.backward()
    optimizer.step()
    print(f"loss {loss.item():.2f}, gradient {w.grad}, now {w.detach()}")
    optimizer.zero_grad()  # before the next backward, or the two add up
# → loss 9.00, gradient tensor([ 6., 12.]), now tensor([0.7000, 0.4000])
# → loss 1.44, gradient tensor([2.4000, 4.8000]), now tensor([0.5800, 0.1600])
print(w.grad, b.grad)  # → None None

# %%
# optim.SGD, optim.RMSprop, optim.Adam, optim.AdamW
# -------------------------------------------------
# What they make of the same gradients, by hand. ``weight_decay`` pulls weights to 0: as
# part of the gradient, in AdamW beside it (lesson 3.3.7).


def by_hand(
    name, w, grads, lr=1e-3, weight_decay=0, momentum=0, nesterov=False, amsgrad=False
):
    """Return the weights after one step for each gradient, of the shape of w."""
    b, m, v, v_max = torch.zeros(4, *w.shape, dtype=w.dtype)
    for t, g in enumerate(grads, start=1):
        decay = weight_decay * w
        w, g = (w - lr * decay, g) if name == "AdamW" else (w, g + decay)
        if name == "SGD":  # a decaying sum of gradients; nesterov looks one step ahead
            b = momentum * b + g
            step = g + momentum * b if nesterov else b
        elif name == "RMSprop":  # the gradient over its root mean square
            v = 0.99 * v + 0.01 * g**2
            step = g / (v.sqrt() + 1e-8)
        else:  # the mean gradient over it; amsgrad: over the largest so far
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            v_max = torch.maximum(v, v_max) if amsgrad else v
            step = m / (1 - 0.9**t) / ((v_max / (1 - 0.999**t)).sqrt() + 1e-8)
        w = w - lr * step
    return w


def by_torch(make, w, grads, **settings):
    """Return the weights before and after each step, (steps + 1, *w.shape)."""
    w = nn.Parameter(w.clone())
    optimizer, path = make([w], **settings), [w.detach().clone()]
    for g in grads:
        w.grad = g.clone()
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


start = torch.ones(3).double()
grads = torch.randn(50, 3).double() * torch.linspace(5, 0.1, 50)[:, None]
for make, kw in (
    (optim.SGD, dict(momentum=0.9)),
    (optim.SGD, dict(momentum=0.9, nesterov=True, weight_decay=1.0)),
    (optim.RMSprop, dict(lr=0.01, weight_decay=1.0)),
    (optim.Adam, dict(weight_decay=1.0)),
    (optim.Adam, dict(amsgrad=True, weight_decay=1.0)),
    (optim.AdamW, dict(weight_decay=1.0)),
):
    name, last = make.__name__, by_torch(make, start, grads, **kw)[-1]
    check(f"{name}, {kw}", by_hand(name, start, grads, **kw), last, 0, 1e-9)
with refused(SyntaxError, "(the notes, line 1)"):
    compile("optim.SGD(params, momentum=, weight_decay, nesterov)", "the notes", "eval")

# %%
# optimizer.param_groups, lr_scheduler.StepLR, scheduler.step()
# -------------------------------------------------------------
# A group is a dict of settings; a scheduler writes ``lr`` in it (lesson 3.4.1).
optimizer = optim.AdamW([{"params": [w]}, {"params": [b], "lr": 1.0}], lr=0.1)
optimizer.param_groups[1]["lr"] = 0.5  # at any time
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
for _epoch in range(3):
    print(*(f"{group['lr']:g}" for group in optimizer.param_groups))
    optimizer.step()  # for each batch
    scheduler.step()  # after the last one
# → 0.1 0.5
# → 0.1 0.5
# → 0.01 0.05
with refused(AttributeError, "lr_schedular"):
    optim.lr_schedular.StepLR(optimizer, step_size=2)

# %%
# The picture
# -----------
# Momentum soon forgets an outlier of 30 among gradients of 1; v keeps its square.
outlier = torch.ones(500, 1).double()
outlier[150] = 30
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
for name, make, kw in (
    ("SGD, momentum 0.9", optim.SGD, dict(momentum=0.9)),
    ("RMSprop", optim.RMSprop, {}),
    ("Adam, betas (0.9, 0.99)", optim.Adam, dict(betas=(0.9, 0.99))),
    ("and amsgrad", optim.Adam, dict(betas=(0.9, 0.99), amsgrad=True)),
):
    steps = -by_torch(make, start[:1], outlier, lr=1.0, **kw).diff(dim=0)[:, 0]
    print(f"{name}:", *(f"{steps[t]:.2f}" for t in (149, 150, 200, 499)))
    ax.semilogy(steps, "--" if "amsgrad" in kw else "-", label=name)
# → SGD, momentum 0.9: 10.00 39.00 10.15 10.00
# → RMSprop: 1.13 9.60 0.40 0.89
# → Adam, betas (0.9, 0.99): 1.00 1.10 0.38 0.89
# → and amsgrad: 1.00 1.10 0.30 0.32
ax.set(title="After one outlier: SGD leaps and forgets, Adam shortens its steps")
ax.set(xlabel="step", ylabel="length / lr", yticks=[1, 10], yticklabels=[1, 10])
ax.legend(loc="center right", bbox_to_anchor=(1, 0.47))
fig.savefig(RESULT / "outlier.png")
