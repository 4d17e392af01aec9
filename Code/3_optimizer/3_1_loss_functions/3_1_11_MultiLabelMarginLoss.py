r"""
3.1.11 MultiLabelMarginLoss · 多标签合页损失
============================================

Each of a sample's labels should score higher than every other class, by 1 at least.
With :math:`Y` the set of labels and :math:`C` classes:

.. math:: \ell = \frac{1}{C} \sum_{j \in Y} \sum_{i \notin Y}
          \max(0, \; 1 - (x_j - x_i))

:signature: ``MultiLabelMarginLoss(size_average=None, reduce=None, reduction="mean")``
:input:   scores, (N, C), or (C,) for a single sample
:target:  same shape, ``int64``: a row lists the labels' *indices*, then a -1; what
          stands after that does not count
:returns: a scalar (``reduction="mean"``, ``"sum"``), or (N,) (``"none"``)
:use it:  where a sample has several labels and their ranking matters. The margin is
          always 1, and there is no weight. For yes or no, label by label, take
          BCEWithLogitsLoss (lesson 3.1.8).
:the notes: their list of loss functions leaves it out.
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
# Two samples, four classes
# -------------------------
# The first has the labels 0 and 2. Label 0 beats class 1 by 0.7: that costs 0.3. Label
# 2 beats it by 0.4: 0.6. Both beat class 3 by more than 1. In all, 0.9 / 4. The second
# has the label 1 alone.
score = torch.tensor([[0.9, 0.2, 0.6, -0.5], [0.0, 1.0, 0.5, -2.0]])
target = torch.tensor([[0, 2, -1, -1], [1, -1, 3, 3]])

per_sample = nn.MultiLabelMarginLoss(reduction="none")
loss = per_sample(score, target)
print("for each sample:", loss)  # → for each sample: tensor([0.2250, 0.1250])

# %%
# By hand
# -------


def multi_label_margin_by_hand(score, target):
    """Return the loss of each sample (N,): scores (N, C), rows of indices up to -1."""
    losses = []
    for x, row in zip(score, target.tolist(), strict=True):
        labels = row[: row.index(-1)] if -1 in row else row
        others = [i for i in range(len(x)) if i not in labels]
        terms = [max(0.0, 1 - (x[j] - x[i]).item()) for j in labels for i in others]
        losses.append(sum(terms) / len(x))
    return torch.tensor(losses)


by_hand = multi_label_margin_by_hand(score, target)
check("none: one loss for each sample", by_hand, loss)
mean = nn.MultiLabelMarginLoss()(score, target)
check("mean (the default): over samples", by_hand.sum() / 2, mean)
check("sum", by_hand.sum(), nn.MultiLabelMarginLoss(reduction="sum")(score, target))
check("a single sample, (C,)", by_hand[0], per_sample(score[0], target[0]))

# %%
# The gradient
# ------------
# Every pair too close moves its label up and the other class down, by 1/C each.
x = score.clone().requires_grad_()
per_sample(x, target).sum().backward()
by_hand = torch.tensor([[-1.0, 2.0, -1.0, 0.0], [0.0, -1.0, 1.0, 0.0]]) / 4
check("gradient: pairs too close, over C", by_hand, x.grad)

# %%
# With one label it is MultiMarginLoss
# ------------------------------------
# That one takes the index of a single class for each sample (lesson 3.1.16).
one_label = torch.tensor([[2, -1, -1, -1], [3, -1, -1, -1]])
multi_margin = nn.MultiMarginLoss(reduction="none")(score, one_label[:, 0])
check("one label: MultiMarginLoss", multi_margin, per_sample(score, one_label))

# %%
# Pitfall: a multi-hot target
# ---------------------------
# 1 for a label and 0 for the rest: no error, but the row 1, 0, 1, 0 is read as a list
# of labels: 1, 0, 1 and 0.


def indices_of(multi_hot):
    """Turn rows of 0 and 1, (N, C), into the labels' indices, filled up with -1."""
    order = multi_hot.argsort(dim=1, descending=True, stable=True)
    count = multi_hot.sum(dim=1, keepdim=True)
    return order.where(torch.arange(multi_hot.shape[1]) < count, -1)


multi_hot = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0]])
check("indices: right", loss, per_sample(score, indices_of(multi_hot)))
wrong = per_sample(score, multi_hot)
print("multi-hot:", wrong)  # → multi-hot: tensor([1.2000, 1.2500])
misread = multi_label_margin_by_hand(score, multi_hot)
check("multi-hot: misread as indices", misread, wrong)

# %%
# More pitfalls
# -------------
# No labels, or all of them, cost nothing. And the loss only ranks: 100 more for every
# class changes nothing, so where "yes" begins you must find yourself.
none_or_all = torch.tensor([[-1, 0, 2, 1], [3, 0, 1, 2]])
check("no labels, all labels", [0.0, 0.0], per_sample(score, none_or_all))
check("100 more for all", loss, per_sample(score + 100, target), atol=1e-4)
with refused(RuntimeError, "expected scalar type Long but found Float"):
    per_sample(score, multi_hot.float())
with refused(RuntimeError, "inconsistent target size: [2, 2]"):
    per_sample(score, target[:, :2])  # a row is as long as there are classes
with refused(RuntimeError, "argument #2 'target' is out of range"):
    per_sample(score, torch.full((2, 4), 4))

# %%
# The picture
# -----------
x = torch.linspace(-3, 3, 601, requires_grad=True)
scores = torch.cat([x[:, None], torch.tensor([-1.0, 0.0, 1.0]).expand(601, 3)], dim=1)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for row, color in (([0, -1, -1, -1], "tab:blue"), ([1, 2, 3, -1], "tab:red")):
    cost = per_sample(scores, torch.tensor(row).expand(601, 4))
    (slope,) = torch.autograd.grad(cost.sum(), x, retain_graph=True)
    left.plot(x.detach(), cost.detach(), color=color)
    right.plot(x.detach(), slope, color=color)
left.set(title="each opponent within reach costs …", ylabel="loss")
right.set(title="… and adds its push", ylabel="gradient")
left.legend(["a label", "another class"], loc="upper center")
fig.supxlabel("its score (opponents stand at -1, 0 and 1)", fontsize="medium")
fig.savefig(RESULT / "loss_and_gradient.png")
