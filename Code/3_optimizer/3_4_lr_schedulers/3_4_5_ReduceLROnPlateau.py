r"""
3.4.5 ReduceLROnPlateau · 自适应调整学习率
==========================================

When a metric has stopped getting better, the learning rate is multiplied by ``factor``.

An epoch is *bad* unless :math:`m_t < m_{best} (1 - \text{threshold})`. After more than
``patience`` bad epochs in a row: :math:`\eta \leftarrow \max(\eta \cdot
\text{factor}, \text{min\_lr})`.

:signature: ``ReduceLROnPlateau(optimizer, mode="min", factor=0.1, patience=10,
            threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0, eps=1e-8)``
:mode:      ``min`` for a loss, ``max`` for an accuracy
:threshold_mode: ``rel``: better by that share of the best; ``abs``: by that amount
:cooldown:  epochs after a drop in which no epoch counts as bad
:eps:       a drop smaller than this is not made
:use it:    when you do not know how long training will take. Give it the *validation*
            loss: the training loss hardly ever stops falling.
:then → now: it is now an LRScheduler like the others; ``verbose`` went
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, learning_rates, make_sgd, refused, result_dir

RESULT = result_dir(__file__)

# %%
# Patience, counted
# -----------------
# ``patience=2`` forgives two bad epochs and acts on the third. ``learning_rates`` calls
# ``optimizer.step()`` and then ``scheduler.step(loss)`` in each epoch, and returns the
# rate that the epoch used: the smaller one is in use from the next epoch on.
losses = [1.0, 0.8, 0.8, 0.9, 0.8, 0.7, 0.7]
scheduler = ReduceLROnPlateau(make_sgd(0.1), patience=2)
rates = learning_rates(scheduler, losses)[:, 0]
print("losses:", losses)
print("rates: ", [round(rate, 6) for rate in rates.tolist()])
# → losses: [1.0, 0.8, 0.8, 0.9, 0.8, 0.7, 0.7]
# → rates:  [0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01]

# %%
# By hand
# -------
# No number is less than NaN, nor NaN than any: an epoch whose loss is NaN is bad.


def plateau_by_hand(
    metrics, rate, factor, patience, threshold=1e-4, cooldown=0, min_lr=0.0, eps=1e-8
):
    """Return the learning rate of each epoch, for metrics that should fall."""
    best, bad, rest, rates = float("inf"), 0, 0, []
    for metric in metrics:
        rates.append(rate)
        if metric < best * (1 - threshold):
            best, bad = metric, 0
        else:
            bad += 1
        if rest > 0:
            rest, bad = rest - 1, 0
        if bad > patience:
            lower = max(rate * factor, min_lr)
            rate = lower if rate - lower > eps else rate
            rest, bad = cooldown, 0
    return rates


torch.manual_seed(0)
noisy = (0.87 ** torch.arange(80) + 0.1 * torch.rand(80)).double().tolist()
noisy[45] = float("nan")
halve = {"factor": 0.5, "patience": 3}
for extra in ({}, {"threshold": 0.05}, {"min_lr": 0.02}, {"cooldown": 8, "eps": 0.01}):
    settings = halve | extra
    by_torch = learning_rates(ReduceLROnPlateau(make_sgd(0.1), **settings), noisy)
    by_hand = plateau_by_hand(noisy, 0.1, **settings)
    check(f"{extra or halve}: ends at {by_hand[-1]:.1e}", by_hand, by_torch[:, 0])

# %%
# ``mode`` and ``threshold_mode``
# -------------------------------
# An accuracy must rise, so ``max``. With the default ``min`` every better epoch is a
# bad one, and the rate falls while all goes well.
rising = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
for mode, end in (("max", 0.1), ("min", 0.001)):
    scheduler = ReduceLROnPlateau(make_sgd(0.1), mode=mode, patience=1)
    check(f"mode {mode}: {end:g}", end, learning_rates(scheduler, rising)[-1, 0])

# %%
# ``rel`` compares with a share of the best, which for a *negative* loss points the
# wrong way: at -1 an epoch of -0.99995 counts as better.
for mode, best in (("rel", -0.99995), ("abs", -1.0)):
    scheduler = ReduceLROnPlateau(make_sgd(0.1), threshold_mode=mode)
    learning_rates(scheduler, [-1.0, -0.99995])
    check(f"threshold_mode {mode}: best is {best}", best, scheduler.best)


# %%
# Two groups, and resuming
# ------------------------
# ``factor`` is for all groups, ``min_lr`` may be a list. The scheduler's state holds
# the best metric and the count, the optimizer's the rates.
settings = {**halve, "min_lr": [0.0, 0.01]}
whole = learning_rates(ReduceLROnPlateau(make_sgd(0.1, 0.02), **settings), noisy)
lowest = plateau_by_hand(noisy, 0.1, **halve)[-1]
check("each group has its own lowest rate", [lowest, 0.01], whole[-1])
first, second = (ReduceLROnPlateau(make_sgd(0.1, 0.02), **settings) for _ in range(2))
learning_rates(first, noisy[:40])
second.optimizer.load_state_dict(first.optimizer.state_dict())
second.load_state_dict(first.state_dict())
check("resumed at epoch 40", whole[40:], learning_rates(second, noisy[40:]))

# %%
# Pitfalls
# --------
# ``step`` without the metric, and a factor that would raise the rate.
with refused(TypeError, "metrics"):
    second.step()
with refused(ValueError, "Factor should be < 1.0"):
    ReduceLROnPlateau(make_sgd(0.1), factor=2.0)

# %%
# The picture
# -----------
rates = torch.tensor(plateau_by_hand(noisy[:60], 0.1, **halve))
drops = [epoch for epoch in range(1, 60) if rates[epoch] < rates[epoch - 1]]
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(noisy[:60], "o-", markersize=3, color="0.6")
for drop in drops:
    left.plot(range(drop - 4, drop), noisy[drop - 4 : drop], "o", color="tab:red")
    right.axvline(drop, color="0.85")
left.set(title="four bad epochs in a row …", xlabel="epoch", ylabel="validation loss")
right.step(range(60), rates, where="post")
right.set(title="… halve the rate of the next", xlabel="epoch", ylabel="learning rate")
fig.savefig(RESULT / "patience.png")
