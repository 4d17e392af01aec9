r"""
3.1.13 SoftMarginLoss · 二分类逻辑损失
======================================

Logistic loss of a yes/no question whose answers are called +1 and -1: it falls as
the margin :math:`y x` grows, which is positive where the score has the target's sign.

.. math:: \ell_i = \log (1 + e^{-y_i x_i})

:signature: ``SoftMarginLoss(…, reduction="mean")``; …: see 3.1.1; no weights
:input:   scores, any real numbers, any shape; the sign is the answer
:target:  same shape, +1 or -1
:returns: a scalar (``reduction="mean"``, ``"sum"``), or the input's shape (``"none"``)
:use it:  where targets come as ±1. BCEWithLogitsLoss (lesson 3.1.8) is the same for
          targets 0 and 1, has weights and never overflows: take that if you can.
:the notes: they call it a multi-label loss. It asks one question of two answers, and
          knows no labels: of a matrix it takes each element for itself.
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1).
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir

RESULT = result_dir(__file__)

# %%
# The loss of four scores
# -----------------------
# Sure and right, undecided, wrong, and wrong by far.
score = torch.tensor([2.0, 0.0, -1.0, 3.0])
target = torch.tensor([1.0, 1.0, 1.0, -1.0])
loss = nn.SoftMarginLoss(reduction="none")(score, target)
print(loss)  # → tensor([0.1269, 0.6931, 1.3133, 3.0486])

# %%
# By hand
# -------


def soft_margin_by_hand(x, y):
    """Return the loss of each element: score x, target y of +1 or -1, same shape."""
    return (1 + (-y * x).exp()).log()


x, y = score.double(), target.double()
by_hand = soft_margin_by_hand(x, y)
check("element-wise", by_hand, nn.SoftMarginLoss(reduction="none")(x, y), rtol=1e-10)
check("mean (the default)", by_hand.sum() / 4, nn.SoftMarginLoss()(x, y), rtol=1e-10)
total = nn.SoftMarginLoss(reduction="sum")(x, y)
check("sum", by_hand.sum(), total, rtol=1e-10)

# %%
# Of a matrix the mean divides by the number of elements, not by that of rows.
loss = nn.SoftMarginLoss()(x.reshape(2, 2), y.reshape(2, 2))
check("the mean of 2 x 2", by_hand.sum() / 4, loss, rtol=1e-10)

# %%
# The gradient
# ------------
# :math:`-y / (1 + e^{y x})`: up to 1 for a wrong answer, less and less, but never
# nothing, for a right one. All of it is BCEWithLogitsLoss with targets 0 for -1.
x.requires_grad_()
losses = nn.SoftMarginLoss(reduction="none")(x, y)
losses.sum().backward()
check("gradient", -y / (1 + (y * x).exp()), x.grad, rtol=1e-10)
other = nn.BCEWithLogitsLoss(reduction="none")(x, (y + 1) / 2)
check("SoftMargin(±1) = BCEWithLogits(0, 1)", other, losses, rtol=1e-10)

# %%
# Pitfalls that do not raise
# --------------------------
# Targets 0 and 1: each 0 costs :math:`\log 2`, whatever the score, and has no gradient.
# All that says no is ignored.
x = torch.tensor([5.0, -5.0], requires_grad=True)
loss = nn.SoftMarginLoss(reduction="none")(x, torch.zeros(2))
loss.sum().backward()
check("target 0 costs log 2", [math.log(2)] * 2, loss.tolist())
check("and teaches nothing", [0.0, 0.0], x.grad.tolist())

# %%
# Probabilities for scores: the best of them, 1, still costs 0.31.
loss = nn.SoftMarginLoss()(torch.tensor([1.0]), torch.tensor([1.0]))
print("probability 1:", loss)  # → probability 1: tensor(0.3133)

# %%
# Far out :math:`e^{-y x}` overflows, in float32 from 89 on: the loss is infinite and
# the gradient NaN, which spoils all weights at once.
x = torch.tensor([-80.0, -89.0], requires_grad=True)
loss = nn.SoftMarginLoss(reduction="none")(x, torch.ones(2))
loss.sum().backward()
print(loss.tolist(), x.grad.tolist())  # → [80.0, inf] [-1.0, nan]
stable = nn.BCEWithLogitsLoss(reduction="none")(x, torch.ones(2))
check("BCEWithLogitsLoss goes on", [80.0, 89.0], stable)

# %%
# One target for each row: where there are as many columns, they go to the columns.
scores, per_row = torch.arange(4.0).reshape(2, 2), torch.tensor([1.0, -1.0])
by_hand = soft_margin_by_hand(scores, torch.tensor([[1.0, -1.0], [1.0, -1.0]]))
loss = nn.SoftMarginLoss(reduction="none")(scores, per_row)
check("targets for rows went to columns", by_hand, loss)

# %%
# Pitfalls that raise
# -------------------
with refused(RuntimeError, "shape [4, 1] doesn't match the broadcast shape [4, 4]"):
    nn.SoftMarginLoss()(score[:, None], target)
with refused(TypeError, "unexpected keyword argument 'weight'"):
    nn.SoftMarginLoss(weight=torch.ones(4))

# %%
# The picture
# -----------
margin = torch.linspace(-4, 4, 401, requires_grad=True)
losses = nn.SoftMarginLoss(reduction="none")(margin, torch.ones(401))
(slope,) = torch.autograd.grad(losses.sum(), margin)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(margin.detach(), losses.detach())
left.set(title="the more wrong, the dearer", ylabel="loss")
left.text(-3.7, 0.2, "wrong sign", color="tab:red")
right.plot(margin.detach(), slope)
right.set(title="a right answer is still pulled, softly", ylabel="gradient")
for ax in (left, right):
    ax.axvspan(-4, 0, color="tab:red", alpha=0.1, lw=0)
    ax.set(xlabel="margin: target × score", xlim=(-4, 4))
fig.savefig(RESULT / "loss_and_gradient.png")
