r"""
3.4.4 CosineAnnealingLR · 余弦退火调整学习率
============================================

The learning rate falls along half a cosine: slowly at first, fast in the middle, slowly
at the end.

.. math:: \eta_t = \eta_{min} + \tfrac12 (\eta_0 - \eta_{min})
          \left(1 + \cos \frac{\pi t}{T_{max}}\right)

:signature: ``CosineAnnealingLR(optimizer, T_max, eta_min=0.0, last_epoch=-1)``
:T_max:     steps from the highest rate to the lowest: all epochs, or all batches of all
            epochs if ``step()`` is called after every batch
:eta_min:   the rate at the end
:state:     ``last_epoch``, ``T_max``, ``eta_min``, ``base_lrs``; the rate itself is
            kept in the optimizer
:use it:    first. It has nothing to tune but the length, and wants to know that.
:source:    Loshchilov and Hutter, *SGDR: Stochastic Gradient Descent with Warm
            Restarts*, 2017. The restarts are CosineAnnealingWarmRestarts, lesson 3.4.0.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, learning_rates, make_sgd, result_dir, warned

RESULT = result_dir(__file__)

# %%
# From 0.1 to 0 in four steps
# ---------------------------
# ``learning_rates`` steps the optimizer and then the scheduler, as training does, and
# returns the rate of each epoch, one column for each parameter group.
rates = learning_rates(CosineAnnealingLR(make_sgd(0.1), T_max=4), 5)[:, 0]
print([round(rate, 4) for rate in rates.tolist()])
# → [0.1, 0.0854, 0.05, 0.0146, 0.0]

# %%
# The closed form, over 100 epochs and two parameter groups
# ---------------------------------------------------------
# PyTorch computes each rate from the one before; the result is the same.


def cosine_by_hand(rate, epochs, t_max, eta_min=0.0):
    """Return the learning rate of each epoch, float64 (epochs,)."""
    angle = math.pi * torch.arange(epochs, dtype=torch.float64) / t_max
    return eta_min + (rate - eta_min) * (1 + angle.cos()) / 2


for eta_min in (0.0, 0.01):
    scheduler = CosineAnnealingLR(make_sgd(0.1, 0.05), T_max=100, eta_min=eta_min)
    by_torch = learning_rates(scheduler, 101)
    for group, rate in enumerate((0.1, 0.05)):
        by_hand = cosine_by_hand(rate, 101, 100, eta_min)
        check(f"eta_min {eta_min}, group {group}", by_hand, by_torch[:, group])
    check("ends at eta_min", eta_min, by_torch[-1, 0])

# %%
# With ``T_max`` the number of epochs the last epoch is one step short of ``eta_min``.
# Its steps are small, but not nothing.
rates = learning_rates(CosineAnnealingLR(make_sgd(0.1), T_max=10), 10)[:, 0]
check("10 epochs: the last has 2.4 % of the first", 0.02447, rates[-1] / 0.1, rtol=1e-3)
check("the mean rate is about half", 0.055, rates.mean())

# %%
# ``eta_min`` is one rate for all groups. A group that starts below it goes *up*.
scheduler = CosineAnnealingLR(make_sgd(0.1, 0.001), T_max=10, eta_min=0.01)
rates = learning_rates(scheduler, 11)
check_less("the second group rises", rates[0, 1], rates[10, 1])

# %%
# Pitfall: after ``T_max`` it rises again
# ---------------------------------------
# The cosine goes on: at twice ``T_max`` the rate is back where it began.
rates = learning_rates(CosineAnnealingLR(make_sgd(0.1), T_max=50), 101)[:, 0]
check("halfway up at 1.5 T_max", 0.05, rates[75])
check("all the way at 2 T_max", 0.1, rates[100])
check("the closed form too", cosine_by_hand(0.1, 101, 50), rates)

# %%
# Pitfall: ``T_max`` in epochs, ``step()`` after every batch
# ----------------------------------------------------------
# 20 batches an epoch take the rate down and up again ten times in place of once down.
scheduler = CosineAnnealingLR(make_sgd(0.1), T_max=10)
rates = learning_rates(scheduler, 10 * 20)[:, 0]
turns = ((rates[1:-1] - rates[:-2]) * (rates[2:] - rates[1:-1]) < 0).sum()
check("it turns 19 times", 19, turns)

# %%
# Resuming: both states
# ---------------------
# A longer ``T_max``, given to the new scheduler, is overwritten by the old one's state,
# without a word.
optimizer = make_sgd(0.1)
scheduler = CosineAnnealingLR(optimizer, T_max=50)
learning_rates(scheduler, 20)
resumed_optimizer = make_sgd(0.1)
resumed = CosineAnnealingLR(resumed_optimizer, T_max=80)
resumed_optimizer.load_state_dict(optimizer.state_dict())
resumed.load_state_dict(scheduler.state_dict())
check("T_max is the old one", 50, resumed.T_max)
check(
    "goes on at epoch 20",
    cosine_by_hand(0.1, 50, 50)[20:],
    learning_rates(resumed, 30)[:, 0],
)

# %%
# Pitfall: the old order, and ``get_lr``
# --------------------------------------
# Before ``optimizer.step()`` the scheduler skips the first value. ``get_lr`` makes the
# last change once more; ``get_last_lr`` says what is in use.
scheduler = CosineAnnealingLR(make_sgd(0.1), T_max=4)
with warned(UserWarning, "before `optimizer.step()`"):
    scheduler.step()
check("the first epoch has the second rate", 0.0854, scheduler.get_last_lr()[0], 1e-3)
with warned(UserWarning, "get_last_lr"):
    check_less("get_lr says less", scheduler.get_lr()[0], scheduler.get_last_lr()[0])

# %%
# The picture
# -----------
rates = learning_rates(CosineAnnealingLR(make_sgd(0.1), T_max=50), 101)[:, 0]
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(range(51), rates[:51], label="50 epochs, as planned")
ax.plot(range(50, 101), rates[50:], "--", color="tab:red", label="50 epochs too many")
ax.axvline(50, color="0.6", linewidth=1)
ax.annotate("T_max", (50, 0.1), (4, -2), textcoords="offset points")
ax.set(xlabel="epoch", ylabel="learning rate")
ax.set_title("after T_max the rate climbs back")
ax.legend(loc="lower left")
fig.savefig(RESULT / "past_t_max.png")
