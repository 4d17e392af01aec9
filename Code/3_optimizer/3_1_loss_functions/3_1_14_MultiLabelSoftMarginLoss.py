r"""
3.1.14 MultiLabelSoftMarginLoss · 多标签逻辑损失
================================================

One yes/no question for each of C classes, any number of which may be true of a sample:
the mean over the classes of their binary cross entropies.

.. math:: \ell_n = -\frac{1}{C} \sum_c w_c \, [\, y_{nc} \log \sigma(x_{nc})
          + (1 - y_{nc}) \log \sigma(-x_{nc}) \,]

:signature: ``MultiLabelSoftMarginLoss(weight=None, …, reduction="mean")``
:input:   scores, any real numbers, (N, C) or (C); of more dimensions the last is C
:target:  same shape, 1 for a label the sample has, 0 for others; floats or integers
:weight:  :math:`w`, a factor for each class, (C)
:returns: a scalar (``reduction="mean"``, ``"sum"``), or (N), one loss for each sample
          (``"none"``)
:use it:  for multi-label: a photo may show a dog and a cat. BCEWithLogitsLoss (lesson
          3.1.8) does the same and has ``pos_weight`` for rare labels.
:the notes: they call it multi-class. That means one class out of C, which compete;
          here no class knows of another.
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1). The
          name ``"elementwise_mean"`` of that time is refused.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import logsigmoid

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# The loss of two samples with three labels
# -----------------------------------------
# The first has two of the labels, the second has one and is given another as well.
score = torch.tensor([[2.0, -1.0, 0.0], [-2.0, 1.0, 3.0]])
target = torch.tensor([[1, 0, 1], [0, 1, 0]])
loss = nn.MultiLabelSoftMarginLoss(reduction="none")(score, target)
print(loss)  # → tensor([0.3778, 1.1629])

# %%
# By hand
# -------
# ``"none"`` has taken the mean over the classes already, so ``"sum"`` adds up samples,
# not elements.


def multilabel_soft_margin_by_hand(x, y, weight=1.0):
    """Return the losses (N) of scores x and targets y of 0 or 1, both (N, C)."""
    elements = -(y * logsigmoid(x) + (1 - y) * logsigmoid(-x))
    return (weight * elements).sum(1) / x.shape[1]


x, y = score.double(), target.double()
by_hand = multilabel_soft_margin_by_hand(x, y)
expected = {"none": by_hand, "sum": by_hand.sum(), "mean": by_hand.sum() / 2}
for how, value in expected.items():
    loss = nn.MultiLabelSoftMarginLoss(reduction=how)(x, y)
    check(how, value, loss, rtol=1e-10)

# %%
# ``weight`` is a factor for each class. The mean divides by N·C all the same: it is the
# mean of BCEWithLogitsLoss over samples and classes.
weight = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
by_hand = multilabel_soft_margin_by_hand(x, y, weight).sum() / 2
loss = nn.MultiLabelSoftMarginLoss(weight)(x, y)
check("the weighted mean divides by N·C", by_hand, loss, rtol=1e-10)
check("= BCEWithLogitsLoss", nn.BCEWithLogitsLoss(weight)(x, y), loss, rtol=1e-10)

# %%
# The gradient
# ------------
# Probability minus target: :math:`w_c \, (\sigma(x) - y) / (N C)`.
x.requires_grad_()
nn.MultiLabelSoftMarginLoss(weight)(x, y).backward()
check("gradient", weight * (torch.sigmoid(x) - y) / 6, x.grad, rtol=1e-10)

# %%
# Not multi-class
# ---------------
# Raise all scores of a sample by 5: to CrossEntropyLoss, where classes compete, nothing
# has changed. Here the classes that are not in a sample cost more.
x, label, one_hot = score.double(), torch.tensor([0, 1]), torch.eye(2, 3).double()
cross_entropy, multi_label = nn.CrossEntropyLoss(), nn.MultiLabelSoftMarginLoss()
check("cross entropy", cross_entropy(x, label), cross_entropy(x + 5, label))
check_less("multi-label", multi_label(x, one_hot), multi_label(x + 5, one_hot))

# %%
# Pitfalls that do not raise
# --------------------------
# A target of -1 for no: its loss has no lower end, and training runs after it.
loss = multi_label(torch.tensor([[-1000.0]]), torch.tensor([[-1]]))
print("score -1000, target -1:", loss)  # → score -1000, target -1: tensor(-1000.)

# %%
# Class indices in place of rows of 0 and 1: they broadcast where N happens to be C.
loss = nn.MultiLabelSoftMarginLoss(reduction="none")(torch.zeros(3, 3), torch.arange(3))
print("indices:", loss.shape)  # → indices: torch.Size([3])

# %%
# The classes are the last dimension, not the second: of maps of labels, (N, C, H, W),
# the mean is taken over the width, W, alone.
maps = torch.linspace(-3, 3, 48).reshape(1, 3, 4, 4)
loss = nn.MultiLabelSoftMarginLoss(reduction="none")(maps, torch.ones_like(maps))
check("(N, C, H): the width is gone", -logsigmoid(maps).mean(3), loss)

# %%
# Pitfalls that raise
# -------------------
with refused(RuntimeError, "size of tensor a (2) must match the size of tensor b (3)"):
    multi_label(score, target[:, :2])
with refused(RuntimeError, "with a bool tensor is not supported"):
    multi_label(score, target.bool())
with refused(ValueError, "elementwise_mean is not valid"):
    nn.MultiLabelSoftMarginLoss(reduction="elementwise_mean")(score, target)

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for y, color, dash in ((1, "tab:blue", "-"), (0, "tab:red", "-"), (-1, "k", "--")):
    x = torch.linspace(-4, 4, 401)[:, None].requires_grad_()
    losses = nn.MultiLabelSoftMarginLoss(reduction="none")(x, torch.full_like(x, y))
    (slope,) = torch.autograd.grad(losses.sum(), x)
    left.plot(x.detach(), losses.detach(), color, ls=dash, label=f"target {y}")
    right.plot(x.detach(), slope, color, ls=dash)
left.set(title="a target of -1 has no bottom …", ylabel="loss")
right.set(title="… and pulls for ever", ylabel="gradient")
for ax in (left, right):
    ax.set_xlabel("score of a class")
left.legend(loc="upper left")
fig.savefig(RESULT / "loss_and_gradient.png")
