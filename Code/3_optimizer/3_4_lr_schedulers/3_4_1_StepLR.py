r"""
3.4.1 StepLR · 等间隔调整学习率
===============================

Every ``step_size`` epochs the learning rate is multiplied by ``gamma``.

.. math:: \eta_t = \eta_0 \, \gamma^{\lfloor t / s \rfloor}

:signature: ``StepLR(optimizer, step_size, gamma=0.1, last_epoch=-1)``
:step_size: s, counted in calls of ``step()``: epochs, if you call it once an epoch
:state:     ``last_epoch`` and the settings; the rate itself is kept in the optimizer
:use it:    when training goes on at a constant rate until the loss stops falling, as
            ResNets are trained: 30 epochs, a tenth, 30 epochs, a hundredth
:then → now: in PyTorch 1.0 ``scheduler.step()`` opened the epoch. Since 1.1 it closes
            it, after ``optimizer.step()``. ``get_last_lr()`` is new.
:the notes: their cheat sheet has ``lr_schedular.step()``: it is ``lr_scheduler``.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.optim.lr_scheduler import StepLR

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, learning_rates, make_sgd, result_dir, warned

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Two steps at each rate
# ----------------------
# The optimizer first, then the scheduler: the first epoch has the rate you gave.
optimizer = make_sgd(0.1)  # an SGD with one weight
scheduler = StepLR(optimizer, step_size=2, gamma=0.1)
for epoch in range(5):
    used = optimizer.param_groups[0]["lr"]
    optimizer.step()  # for every batch
    scheduler.step()  # after the last one
    print(f"epoch {epoch}: {used:.4f}, next {scheduler.get_last_lr()[0]:.4f}")
# → epoch 0: 0.1000, next 0.1000
# → epoch 1: 0.1000, next 0.0100
# → epoch 2: 0.0100, next 0.0100
# → epoch 3: 0.0100, next 0.0010
# → epoch 4: 0.0010, next 0.0010

# %%
# The closed form, over 90 epochs and two parameter groups
# --------------------------------------------------------
# PyTorch multiplies what it finds in the group; the formula starts from
# :math:`\eta_0`. Each group keeps its own rate. ``learning_rates`` is the loop above.


def step_by_hand(rate, epochs, step_size, gamma=0.1):
    """Return the learning rate of each epoch, float64 (epochs,)."""
    return rate * torch.tensor(gamma).double() ** (torch.arange(epochs) // step_size)


for size, gamma in ((30, 0.1), (7, 0.5)):
    by_torch = learning_rates(StepLR(make_sgd(0.1, 0.02), size, gamma), 90)
    for group, rate in enumerate((0.1, 0.02)):
        by_hand = step_by_hand(rate, 90, size, gamma)
        check(f"every {size} epochs, group {group}", by_hand, by_torch[:, group])

# %%
# Resuming: both states
# ---------------------
# The scheduler remembers the epoch, the optimizer the rate. With the scheduler's state
# alone the run goes on at the first rate.
optimizer = make_sgd(0.1)
scheduler = StepLR(optimizer, step_size=4)
learning_rates(scheduler, 10)  # and now the machine is switched off
for states, first, last in (("both", 1e-3, 1e-5), ("the scheduler's", 0.1, 1e-3)):
    resumed_optimizer = make_sgd(0.1)
    resumed = StepLR(resumed_optimizer, step_size=4)
    if states == "both":
        resumed_optimizer.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    rates = learning_rates(resumed, 9)[:, 0]
    check(f"{states}: epoch 10 has {first:g}, epoch 18 {last:g}", first, rates[0])
    check("  and drops twice on its way", last, rates[-1])

# %%
# Pitfall: the old order
# ----------------------
# Before ``optimizer.step()`` the scheduler skips the first value. PyTorch warns.
optimizer = make_sgd(0.1)
scheduler = StepLR(optimizer, step_size=2)
old_order = []
with warned(UserWarning, "before `optimizer.step()`"):
    for _ in range(4):
        scheduler.step()
        old_order.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
check("one epoch of 0.1 instead of two", [0.1, 0.01, 0.01, 0.001], old_order)

# %%
# Pitfall: ``get_lr`` lies
# ------------------------
# It is meant for ``step()``, and at a boundary multiplies by ``gamma`` once more.
scheduler = StepLR(make_sgd(0.1), step_size=2)
learning_rates(scheduler, 2)
check("in use", 0.01, scheduler.get_last_lr()[0])
with warned(UserWarning, "get_last_lr"):
    check("get_lr says a tenth of it", 0.001, scheduler.get_lr()[0])

# %%
# What a drop buys
# ----------------
# Where the gradient is noisy, the loss falls to a floor: the smaller the rate, the
# lower. On :math:`w^2 / 2` with gradient :math:`w + \epsilon`, noise of variance 1, the
# floor of :math:`w^2` is :math:`\eta / (2 - \eta)`: 10,000 weights side by side, ten
# batches an epoch.
rates = step_by_hand(0.5, 90, 30)
w, power = torch.full((10_000,), 5.0), []
for rate in rates:
    for _batch in range(10):
        w = w - rate * (w + torch.randn(10_000))
    power.append(w.square().mean().item())
for epoch in (29, 59):
    floor = rates[epoch] / (2 - rates[epoch])
    check(f"epoch {epoch}: the floor", floor, power[epoch], rtol=0.06)

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.step(range(90), rates, where="post")
left.set(title="a tenth every 30 epochs", xlabel="epoch", ylabel="learning rate")
right.plot(power)
right.set(title="… lowers the floor that noise sets", xlabel="epoch", ylabel="mean w²")
for ax in (left, right):
    ax.set_yscale("log")
    ax.set_xticks([0, 30, 60, 90])
fig.savefig(RESULT / "rate_and_floor.png")
