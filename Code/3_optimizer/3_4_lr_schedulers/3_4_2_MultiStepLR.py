r"""
3.4.2 MultiStepLR · 按需调整学习率
==================================

The learning rate is multiplied by ``gamma`` at the epochs that you name.

.. math:: \eta_t = \eta_0 \, \gamma^{\,n(t)}, \quad
          n(t) = \text{number of milestones} \le t

:signature: ``MultiStepLR(optimizer, milestones, gamma=0.1, last_epoch=-1)``
:milestones: whole numbers, in any order: epochs, if ``step()`` is called once an epoch
:state:     ``last_epoch``, the milestones as a Counter, ``gamma``; the rate itself is
            kept in the optimizer
:use it:    when you have seen where the loss stops falling: a long first part, then
            shorter and shorter ones, rather than parts of one length
:then → now: in PyTorch 1.0 unsorted milestones were refused. Now any order will do.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.optim.lr_scheduler import MultiStepLR, StepLR

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, learning_rates, make_sgd, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# Two milestones
# --------------
# A milestone of 2 means: epoch 2, the third one, is the first with the smaller rate.
# ``learning_rates`` steps the optimizer and then the scheduler, as training does, and
# returns the rate of each epoch, one column for each parameter group.
rates = learning_rates(MultiStepLR(make_sgd(0.1), milestones=[2, 3]), 5)
print([round(rate, 6) for rate in rates[:, 0].tolist()])
# → [0.1, 0.1, 0.01, 0.001, 0.001]

# %%
# The closed form, over 100 epochs and two parameter groups
# ---------------------------------------------------------


def multi_step_by_hand(rate, epochs, milestones, gamma=0.1):
    """Return the learning rate of each epoch, float64 (epochs,)."""
    passed = [sum(m <= epoch for m in milestones) for epoch in range(epochs)]
    return rate * gamma ** torch.tensor(passed, dtype=torch.float64)


for milestones, gamma in (([60, 85], 0.1), ([80, 20, 50], 0.3)):
    scheduler = MultiStepLR(make_sgd(0.1, 0.02), milestones, gamma)
    by_torch = learning_rates(scheduler, 100)
    for group, rate in enumerate((0.1, 0.02)):
        by_hand = multi_step_by_hand(rate, 100, milestones, gamma)
        check(f"milestones {milestones}, group {group}", by_hand, by_torch[:, group])

# %%
# Evenly spaced it is StepLR.
even = learning_rates(MultiStepLR(make_sgd(0.1), range(30, 100, 30)), 100)
check("30, 60, 90 is StepLR(30)", learning_rates(StepLR(make_sgd(0.1), 30), 100), even)

# %%
# Resuming: both states
# ---------------------
# The optimizer keeps the rate, the scheduler the epoch.
whole = learning_rates(MultiStepLR(make_sgd(0.1), [60, 85]), 100)
optimizer = make_sgd(0.1)
scheduler = MultiStepLR(optimizer, [60, 85])
learning_rates(scheduler, 70)
resumed_optimizer = make_sgd(0.1)
resumed = MultiStepLR(resumed_optimizer, [60, 85])
resumed_optimizer.load_state_dict(optimizer.state_dict())
resumed.load_state_dict(scheduler.state_dict())
check("resumed at epoch 70", whole[70:], learning_rates(resumed, 30))

# %%
# The state holds the milestones too: those that you give to the new scheduler are
# overwritten, without a word.
other = MultiStepLR(make_sgd(0.1), [72, 90])
other.load_state_dict(scheduler.state_dict())
check("the old milestones are back", [60, 85], sorted(other.milestones))

# %%
# Pitfall: a milestone given twice counts twice
# ---------------------------------------------
# So does one that comes of a calculation: 0.5 and 0.51 of 10 epochs are both epoch 5.
milestones = [int(share * 10) for share in (0.5, 0.51)]
rates = learning_rates(MultiStepLR(make_sgd(0.1), milestones), 6)
check("epoch 5 is divided by 100", [0.1, 0.001], rates[4:, 0])

# %%
# Pitfall: steps counted in batches
# ---------------------------------
# The scheduler knows no epochs, it counts its own calls. Called after every one of 20
# batches, it reaches milestone 60 after three epochs: epoch 3, counted from 0, drops.
rates = learning_rates(MultiStepLR(make_sgd(0.1), [60, 85]), 100 * 20)[::20, 0]
check("epochs 2, 3 and 5 of 0, 1, 2 …", [0.1, 0.01, 0.001], rates[[2, 3, 5]])

# %%
# Pitfall: the old order, and ``get_lr``
# --------------------------------------
# Before ``optimizer.step()`` the scheduler skips the first value. ``get_lr``, asked at
# a milestone, divides once more; ``get_last_lr`` says what is in use.
scheduler = MultiStepLR(make_sgd(0.1), [1])
with warned(UserWarning, "before `optimizer.step()`"):
    scheduler.step()
check("the first epoch already has a tenth", 0.01, scheduler.get_last_lr()[0])
with warned(UserWarning, "get_last_lr"):
    check("and get_lr says a hundredth", 0.001, scheduler.get_lr()[0])
with refused(TypeError, "not iterable"):
    MultiStepLR(make_sgd(0.1), 30)

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for milestones in ([30, 60, 90], [60, 85]):
    rates = learning_rates(MultiStepLR(make_sgd(0.1), milestones), 101)
    ax.step(range(101), rates, where="post", label=f"milestones {milestones}")
ax.set(xlabel="epoch", ylabel="learning rate", yscale="log")
ax.set_title("drop where it pays, instead of every 30 epochs")
ax.legend()
fig.savefig(RESULT / "milestones.png")
