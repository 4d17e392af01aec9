r"""
3.1.16 MultiMarginLoss · 多分类的 Hinge 损失
============================================

The right class shall lead every other class by a margin; each one that comes closer
costs what is missing. Once the lead is there, nothing is left to learn.

.. math:: \ell_n = \frac{w_y}{C} \sum_{i \ne y}
          \max(0, \, \text{margin} - x_y + x_i)^p

:signature: ``MultiMarginLoss(p=1, margin=1.0, weight=None, …, reduction="mean")``
:input:   scores, any real numbers, (N, C) or (C)
:target:  :math:`y`, the index of the class, int64 (N) or ()
:p:       1, or 2, which forgives small gaps and punishes large ones
:weight:  :math:`w`, a factor for each class, (C): that of the right class counts
:returns: a scalar (``reduction="mean"``, ``"sum"``), or (N) (``"none"``)
:use it:  for one class out of C, where you want a decision and no probabilities, as
          of a support vector machine. Otherwise CrossEntropyLoss (lesson 3.1.3).
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1).
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir

RESULT = result_dir(__file__)

# %%
# The loss of two samples with three classes
# ------------------------------------------
# In the first the right class, 0, leads by 0.5 and by 3: 0.5 is missing, and a third of
# it is the loss. In the second, class 2 comes last: 1.5 + 2 are missing.
score = torch.tensor([[2.0, 1.5, -1.0], [0.5, 1.0, 0.0]])
target = torch.tensor([0, 2])
loss = nn.MultiMarginLoss(reduction="none")(score, target)
print(loss)  # → tensor([0.1667, 1.1667])

# %%
# By hand
# -------
# It divides by C, though only C - 1 classes are compared. ``weight`` stands outside the
# power, and the mean divides by N, not by the sum of the weights (CrossEntropyLoss does
# that).


def multi_margin_by_hand(x, y, p=1, margin=1.0, weight=None):
    """Return the losses (N) of scores x, (N, C), and class indices y, (N)."""
    own = torch.arange(len(x)), y
    missing = (margin - x[own][:, None] + x).clamp(min=0)
    missing[own] = 0
    factor = 1 if weight is None else weight[y]
    return factor * (missing**p).sum(1) / x.shape[1]


x, weight = score.double(), torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
arguments = ({}, {"p": 2}, {"margin": 0.4}, {"p": 2, "margin": 4.0, "weight": weight})
for settings in arguments:
    by_hand = multi_margin_by_hand(x, target, **settings)
    expected = {"none": by_hand, "sum": by_hand.sum(), "mean": by_hand.sum() / 2}
    for how, value in expected.items():
        loss = nn.MultiMarginLoss(reduction=how, **settings)(x, target)
        check(", ".join([how, *settings]), value, loss, rtol=1e-10)

# %%
# The gradient
# ------------
# Each class that comes too close is pushed down by
# :math:`w_y \, p \, (\text{missing})^{p - 1} / C`, the right one up by the sum of them.
for p, push in ((1, [[-1, 1, 0], [1, 1, -2]]), (2, [[-1, 1, 0], [3, 4, -7]])):
    x = score.double().requires_grad_()
    nn.MultiMarginLoss(p, weight=weight, reduction="sum")(x, target).backward()
    by_hand = torch.tensor([[1.0], [4.0]]).double() * torch.tensor(push) / 3
    check(f"gradient, p = {p}", by_hand, x.grad, rtol=1e-10)

# %%
# Its relations
# -------------
# MarginRankingLoss (lesson 3.1.9) of the right class against every other, over C; and
# MultiLabelMarginLoss (lesson 3.1.11) with a single label, its list ended by -1.
x, loss = score.double(), nn.MultiMarginLoss(reduction="none")(score.double(), target)
ranking = nn.MarginRankingLoss(margin=1.0, reduction="sum")
pairs = ranking(x[0, [0, 0]], x[0, [1, 2]], torch.ones(2)) / 3
check("MarginRankingLoss of the first sample", pairs, loss[0], rtol=1e-10)
labels = torch.tensor([[0, -1, -1], [2, -1, -1]])
other = nn.MultiLabelMarginLoss(reduction="none")(x, labels)
check("MultiLabelMarginLoss with one label", other, loss, rtol=1e-10)

# %%
# Pitfalls that do not raise
# --------------------------
# With ``margin=0`` a network that gives all classes the same score is perfect.
loss = nn.MultiMarginLoss(margin=0.0)(torch.zeros(2, 3), target)
print("all the same, margin 0:", loss)  # → all the same, margin 0: tensor(0.)

# %%
# Probabilities for scores: their lead is never above 1, so no answer but full certainty
# satisfies the margin of 1.
sure = torch.tensor([[5.0, 0.0, 0.0]])
print(nn.MultiMarginLoss()(sure, target[:1]))  # → tensor(0.)
print(nn.MultiMarginLoss()(sure.softmax(1), target[:1]))  # → tensor(0.0133)

# %%
# Pitfalls that raise
# -------------------
# There is no ``ignore_index``: -100 is no class.
with refused(ValueError, "only p == 1 and p == 2 supported"):
    nn.MultiMarginLoss(p=3)
with refused(RuntimeError, "target out of range"):
    nn.MultiMarginLoss()(score, torch.tensor([0, -100]))
with refused(RuntimeError, "expected scalar type Long but found Float"):
    nn.MultiMarginLoss()(score, target.float())
with refused(RuntimeError, "but got [2, 3]"):
    nn.MultiMarginLoss()(score, torch.eye(3, dtype=torch.int64)[target])

# %%
# The picture
# -----------
lead = torch.linspace(-2, 3, 501, requires_grad=True)
scores = torch.stack([lead, torch.zeros(501)], dim=1)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for p, color in ((1, "tab:blue"), (2, "tab:red")):
    losses = nn.MultiMarginLoss(p, reduction="none")(scores, torch.zeros(501).long())
    (slope,) = torch.autograd.grad(losses.sum(), lead, retain_graph=True)
    left.plot(lead.detach(), losses.detach(), color, label=f"p = {p}")
    right.plot(lead.detach(), slope, color)
left.set(title="a lead of the margin is enough …", ylabel="loss (two classes)")
right.set(title="… and ends all learning", ylabel="gradient")
for ax in (left, right):
    ax.axvline(1, color="0.6", ls="dotted")
    ax.set_xlabel("lead of the right class, margin 1")
left.legend()
fig.savefig(RESULT / "loss_and_gradient.png")
