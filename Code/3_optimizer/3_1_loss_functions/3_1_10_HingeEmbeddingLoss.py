r"""
3.1.10 HingeEmbeddingLoss · 合页嵌入损失
========================================

Pull what belongs together to distance 0, push what does not beyond a margin :math:`m`.
Here :math:`x` is the distance between two things:

.. math:: \ell_i = \begin{cases} x_i & y_i = 1 \\
          \max(0, \; m - x_i) & y_i = -1 \end{cases}

:signature: ``HingeEmbeddingLoss(margin=1.0, …, reduction="mean")``
:input:   distances, 0 or more, any shape; you compute them, of two embeddings, say
:target:  same shape: 1 for alike, -1 for different
:returns: a scalar (``reduction="mean"``, ``"sum"``), or the input's shape (``"none"``)
:use it:  on pairs of which you know only whether they belong together: faces,
          signatures, two versions of one document
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
# Four distances
# --------------
# Two pairs that belong together, two that do not; one of each near, the other far.
distance = torch.tensor([0.2, 1.2, 0.6, 1.5])
target = torch.tensor([1, 1, -1, -1])

loss = nn.HingeEmbeddingLoss(reduction="none")(distance, target)
print("element-wise:", loss)  # → element-wise: tensor([0.2000, 1.2000, 0.4000, 0.0000])

# %%
# By hand
# -------


def hinge_embedding_by_hand(x, y, margin=1.0):
    """Return the loss of each distance x; y is 1 (alike) or -1 (different)."""
    return torch.where(y == 1, x, (margin - x).clamp(min=0))


by_hand = hinge_embedding_by_hand(distance, target)
check("element-wise: x, or max(0, 1 - x)", by_hand, loss)
mean = nn.HingeEmbeddingLoss()(distance, target)
check("mean (the default): over alike and different", by_hand.sum() / 4, mean)
check("sum", by_hand.sum(), nn.HingeEmbeddingLoss(reduction="sum")(distance, target))

# %%
# ``margin``: how far apart is far enough, in the unit of your distance.
for margin in (0.1, 2.0):
    loss = nn.HingeEmbeddingLoss(margin, reduction="none")(distance, target)
    by_hand = hinge_embedding_by_hand(distance, target, margin)
    check(f"margin {margin}", by_hand, loss)

# %%
# The gradient
# ------------
# 1 for alike, at any distance; -1 for different, within the margin; 0 beyond.
x = distance.clone().requires_grad_()
nn.HingeEmbeddingLoss(reduction="sum")(x, target).backward()
check("gradient", [1.0, 1.0, -1.0, 0.0], x.grad)

# %%
# Through the distance it reaches the embeddings: a different one that stands too near
# moves straight away.
a = torch.tensor([[0.0, 0.0]], requires_grad=True)
b = torch.tensor([[0.3, 0.4]])
pair = torch.linalg.vector_norm(a - b, dim=1)  # 0.5
nn.HingeEmbeddingLoss()(pair, torch.tensor([-1])).backward()
check("a step down leads away from b", (a - b).detach() / pair, -a.grad)

# %%
# CosineEmbeddingLoss is this loss
# --------------------------------
# With 1 - cos for the distance, and 1 - m for the margin (lesson 3.1.15).
torch.manual_seed(0)
a, b = torch.randn(2, 6, 3, dtype=torch.float64)
y = torch.tensor([1, -1, 1, -1, -1, 1])
angular = 1 - nn.functional.cosine_similarity(a, b)
hinge = nn.HingeEmbeddingLoss(margin=1 - 0.2, reduction="none")(angular, y)
cosine = nn.CosineEmbeddingLoss(margin=0.2, reduction="none")(a, b, y)
check("CosineEmbedding = HingeEmbedding(1 - cos)", hinge, cosine, rtol=1e-10, atol=0)

# %%
# Pitfalls that do not raise
# --------------------------
# A target of 0 where -1 belongs adds both terms. What should move apart is not moved
# within the margin, and pulled together beyond it.
x = torch.tensor([0.2, 1.5], requires_grad=True)
loss = nn.HingeEmbeddingLoss(reduction="none")(x, torch.zeros(2))
loss.sum().backward()
check("target 0: x + max(0, 1 - x)", [1.0, 1.5], loss)
check("target 0: the gradient", [0.0, 1.0], x.grad)

# %%
# A score or a similarity is no distance: below 0, the loss is negative, without end.
score = nn.HingeEmbeddingLoss()(torch.tensor([-50.0]), torch.tensor([1]))
print(f"score -50: {score:.0f}")  # → score -50: -50

# %%
# (4, 1) against (4) broadcasts: each distance with each target, 16 losses.
column = nn.HingeEmbeddingLoss()(distance[:, None], target)
print(f"right {mean:.4f}, broadcast {column:.4f}")  # → right 0.4500, broadcast 0.5875

# %%
# Pitfalls that raise
# -------------------
# Sizes that do not fit, and whole numbers for distances (by the mean alone).
with refused(RuntimeError, "must match the size of tensor b (4)"):
    nn.HingeEmbeddingLoss()(distance, target[:3])
with refused(RuntimeError, "must be either a floating point or complex dtype"):
    nn.HingeEmbeddingLoss()(torch.tensor([1, 2, 3, 4]), target)

# %%
# The picture
# -----------
x = torch.linspace(0, 2, 401)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for y, color, label in ((1, "tab:blue", "alike"), (-1, "tab:red", "different")):
    left.plot(x, hinge_embedding_by_hand(x, torch.tensor(y)), color=color)
    slope = torch.ones(401) if y == 1 else -1.0 * (x < 1)
    right.plot(x, slope, color=color, label=f"target {y}: {label}")
left.set(title="alike: be near; different: be beyond 1", ylabel="loss")
right.set(title="pull, push, or leave alone", ylabel="gradient", ylim=(-1.3, 1.3))
for ax in (left, right):
    ax.axvline(1, color="0.6", lw=1, ls="dashed")
fig.supxlabel("distance (margin 1)", fontsize="medium")
right.legend(loc="center right", bbox_to_anchor=(1, 0.69))
fig.savefig(RESULT / "loss_and_gradient.png")
