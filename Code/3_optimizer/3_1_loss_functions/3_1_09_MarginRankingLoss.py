r"""
3.1.9 MarginRankingLoss · 排序损失
==================================

Of two scores, one should be the higher, by a margin :math:`m` at least:

.. math:: \ell_i = \max(0, \; -y_i \, (x_{1,i} - x_{2,i}) + m)

:signature: ``MarginRankingLoss(margin=0.0, …, reduction="mean")``
:input:   two tensors of scores, of the same number of dimensions
:target:  1 where the first should be higher, -1 where the second should
:returns: a scalar (``reduction="mean"``, ``"sum"``), or the scores' shape (``"none"``)
:use it:  to learn an order from pairs: which result suits a query better, which photo
          people prefer. One network scores both; only the difference counts.
:the notes: they call it a loss for similarity. It knows nothing of similarity, only
          which score is higher; for similarity see lesson 3.1.15.
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
# Four pairs
# ----------
# Right by far; right, but by less than the margin; wrong; wrong, the other way round.
first = torch.tensor([3.0, 1.5, 1.0, 2.0])
second = torch.tensor([1.0, 1.0, 2.0, 0.5])
target = torch.tensor([1.0, 1.0, 1.0, -1.0])

loss = nn.MarginRankingLoss(margin=1.0, reduction="none")(first, second, target)
print("element-wise:", loss)  # → element-wise: tensor([0.0000, 0.5000, 2.0000, 2.5000])

# %%
# By hand
# -------


def margin_ranking_by_hand(x1, x2, y, margin=0.0):
    """Return the loss of each pair of scores; y is 1 or -1."""
    return (margin - y * (x1 - x2)).clamp(min=0)


by_hand = margin_ranking_by_hand(first, second, target, 1.0)
check("element-wise: max(0, m - y (x1 - x2))", by_hand, loss)
mean = nn.MarginRankingLoss(margin=1.0)(first, second, target)
check("mean (the default): over all pairs, free ones too", by_hand.sum() / 4, mean)
total = nn.MarginRankingLoss(margin=1.0, reduction="sum")(first, second, target)
check("sum", by_hand.sum(), total)

# %%
# ``margin`` is 0 unless you say otherwise: then a right order costs nothing, however
# narrow, and a network that gives everything the same score is perfect.
loss = nn.MarginRankingLoss(reduction="none")(first, second, target)
print("margin 0:", loss)  # → margin 0: tensor([0.0000, 0.0000, 1.0000, 1.5000])
lazy = nn.MarginRankingLoss()(torch.ones(4), torch.ones(4), target)
check("margin 0, all scores the same", 0.0, lazy)

# %%
# The gradient
# ------------
# Every pair that costs something is pushed apart equally hard, however wrong it is.
x1, x2 = first.clone().requires_grad_(), second.clone().requires_grad_()
nn.MarginRankingLoss(margin=1.0, reduction="sum")(x1, x2, target).backward()
push = torch.where(by_hand > 0, target, 0.0)
check("gradient of the first: -y or 0", -push, x1.grad)
check("gradient of the second: the opposite", push, x2.grad)

# %%
# Its relations
# -------------
# Against a score of 0, with margin 1, it is the hinge loss of support vector machines.
# On two distances it is TripletMarginLoss (lesson 3.1.17): the negative should be
# farther from the anchor than the positive.
hinge = (1 - target * first).clamp(min=0)
zeros = torch.zeros(4)
check("SVM", hinge.mean(), nn.MarginRankingLoss(margin=1.0)(first, zeros, target))

torch.manual_seed(0)
anchor, positive, negative = torch.randn(3, 5, 8, dtype=torch.float64)
distance = nn.PairwiseDistance()
near, far = distance(anchor, positive), distance(anchor, negative)
ranked = nn.MarginRankingLoss(margin=1.0)(far, near, torch.ones(5))
triplet = nn.TripletMarginLoss(margin=1.0)(anchor, positive, negative)
check("Triplet(a, p, n) = Ranking(far, near, 1)", ranked, triplet, rtol=1e-10, atol=0)

# %%
# Pitfalls that do not raise
# --------------------------
# A target of 0 where -1 belongs: the pair costs the margin, always, and is never moved.
x = first.clone().requires_grad_()
loss = nn.MarginRankingLoss(margin=0.3, reduction="none")(x, second, torch.zeros(4))
loss.sum().backward()
check("target 0: the margin, and no gradient", [[0.3] * 4, [0.0] * 4], [loss, x.grad])

# %%
# A column of scores against a row: every score of one with every score of the other, 16
# pairs instead of 4.
ones = torch.ones(4, 1)
loss = nn.MarginRankingLoss(reduction="none")(first[:, None], second[None, :], ones)
every_pair = [[max(0.0, b - a) for b in second.tolist()] for a in first.tolist()]
check("4 x 4 pairs", every_pair, loss)

# %%
# Pitfalls that raise
# -------------------
# Another number of dimensions, or none: the usual mix of (4, 1) and (4).
with refused(RuntimeError, "All input tensors should have same dimension"):
    nn.MarginRankingLoss()(first[:, None], second[:, None], target)
with refused(RuntimeError, "All input tensors should have same dimension"):
    nn.MarginRankingLoss()(first, second, torch.tensor(1.0))

# %%
# The picture
# -----------
# Between 0 and the margin the order is right already, and still pushed.
x = torch.linspace(-3, 3, 601)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for y, color, label in ((1, "tab:blue", "first"), (-1, "tab:red", "second")):
    loss = margin_ranking_by_hand(x, 0.0, y, 1.0)
    left.plot(x, loss, color=color, label=f"target {y}: {label} higher")
    right.plot(x, torch.where(loss > 0, -y, 0.0), color=color)
left.fill_between([0, 1], [1, 0], color="tab:blue", alpha=0.25, lw=0)
left.set(title="right by less than the margin: still a cost", ylabel="loss")
right.set(title="every pair is pushed alike, or not at all")
right.set(ylabel="gradient", ylim=(-1.3, 1.3), yticks=[-1, 0, 1])
fig.supxlabel("first score - second score (margin 1)", fontsize="medium")
left.set_ylim(-0.2, 6)
left.legend(loc="upper center")
fig.savefig(RESULT / "loss_and_gradient.png")
