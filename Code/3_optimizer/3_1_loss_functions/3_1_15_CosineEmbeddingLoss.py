r"""
3.1.15 CosineEmbeddingLoss · 余弦相似度的损失
=============================================

Turns two vectors towards each other if they belong together (:math:`y = 1`), and away
from each other if not (:math:`y = -1`). Only the angle between them counts.

.. math:: \ell = \begin{cases} 1 - \cos(a, b) & y = 1 \\
          \max(0, \cos(a, b) - \text{margin}) & y = -1 \end{cases}

:signature: ``CosineEmbeddingLoss(margin=0.0, …, reduction="mean")``; no weights
:input:   two batches of vectors, (N, D) each, or two vectors, (D)
:target:  (N), or () for two vectors: +1 same, -1 different; of any number type
:margin:  the cosine up to which a different pair costs nothing, from -1 to 1
:returns: a scalar (``reduction="mean"``, ``"sum"``), or (N) (``"none"``)
:use it:  for embeddings (vectors that a network gives for faces, texts, users) that are
          compared by their angle, where the length means nothing
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
# The loss of three pairs
# -----------------------
# The vectors are 5 long, so their cosine is the inner product over 25: 24/25, 24/25, 0.
a = torch.tensor([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0]])
b = torch.tensor([[4.0, 3.0], [4.0, 3.0], [-4.0, 3.0]])
target = torch.tensor([1, -1, -1])
loss = nn.CosineEmbeddingLoss(reduction="none")(a, b, target)
print(loss)  # → tensor([0.0400, 0.9600, 0.0000])

# %%
# By hand
# -------


def cosine_embedding_by_hand(a, b, y, margin=0.0):
    """Return the losses (N) of vectors a and b, (N, D), and targets y, (N), ±1."""
    lengths = (a.square().sum(1) * b.square().sum(1)).sqrt()
    cosine = (a * b).sum(1) / lengths
    return torch.where(y == 1, 1 - cosine, (cosine - margin).clamp(min=0))


a, b = a.double(), b.double()
for margin in (0.0, 0.5, -0.5):
    by_hand = cosine_embedding_by_hand(a, b, target, margin)
    expected = {"none": by_hand, "sum": by_hand.sum(), "mean": by_hand.sum() / 3}
    for how, value in expected.items():
        loss = nn.CosineEmbeddingLoss(margin, reduction=how)(a, b, target)
        check(f"margin {margin}, {how}", value, loss, rtol=1e-10)

# %%
# The mean divides by all pairs, those that cost nothing too. For pairs that belong
# together the loss is half the squared distance of the vectors made 1 long.
a_hat, b_hat = nn.functional.normalize(a), nn.functional.normalize(b)
loss = nn.CosineEmbeddingLoss(reduction="none")(a, b, torch.ones(3))
check("|a-b|² / 2, at length 1", (a_hat - b_hat).square().sum(1) / 2, loss, rtol=1e-10)

# %%
# The gradient
# ------------
# :math:`\partial \cos / \partial a = (\hat b - \hat a \cos) / |a|`, with hats for
# vectors made 1 long. It stands at a right angle to a: the loss turns a vector.
cosine = torch.tensor([[0.96], [0.96], [0.0]], dtype=torch.float64)
toward_b = (b_hat - a_hat * cosine) / 5
a.requires_grad_()
nn.CosineEmbeddingLoss(-0.5, reduction="sum")(a, b, target).backward()
by_hand = torch.tensor([[-1.0], [1.0], [1.0]]) * toward_b  # towards b, away, away
check("gradient", by_hand, a.grad, rtol=1e-10)
check("at a right angle to a", torch.zeros(3), (a * a.grad).sum(1), atol=1e-12)

# %%
# Pitfalls that do not raise
# --------------------------
# Targets 0 and 1: a 0 costs nothing at any angle. All that should be apart is ignored.
# One target for a batch, which is taken for every pair, is not refused either.
loss = nn.CosineEmbeddingLoss(reduction="none")(a, b, torch.tensor([0, 0, 0]))
check("target 0", [0.0, 0.0, 0.0], loss.tolist())
loss = nn.CosineEmbeddingLoss(reduction="none")(a, b, torch.tensor([1]))
check("one target", cosine_embedding_by_hand(a, b, torch.ones(3)), loss)

# %%
# Opposite vectors that belong together: the highest loss, 2, and no gradient.
x = torch.tensor([[3.0, 4.0]], dtype=torch.float64, requires_grad=True)
loss = nn.CosineEmbeddingLoss()(x, -x.detach(), torch.tensor([1]))
loss.backward()
check("loss 2, gradient 0", [2.0, 0.0], [loss, x.grad.norm()])

# %%
# A vector of zeros has no angle. It counts as cosine 0, with a gradient a million long:
# 1e-12 is added to each squared length.
x = torch.zeros(1, 2, requires_grad=True)
loss = nn.CosineEmbeddingLoss()(x, torch.tensor([[3.0, 4.0]]), torch.tensor([1]))
loss.backward()
print(f"loss {loss:.1f}, gradient {x.grad.norm():.0e}")  # → loss 1.0, gradient 1e+06

# %%
# Pitfalls that raise
# -------------------
with refused(RuntimeError, "0D or 1D target tensor expected, multi-target not support"):
    nn.CosineEmbeddingLoss()(a, b, target[:, None])
with refused(RuntimeError, "1D target tensor expects 2D input tensors"):
    nn.CosineEmbeddingLoss()(a[0], b[0], torch.tensor([1]))

# %%
# The picture
# -----------
angle = torch.linspace(0.001, math.pi - 0.001, 400, requires_grad=True)
turned = torch.stack([angle.cos(), angle.sin()], dim=1)
fixed = torch.tensor([[1.0, 0.0]]).expand(400, 2)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for y, margin, style in ((1, 0.0, "tab:blue"), (-1, 0.0, "tab:red"), (-1, 0.5, "k--")):
    loss_of = nn.CosineEmbeddingLoss(margin, reduction="none")
    losses = loss_of(fixed, turned, torch.full((400,), y))
    (slope,) = torch.autograd.grad(losses.sum(), angle, retain_graph=True)
    label = "target 1" if y == 1 else f"target -1, margin {margin}"
    left.plot(angle.detach().rad2deg(), losses.detach(), style, label=label)
    right.plot(angle.detach().rad2deg(), slope, style)
left.set(title="the loss depends on the angle alone", ylabel="loss")
right.set(title="no pull where it is worst: 0° and 180°", ylabel="gradient")
for ax in (left, right):
    ax.set(xlabel="angle between the vectors, degrees", xticks=range(0, 181, 45))
left.legend()
fig.savefig(RESULT / "loss_and_gradient.png")
