r"""
3.4.6 LambdaLR · 自定义调整学习率
=================================

The learning rate is the first one times whatever your function says of the epoch.

.. math:: \eta_t = \eta_0 \, f(t)

:signature: ``LambdaLR(optimizer, lr_lambda, last_epoch=-1)``
:lr_lambda: a function of the epoch, counted from 0, that returns a *factor*; or a list,
            one for each parameter group
:state:     ``last_epoch`` and ``base_lrs``; a lambda or a function is not saved, an
            object of a class of your own is, by its attributes
:use it:    for a schedule that has no class of its own: warm-up and anything after it
:then → now: in PyTorch 1.0 ``scheduler.step()`` opened the epoch. Since 1.1 it closes
            it, after ``optimizer.step()``.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LambdaLR, MultiplicativeLR, StepLR

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, learning_rates, make_sgd, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# The factor multiplies the first rate
# ------------------------------------
# ``learning_rates`` steps the optimizer and then the scheduler, as training does, and
# returns the rate of each epoch, one column for each parameter group.
scheduler = LambdaLR(make_sgd(0.8), lambda epoch: 1 / (1 + epoch))
rates = learning_rates(scheduler, 4)[:, 0]
print([round(rate, 4) for rate in rates.tolist()])  # → [0.8, 0.4, 0.2667, 0.2]

# %%
# Warm-up and cosine, by hand
# ---------------------------
# Five epochs of a rising rate, while the weights are still wild, then down to zero.


def warm_cosine(epoch, warm=5, epochs=100):
    """Return the factor of an epoch: a straight line up, then half a cosine down."""
    if epoch < warm:
        return (epoch + 1) / warm
    return (1 + math.cos(math.pi * (epoch - warm) / (epochs - warm))) / 2


by_hand = 0.1 * torch.tensor([warm_cosine(epoch) for epoch in range(100)]).double()
by_torch = learning_rates(LambdaLR(make_sgd(0.1), warm_cosine), 100)[:, 0]
check("warm-up and cosine, 100 epochs", by_hand, by_torch)
optimizer = make_sgd(0.1)
warm = lr_scheduler.LinearLR(optimizer, start_factor=1 / 5, total_iters=4)
cosine = lr_scheduler.CosineAnnealingLR(optimizer, 95)
both = lr_scheduler.SequentialLR(optimizer, [warm, cosine], milestones=[5])
check("as two schedulers in sequence", by_hand, learning_rates(both, 100)[:, 0])

# %%
# Two groups, two functions
# -------------------------
# A factor of zero freezes a group: the first 10 epochs train the second alone.
functions = [lambda epoch: float(epoch >= 10), warm_cosine]
by_torch = learning_rates(LambdaLR(make_sgd(0.01, 0.1), functions), 100)
late = torch.cat([torch.zeros(10), torch.full((90,), 0.01)])
check("frozen for 10 epochs", late, by_torch[:, 0])
check("the other as before", by_hand, by_torch[:, 1])
with refused(ValueError, "Expected 2 lr_lambdas, but got 1"):
    LambdaLR(make_sgd(0.01, 0.1), [warm_cosine])

# %%
# Pitfall: it is no factor upon the last rate
# -------------------------------------------
# ``lambda epoch: 0.95`` does not decay: every epoch has 0.95 times the *first* rate.
# MultiplicativeLR multiplies what is there.
constant = learning_rates(LambdaLR(make_sgd(0.1), lambda epoch: 0.95), 99)[:, 0]
check("LambdaLR: 0.095 from the first epoch on", torch.full((99,), 0.095), constant)
decay = learning_rates(MultiplicativeLR(make_sgd(0.1), lambda epoch: 0.95), 99)[:, 0]
check("MultiplicativeLR: decays", 0.1 * 0.95 ** torch.arange(99), decay)

# %%
# Nor is it a rate. A function that returns 0.1 gives 0.1 times 0.1.
mistaken = learning_rates(LambdaLR(make_sgd(0.1), lambda epoch: 0.1), 1)
check("a rate in place of a factor", 0.01, mistaken[0, 0])

# %%
# Pitfall: what you change by hand is gone
# ----------------------------------------
# The next ``step()`` starts from the first rate again. StepLR keeps your change.
for kind, function, kept in ((LambdaLR, lambda epoch: 1.0, 0.1), (StepLR, 30, 0.003)):
    scheduler = kind(make_sgd(0.1), function)
    scheduler.optimizer.param_groups[0]["lr"] = 0.003
    learning_rates(scheduler, 1)
    rate = scheduler.optimizer.param_groups[0]["lr"]
    check(f"{kind.__name__}: set to 0.003, then {kept}", kept, rate)

# %%
# Resuming: the function is not in the state
# ------------------------------------------
# The state has the epoch and the first rate; the function must be given again. Without
# the optimizer's state one epoch has a wrong rate; then the factor sets it right, where
# StepLR would stay wrong (lesson 3.4.1).
first = LambdaLR(make_sgd(0.1), warm_cosine)
learning_rates(first, 40)
print(first.state_dict()["lr_lambdas"])  # → [None]
second = LambdaLR(make_sgd(0.1), warm_cosine)
second.load_state_dict(first.state_dict())
resumed = learning_rates(second, 60)[:, 0]
check("epoch 40 has the rate of epoch 0", by_hand[0], resumed[0])
check("the others have their own", by_hand[41:], resumed[1:])

# %%
# Pitfall: the old order, and ``get_lr``
# --------------------------------------
# Before ``optimizer.step()`` the scheduler skips the first value. ``get_lr`` happens to
# be right here, alone among the six; ask ``get_last_lr`` all the same.
scheduler = LambdaLR(make_sgd(0.8), lambda epoch: 1 / (1 + epoch))
with warned(UserWarning, "before `optimizer.step()`"):
    scheduler.step()
check("the first epoch has half of 0.8", 0.4, scheduler.get_last_lr()[0])
with warned(UserWarning, "get_last_lr"):
    check("get_lr says so too", 0.4, scheduler.get_lr()[0])

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(by_torch[:, 1], label="warm-up and cosine")
ax.plot(decay, label="MultiplicativeLR, 0.95 every epoch")
ax.plot(constant, "--", label="LambdaLR, 0.95 every epoch", color="tab:red")
ax.set(title="a factor of the first rate, not of the last", xlabel="epoch")
ax.set_ylabel("learning rate")
ax.legend(loc="upper right", bbox_to_anchor=(1, 0.85))
fig.savefig(RESULT / "factors.png")
