r"""
3.1.8 BCEWithLogitsLoss · 带 Sigmoid 的二分类交叉熵
===================================================

Binary cross entropy of a raw score :math:`x`, any real number, of which
:math:`\sigma(x) = 1 / (1 + e^{-x})` is the probability of yes:

.. math:: \ell_i = -w_i \, [\, p_i \, y_i \log \sigma(x_i)
          + (1 - y_i) \log (1 - \sigma(x_i)) \,]

:signature: ``BCEWithLogitsLoss(weight=None, …, reduction="mean", pos_weight=None)``
:input:   scores ("logits"), any shape: the last layer's output, without ``sigmoid``
:target:  same shape, floats in [0, 1]
:weight, pos_weight: tensors, :math:`w` for all and :math:`p` for the yes part alone
:returns: a scalar (``reduction="mean"``, ``"sum"``), or the input's shape (``"none"``)
:use it:  for every yes/no output of a network: two classes, multi-label, masks
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1).
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# The loss of three scores
# ------------------------
# A positive score says yes. The third says no where the answer is yes.
score = torch.tensor([2.0, -1.0, -0.5])
target = torch.tensor([1.0, 0.0, 1.0])

with_logits = nn.BCEWithLogitsLoss(reduction="none")
loss = with_logits(score, target)
print("element-wise:", loss)  # → element-wise: tensor([0.1269, 0.3133, 0.9741])

# %%
# By hand
# -------
# :math:`1 - \sigma(x) = \sigma(-x)`, so the logarithm of a sigmoid is all it takes.
# Written without a positive exponent, it never overflows. The mean divides by the
# number of elements, whatever ``weight`` and ``pos_weight`` are.


def log_sigmoid(x):
    """Return log(1 / (1 + e^-x)), exact for scores x of any size."""
    return x.clamp(max=0) - (-x.abs()).exp().log1p()


def bce_with_logits_by_hand(x, y, pos_weight=1.0):
    """Return the loss of each element: score x, target y in [0, 1]."""
    return -(pos_weight * y * log_sigmoid(x) + (1 - y) * log_sigmoid(-x))


by_hand = bce_with_logits_by_hand(score, target)
check("element-wise", by_hand, loss)
check("mean (the default)", by_hand.sum() / 3, nn.BCEWithLogitsLoss()(score, target))
check("sum", by_hand.sum(), nn.BCEWithLogitsLoss(reduction="sum")(score, target))
check("no overflow", 200.0, bce_with_logits_by_hand(torch.tensor(200.0), 0.0))
w, p = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([3.0, 5.0, 7.0])
loss = nn.BCEWithLogitsLoss(w, pos_weight=p)(score, target)
weighted = w * bce_with_logits_by_hand(score, target, p)
check("weight and pos_weight: divided by N", weighted.sum() / 3, loss)

# %%
# The gradient
# ------------
# Without weights :math:`\sigma(x) - y`: the sigmoid's slope cancels. With a
# ``pos_weight`` of 9, the number of no over yes, one yes pulls as hard as nine no.
x = score.double().requires_grad_()
nn.BCEWithLogitsLoss(reduction="sum")(x, target.double()).backward()
check("gradient: sigmoid(x) - y", torch.sigmoid(x) - target, x.grad, rtol=1e-10, atol=0)
x, y = torch.zeros(10, requires_grad=True), torch.eye(10)[0]
nn.BCEWithLogitsLoss(pos_weight=torch.tensor(9.0), reduction="sum")(x, y).backward()
check("pos_weight 9: one yes against nine no", [-4.5] + 9 * [0.5], x.grad)

# %%
# Why not sigmoid and BCELoss?
# ----------------------------
# The same, for moderate scores. As they grow, :math:`1 - \sigma(x)` loses digits. From
# 17 on float32 has none left: a mistake costs 100, BCELoss's limit, without a gradient.


def sigmoid_then_bce(x, y):
    """Return the loss of each element the long way: this lesson advises against it."""
    return nn.functional.binary_cross_entropy(torch.sigmoid(x), y, reduction="none")


x, y = score.double(), target.double()
long_way, short_way = sigmoid_then_bce(x, y), with_logits(x, y)
check("sigmoid + BCE = BCEWithLogits", long_way, short_way, rtol=1e-10, atol=0)
for loss_of in (with_logits, sigmoid_then_bce):
    x = torch.tensor([5.0, 17.0, 200.0], requires_grad=True)
    loss = loss_of(x, torch.zeros(3))
    loss.sum().backward()
    print("loss:", loss.detach(), " gradient:", x.grad)
# → loss: tensor([  5.0067,  17.0000, 200.0000])  …: tensor([0.9933, 1.0000, 1.0000])
# → loss: tensor([  5.0067, 100.0000, 100.0000])  …: tensor([0.9933, 0.0000, 0.0000])
off = (sigmoid_then_bce(torch.tensor(16.0), torch.tensor(0.0)) - 16).abs()
check_less("at 16 the long way is off by", 0.05, off)
x = torch.tensor(-40.0, dtype=torch.float64, requires_grad=True)  # BCELoss's 1e-12
sigmoid_then_bce(x, torch.ones_like(x)).backward()
check_less("a yes at -40, even in float64: gradient not -1, but", -1e-5, x.grad)

# %%
# Pitfalls
# --------
# A sigmoid in the network too: its outputs count as scores from 0 to 1, and no answer
# costs less than 0.31 (yes) or 0.69 (no). A target of -1 for no: the loss has no floor.
twice = torch.sigmoid(torch.tensor([100.0, -100.0]))
loss = with_logits(twice, torch.tensor([1.0, 0.0]))
print("sigmoid twice:", loss)  # → sigmoid twice: tensor([0.3133, 0.6931])
check("target -1", -100.0, with_logits(torch.tensor(-100.0), torch.tensor(-1.0)))
with refused(ValueError, "Target size (torch.Size([4])) must be the same as input"):
    nn.BCEWithLogitsLoss()(torch.zeros(4, 1), torch.zeros(4))
with refused(RuntimeError, "Float can't be cast to the desired output type Long"):
    nn.BCEWithLogitsLoss()(score, target.long())

# %%
# The picture
# -----------
x, y = torch.linspace(-5, 30, 701, requires_grad=True), torch.zeros(701)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for loss_of, color in ((sigmoid_then_bce, "tab:red"), (with_logits, "tab:blue")):
    loss = loss_of(x, y)
    (slope,) = torch.autograd.grad(loss.sum(), x)
    left.plot(x.detach(), loss.detach(), color=color)
    right.plot(x.detach(), slope, color=color)
left.set(title="from 17 on, a mistake costs 100 …", ylabel="loss")
right.set(title="… and teaches nothing", ylabel="gradient")
left.text(15.5, 75, "sigmoid, then BCELoss", color="tab:red", ha="right")
left.text(30, 3, "BCEWithLogitsLoss", color="tab:blue", ha="right")
fig.supxlabel("score (target 0, float32)", fontsize="medium")
fig.savefig(RESULT / "loss_and_gradient.png")
