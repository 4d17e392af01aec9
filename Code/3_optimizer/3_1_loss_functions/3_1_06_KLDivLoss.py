r"""
3.1.6 KLDivLoss · KL散度
========================

How far the predicted distribution :math:`q` is from the target distribution :math:`p`
(Kullback-Leibler divergence): 0 if they are equal, otherwise more.

.. math:: \ell_{nc} = p_{nc} \, (\log p_{nc} - x_{nc}), \quad x = \log q, \quad
          \text{batchmean} = \frac1N \sum_{nc} \ell_{nc}

:signature: ``KLDivLoss(size_average=None, reduce=None, reduction="mean",
            log_target=False)``
:input:     *log*-probabilities, the output of ``log_softmax``, any shape
:target:    probabilities of the same shape; with ``log_target=True`` their logarithms
:returns:   a scalar (``"batchmean"``, ``"mean"``, ``"sum"``), or the input's shape
            (``"none"``). Take ``"batchmean"``: ``"mean"`` is not the divergence.
:use it:    when the target is a distribution, such as a larger network's answer
:the notes: the script that came with them fed probabilities; see the pitfalls.
:then → now: ``log_target`` is new; ``size_average``, ``reduce``: see lesson 3.1.1.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir, warned

RESULT = result_dir(__file__)
tight = {"rtol": 1e-12, "atol": 1e-12}  # for float64

# %%
# Two samples, three classes
# --------------------------
p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], dtype=torch.float64)
q = torch.tensor([[0.25, 0.25, 0.5], [0.4, 0.3, 0.3]], dtype=torch.float64)

loss = nn.KLDivLoss(reduction="none")(q.log(), p)
print(loss[0])  # → tensor([ 0.3466,  0.0000, -0.1733], dtype=torch.float64)

# %%
# By hand
# -------
# One element may be negative, the sum over a distribution cannot. ``"mean"`` divides by
# the number of classes as well: PyTorch warns of it.
by_hand = p * (p.log() - q.log())
check("element-wise: p (log p - x)", by_hand, loss, **tight)
check_less("the sum of each sample is above 0", 0, loss.sum(dim=1))
check("sum", by_hand.sum(), nn.KLDivLoss(reduction="sum")(q.log(), p), **tight)
divergence = nn.KLDivLoss(reduction="batchmean")
check("batchmean: sum / 2 samples", by_hand.sum() / 2, divergence(q.log(), p), **tight)
with warned(UserWarning, "'batchmean' divides only by the batch size"):
    mean = nn.KLDivLoss()(q.log(), p)
check("mean (the default): sum / 6", by_hand.sum() / 6, mean, **tight)

# %%
# A target of 0 costs nothing. With ``log_target=True`` it spoils the sum: its logarithm
# is minus infinity, and 0 times infinity is nan.
in_logs = nn.KLDivLoss(reduction="batchmean", log_target=True)
check("log_target", divergence(q.log(), p), in_logs(q.log(), p.log()), **tight)
never = torch.tensor([[0.0, 0.5, 0.5]], dtype=torch.float64)
by_hand = 0.5 * (0.5 / q[:1, 1:]).log().sum()
check("p = 0 costs nothing", by_hand, divergence(q[:1].log(), never), **tight)
print("p = 0 in logs:", in_logs(q[:1].log(), never.log()).item())
# → p = 0 in logs: nan

# %%
# The gradient
# ------------
# In the log-probabilities it is -p, whatever the prediction; in the scores before
# ``log_softmax`` predicted minus true, the same as for CrossEntropyLoss.
x = q.log().requires_grad_()
divergence(x, p).backward()
check("gradient: -p / N", -p / 2, x.grad, **tight)
scores = q.log().requires_grad_()
divergence(scores.log_softmax(dim=1), p).backward()
check("in the scores: (q - p) / N", (q - p) / 2, scores.grad, **tight)

# %%
# Cross entropy minus entropy
# ---------------------------
# KLDivLoss is CrossEntropyLoss minus the target's entropy: they train a network alike.
entropy = -(p * p.log()).sum(dim=1).mean()
cross = nn.CrossEntropyLoss()(q.log(), p)
check("cross entropy - entropy", cross - entropy, divergence(q.log(), p), **tight)

# %%
# It is no distance: swapped, it is another number. In print KL(p ‖ q) has the target
# first; here it comes second.
swapped = divergence(p.log(), q)
check("KL(q ‖ p)", (q * (q / p).log()).sum() / 2, swapped, **tight)
check_less("not the same", 0.02, (swapped - divergence(q.log(), p)).abs())

# %%
# Pitfalls
# --------
# Probabilities where their logarithms belong: no error, but a negative "loss". These
# are the old script's numbers. PyTorch's issue 60928 has them too: with logarithms, but
# with 0.1541 for 0.8541. That target adds up to 0.3, and the loss is negative again.
output = torch.tensor([[0.1132, 0.5477, 0.3390]])
target = torch.tensor([[0.8541, 0.0511, 0.0947]])
for x, first in ((output, 0.8541), (output.log(), 0.8541), (output.log(), 0.1541)):
    target[0, 0] = first
    print(f"target {first}: {divergence(x, target):.4f}")
# → target 0.8541: -0.6667
# → target 0.8541: 1.4841
# → target 0.1541: -0.1944

# %%
# ``"batchmean"`` takes the first dimension for the batch: a lone (C) is divided by C.
alone = divergence(q[0].log(), p[0])
check("no batch: a third", divergence(q[:1].log(), p[:1]) / 3, alone, **tight)
with refused(RuntimeError, "must match the size"):
    divergence(q.log(), p[:, :2])

# %%
# The picture
# -----------
# Two classes, target 0.7. Fed q, the lowest loss is a network that is sure: q = 1.
q = torch.linspace(0.01, 0.99, 197).requires_grad_()
both, target = torch.stack([q, 1 - q], dim=1), torch.tensor([[0.7, 0.3]]).expand(197, 2)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for x, style, name in ((both.log(), "C0-", "log q"), (both, "C3--", "q: a mistake")):
    loss = nn.KLDivLoss(reduction="none")(x, target).sum(dim=1)
    (gradient,) = torch.autograd.grad(loss.sum(), q, retain_graph=True)
    left.plot(q.detach(), loss.detach(), style, label=f"fed {name}")
    right.plot(q.detach(), gradient, style)
check("fed q: lowest at the end", 0.99, q[loss.argmin()])
left.set(title="0 where q = p, never below", ylabel="loss", ylim=(-1.6, 2))
right.set(title="fed q: the same push everywhere", ylabel="gradient", ylim=(-10, 10))
for ax in (left, right):
    ax.set(xlabel="q of the first class (p = 0.7)", xticks=[0, 0.35, 0.7, 1])
    ax.grid()
left.legend()
fig.savefig(RESULT / "loss_and_gradient.png")
