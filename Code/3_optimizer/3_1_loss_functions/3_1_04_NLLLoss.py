r"""
3.1.4 NLLLoss · 负对数似然
==========================

Minus the log-probability that the network gives to the right class :math:`y`: it picks
one number out of each row :math:`x` of log-probabilities, and turns its sign.

.. math:: \ell_n = -w_{y_n} \, x_{n, y_n}, \quad
          \text{mean} = \frac{\sum_n \ell_n}{\sum_n w_{y_n}}

:signature: ``NLLLoss(weight=None, size_average=None, ignore_index=-100, reduce=None,
            reduction="mean")``
:input:     log-probabilities, the output of ``log_softmax``: (N, C), or (N, C, d1, …)
            with the classes in the *second* place
:target:    indices of classes, int64: (N) or (N, d1, …)
:returns:   a scalar (``"mean"``, ``"sum"``), or one loss per target (``"none"``)
:use it:    for classification when the network ends in ``LogSoftmax``. On raw scores
            CrossEntropyLoss (lesson 3.1.3) does both.
:then → now: ``NLLLoss2d`` is ``NLLLoss``; ``size_average``, ``reduce``: lesson 3.1.1.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# The loss of three samples
# -------------------------
# The first is right, the second undecided, the third wrong.
probability = torch.tensor([[0.8, 0.1, 0.1], [0.4, 0.2, 0.4], [0.1, 0.2, 0.7]])
target = torch.tensor([0, 2, 1])
log_p = probability.log()

loss = nn.NLLLoss(reduction="none")(log_p, target)
print("per sample:", loss)  # → per sample: tensor([0.2231, 0.9163, 1.6094])

# %%
# By hand
# -------
# The sum is minus the logarithm of a product: the probability that all are right.
nll = -torch.stack([log_p[0, 0], log_p[1, 2], log_p[2, 1]])
check("per sample: -x[y]", nll, loss)
check("mean (the default): sum / 3", nll.sum() / 3, nn.NLLLoss()(log_p, target))
total = nn.NLLLoss(reduction="sum")(log_p, target)
check("sum: -log(0.8 x 0.4 x 0.2)", -torch.tensor(0.8 * 0.4 * 0.2).log(), total)

# %%
# ``weight``, one per class: more for rare ones. The mean divides by the sum of the
# targets' weights, here 1 + 2 + 5, not by the number of samples.
weight = torch.tensor([1.0, 5.0, 2.0])
loss = nn.NLLLoss(weight, reduction="none")(log_p, target)
check("weighted, per sample", torch.stack([nll[0], 2 * nll[1], 5 * nll[2]]), loss)
check("weighted mean: sum / 8", loss.sum() / 8, nn.NLLLoss(weight)(log_p, target))

# %%
# ``ignore_index``: targets equal to it neither cost nor count. The default, -100, is no
# class: it marks padding, or pixels that nobody labelled.
loss = nn.NLLLoss(weight)(log_p, torch.tensor([0, -100, 1]))
check("the second ignored: sum / 6", (nll[0] + 5 * nll[2]) / 6, loss)
loss = nn.NLLLoss(weight, ignore_index=1)(log_p, target)
check("class 1 ignored: sum / 3", (nll[0] + 2 * nll[1]) / 3, loss)

# %%
# The gradient
# ------------
# Only the right class is pulled. ``LogSoftmax`` before it lets the others feel it: in
# the scores the gradient is predicted minus true, as in CrossEntropyLoss.
one_hot = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
x = log_p.clone().requires_grad_()
nn.NLLLoss(weight)(x, target).backward()
check("gradient: -w / 8 at the target, else 0", -weight * one_hot / 8, x.grad)
scores = log_p.clone().requires_grad_()
nn.NLLLoss()(nn.LogSoftmax(dim=1)(scores), target).backward()
by_hand = (probability - one_hot) / 3
check("in the scores: (p - one-hot) / 3", by_hand, scores.grad)
cross = nn.CrossEntropyLoss()(scores, target)
check("LogSoftmax + NLLLoss = CrossEntropyLoss", nll.mean(), cross)

# %%
# Images: a class for each pixel, input (N, C, H, W), target (N, H, W).
image = log_p.T.reshape(1, 3, 1, 3)  # one image, 3 classes, 1 x 3 pixels
loss = nn.NLLLoss(reduction="none")(image, target.reshape(1, 1, 3))
check("one loss per pixel", nll.reshape(1, 1, 3), loss)
with warned(FutureWarning, "`NLLLoss2d` has been deprecated"):
    check("NLLLoss2d", nll.mean(), nn.NLLLoss2d()(image, target.reshape(1, 1, 3)))

# %%
# Pitfalls
# --------
# Probabilities, without the logarithm, do not raise. The loss is negative, and a
# confident mistake pulls no harder than a right answer.
x = probability.clone().requires_grad_()
wrong = nn.NLLLoss()(x, target)
wrong.backward()
check("fed probabilities: -(0.8 + 0.4 + 0.2) / 3", -1.4 / 3, wrong)
check("the same pull on all", -one_hot / 3, x.grad)

# %%
# ``softmax``, then ``log``, is no ``log_softmax``: what softmax rounds to 0 is lost.
# Where all targets are ignored, the mean is 0 / 0.
far, second = torch.tensor([[200.0, 0.0]]), torch.tensor([1])
check("log_softmax", 200.0, nn.NLLLoss()(far.log_softmax(dim=1), second))
late = nn.NLLLoss()(far.softmax(dim=1).log(), second)
print("log of softmax:", late.item())  # → log of softmax: inf
nothing = nn.NLLLoss()(log_p, torch.full((3,), -100))
print("all ignored:", nothing.item())  # → all ignored: nan

# %%
# Refused: floats as indices, a column (N, 1), weights for fewer classes, no such class.
cases = [("Float", None, target.float()), ("multi-target", None, target[:, None])]
for words, some, bad in [*cases, ("for all 3 classes", weight[:2], target)]:
    with refused(RuntimeError, words):
        nn.NLLLoss(some)(log_p, bad)
with refused(IndexError, "Target 3 is out of bounds"):
    nn.NLLLoss()(log_p, target + 1)

# %%
# The picture
# -----------
p = torch.linspace(0.02, 1, 200)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(p, -p.log(), color="tab:blue", label="fed log p")
left.plot(p, -p, "--", color="tab:red", label="fed p: a mistake")
right.plot(p, -1 / p, color="tab:blue")
right.plot(p, -torch.ones(200), "--", color="tab:red")
axis = "p, probability of the right class"
left.set(title="without the log: negative", xlabel=axis, ylabel="loss", ylim=(-1.2, 4))
right.set(title="and a mistake pulls no harder", xlabel=axis, ylabel="gradient in p")
right.set_ylim(-20, 0.5)
left.axhline(0, color="gray", lw=0.5)
left.legend()
fig.savefig(RESULT / "with_and_without_log.png")
