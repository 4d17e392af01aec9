r"""
3.1.3 CrossEntropyLoss · 交叉熵
===============================

How little probability the network gives to the right class :math:`y`, where softmax
makes probabilities of its scores :math:`x`:

.. math:: \ell_n = -w_y \log \frac{e^{x_y}}{\sum_c e^{x_c}}, \quad
          \text{mean} = \frac{\sum_n \ell_n}{\sum_n w_{y_n}}

:signature: ``CrossEntropyLoss(weight=None, size_average=None, ignore_index=-100,
            reduce=None, reduction="mean", label_smoothing=0.0)``
:input:     scores (logits), any numbers: (N, C), or (N, C, d1, …) with the classes in
            the *second* place
:target:    indices of classes, int64, (N) or (N, d1, …); or probabilities of classes,
            floating point, shaped as the input
:returns:   a scalar (``"mean"``, ``"sum"``), or one loss per target (``"none"``)
:use it:    for classification, one right class out of C; for several at once take
            BCEWithLogitsLoss (lesson 3.1.8)
:then → now: ``label_smoothing`` and probabilities as targets came after 1.0;
            ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1).
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
# The loss of three samples
# -------------------------
# The first is right, the second undecided, the third wrong and sure of it.
scores = torch.tensor([[2.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 3.0, 0.0]])
target = torch.tensor([0, 1, 2])

loss = nn.CrossEntropyLoss(reduction="none")(scores, target)
print("per sample:", loss)  # → per sample: tensor([0.2395, 1.0986, 3.0949])

# %%
# By hand
# -------
# Undecided among C classes costs log C: what an untrained network should show.
log_p = scores - scores.exp().sum(dim=1, keepdim=True).log()
nll = -torch.stack([log_p[0, 0], log_p[1, 1], log_p[2, 2]])
check("per sample: -log softmax", nll, loss)
check("undecided: log 3", math.log(3), loss[1])
mean = nn.CrossEntropyLoss()
check("mean (the default): sum / 3", nll.sum() / 3, mean(scores, target))
check("sum", nll.sum(), nn.CrossEntropyLoss(reduction="sum")(scores, target))

# %%
# ``weight``, one per class: more for rare ones. The mean divides by the sum of the
# targets' weights, here 1 + 2 + 5, not by the number of samples. Targets equal to
# ``ignore_index`` neither cost nor count. An image has a class per pixel.
weight = torch.tensor([1.0, 2.0, 5.0])
loss = nn.CrossEntropyLoss(weight)(scores, target)
check("weighted mean", (1 * nll[0] + 2 * nll[1] + 5 * nll[2]) / 8, loss)
loss = nn.CrossEntropyLoss(ignore_index=1)(scores, target)
check("the second ignored", (nll[0] + nll[2]) / 2, loss)
image = scores.T.reshape(1, 3, 3)  # one image, 3 classes, a row of 3 pixels
loss = nn.CrossEntropyLoss(reduction="none")(image, target.reshape(1, 3))
check("one loss per pixel", nll.reshape(1, 3), loss)

# %%
# Probabilities as target
# -----------------------
# The target :math:`q` may be a distribution: :math:`-\sum_c w_c q_c \log p_c`. Here the
# mean divides by N, weights or not.
mixed = torch.tensor([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6]])
loss = nn.CrossEntropyLoss(weight)(scores, mixed)
check("class probabilities, weighted", -(weight * mixed * log_p).sum() / 3, loss)

# %%
# ``label_smoothing=0.1`` takes a tenth from the right class and spreads it over all
# three: no need to drive the scores to infinity. Here the mean divides by 8 again.
smooth = 0.9 * torch.eye(3) + 0.1 / 3
loss = nn.CrossEntropyLoss(weight, label_smoothing=0.1)(scores, target)
check("0.9 one-hot + 0.1 / C, weighted", -(weight * smooth * log_p).sum() / 8, loss)

# %%
# The gradient
# ------------
# Predicted minus true: bounded, and zero only when the network is right and sure.
x = scores.clone().requires_grad_()
mean(x, target).backward()
check("gradient: (softmax - one-hot) / N", (log_p.exp() - torch.eye(3)) / 3, x.grad)

# %%
# Relations, and pitfalls
# -----------------------
split = nn.NLLLoss()(nn.LogSoftmax(dim=1)(scores), target)
check("LogSoftmax + NLLLoss", split, mean(scores, target))
one = nn.BCEWithLogitsLoss()(torch.tensor([1.5]), torch.ones(1))
two = mean(torch.tensor([[0.5, 2.0]]), torch.tensor([1]))
check("two classes: BCEWithLogitsLoss of their difference", one, two)

# %%
# A softmax before it does not raise: a network that is right and sure still seems to
# err, for all scores then lie between 0 and 1. All targets ignored: 0 / 0.
sure = torch.tensor([[100.0, 0.0, 0.0]])
twice = mean(sure.softmax(dim=1), target[:1])
check("softmax twice, at best log(1 + 2 / e)", math.log(1 + 2 / math.e), twice)
nothing = nn.CrossEntropyLoss(ignore_index=0)(scores[:1], target[:1])
print("all ignored:", nothing.item())  # → all ignored: nan

# %%
# Refused as indices: floats, int32, a column (N, 1), a class that there is not.
wrong = {"Float": target.float(), "Int": target.int(), "multi-target": target[:, None]}
for words, bad in wrong.items():
    with refused(RuntimeError, words):
        mean(scores, bad)
with refused(IndexError, "Target 3 is out of bounds"):
    mean(scores, target + 1)

# %%
# The picture
# -----------
lead = torch.linspace(-6, 10, 321)
x = torch.stack([lead, 0 * lead, 0 * lead], dim=1).requires_grad_()
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for smoothing, style in ((0.0, "-"), (0.3, "--")):
    loss_of = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
    loss = loss_of(x, torch.zeros(321, dtype=torch.long))
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    left.plot(lead, loss.detach(), style, label=f"label_smoothing={smoothing:g}")
    right.plot(lead, gradient[:, 0], style)
axis = "score of the right class (two others: 0)"
left.set(title="smoothed: too sure costs again", xlabel=axis, ylabel="loss")
right.set(title="above 0 the score is pushed down", xlabel=axis, ylabel="gradient")
right.axhline(0, color="gray", lw=0.5)
left.legend()
fig.savefig(RESULT / "loss_and_gradient.png")
