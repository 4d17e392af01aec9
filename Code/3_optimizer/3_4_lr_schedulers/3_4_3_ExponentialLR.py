r"""
3.4.3 ExponentialLR · 指数衰减调整学习率
========================================

Every epoch the learning rate is multiplied by ``gamma``.

.. math:: \eta_t = \eta_0 \, \gamma^t

:signature: ``ExponentialLR(optimizer, gamma, last_epoch=-1)``
:gamma:     usually 0.9 to 0.99: it halves the rate every
            :math:`\ln 2 / (-\ln \gamma)` epochs
:state:     ``last_epoch`` and ``gamma``; the rate itself is kept in the optimizer
:use it:    for a smooth decay that needs no plan of how long training will take
:then → now: in PyTorch 1.0 ``scheduler.step()`` opened the epoch. Since 1.1 it closes
            it, after ``optimizer.step()``.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.optim.lr_scheduler import ExponentialLR

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, learning_rates, make_sgd, result_dir, warned

RESULT = result_dir(__file__)

# %%
# Halved every epoch
# ------------------
# ``learning_rates`` steps the optimizer and then the scheduler, as training does, and
# returns the rate of each epoch, one column for each parameter group.
rates = learning_rates(ExponentialLR(make_sgd(0.8), gamma=0.5), 4)
print(rates[:, 0].tolist())  # → [0.8, 0.4, 0.2, 0.1]

# %%
# The closed form, over 100 epochs and two parameter groups
# ---------------------------------------------------------
# PyTorch multiplies what it finds in the group, epoch after epoch.


def exponential_by_hand(rate, epochs, gamma):
    """Return the learning rate of each epoch, float64 (epochs,)."""
    return rate * torch.tensor(gamma, dtype=torch.float64) ** torch.arange(epochs)


for gamma in (0.9, 0.97):
    by_torch = learning_rates(ExponentialLR(make_sgd(0.1, 0.02), gamma), 100)
    for group, rate in enumerate((0.1, 0.02)):
        by_hand = exponential_by_hand(rate, 100, gamma)
        claim = f"gamma {gamma}, group {group}"
        check(claim, by_hand, by_torch[:, group], rtol=1e-12, atol=0)

# %%
# Choosing gamma
# --------------
# From the share of the rate that shall be left at the end: its ``epochs``-th root.
epochs, share = 100, 1 / 1000
gamma = share ** (1 / epochs)
print(f"a thousandth after {epochs} epochs: gamma {gamma:.3f}")
# → a thousandth after 100 epochs: gamma 0.933
rates = learning_rates(ExponentialLR(make_sgd(0.1), gamma), epochs + 1)[:, 0]
check("a thousandth of 0.1", 1e-4, rates[epochs])
half_life = math.log(2) / -math.log(gamma)
print(f"halved every {half_life:.1f} epochs")  # → halved every 10.0 epochs
check("half after 10 epochs", rates[0] / 2, rates[10], rtol=3e-3)

# %%
# Pitfall: 0.1 is StepLR's gamma
# ------------------------------
# Here it divides by ten in every epoch. With one step an epoch SGD can move a weight,
# at gradient 1, by no more than :math:`\eta_0 / (1 - \gamma)` in all.
rates = learning_rates(ExponentialLR(make_sgd(0.1), gamma=0.1), 50)[:, 0]
check("nine tenths of the way is one epoch", 0.9, rates[0] / rates.sum())
check("all steps together", 0.1 / (1 - 0.1), rates.sum())
print(f"after 5 epochs: {rates[5]:.6f}")  # → after 5 epochs: 0.000001

# %%
# Resuming: both states
# ---------------------
# The rate is in the optimizer's state. The scheduler's alone leaves a new optimizer at
# its first rate: 0.1 again, 50 epochs late.
optimizer = make_sgd(0.1)
scheduler = ExponentialLR(optimizer, 0.97)
learning_rates(scheduler, 50)
resumed_optimizer = make_sgd(0.1)
resumed = ExponentialLR(resumed_optimizer, 0.97)
resumed.load_state_dict(scheduler.state_dict())
check("without the optimizer's state", 0.1, resumed_optimizer.param_groups[0]["lr"])
resumed_optimizer.load_state_dict(optimizer.state_dict())
by_hand = exponential_by_hand(0.1, 60, 0.97)[50:]
check("with both", by_hand, learning_rates(resumed, 10)[:, 0])

# %%
# Pitfall: the old order, and ``get_lr``
# --------------------------------------
# Before ``optimizer.step()`` the scheduler skips the first value. ``get_lr`` gives the
# rate of the *next* epoch; ``get_last_lr`` the one in use.
scheduler = ExponentialLR(make_sgd(0.8), gamma=0.5)
with warned(UserWarning, "before `optimizer.step()`"):
    scheduler.step()
check("the first epoch has half of 0.8", 0.4, scheduler.get_last_lr()[0])
with warned(UserWarning, "get_last_lr"):
    check("and get_lr says a quarter", 0.2, scheduler.get_lr()[0])

# %%
# The picture
# -----------
fig, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
ends = []
for gamma in (0.99, 0.97, 0.9):
    rates = learning_rates(ExponentialLR(make_sgd(0.1), gamma), 101)[:, 0]
    ends.append(rates[-1].item())
    for ax in axes:
        ax.plot(rates, label=f"gamma {gamma}")
check_less("a smaller gamma ends lower", ends[1:], ends[:-1])
axes[0].set(title="each epoch takes the same share", ylabel="learning rate")
axes[1].set(title="a straight line on a logarithmic axis", yscale="log")
axes[1].legend(loc="lower left")
for ax in axes:
    ax.set_xlabel("epoch")
fig.savefig(RESULT / "decay.png")
