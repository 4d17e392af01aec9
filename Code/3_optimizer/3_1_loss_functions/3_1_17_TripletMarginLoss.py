r"""
3.1.17 TripletMarginLoss · 三元组损失
=====================================

Of three vectors, an anchor a, a positive p of its kind and a negative n of another, the
positive shall be closer to the anchor than the negative, by a margin.

.. math:: \ell = \max(0, \, d(a, p) - d(a, n) + \text{margin}), \quad
          d(u, v) = \lVert u - v + \epsilon \rVert_p

:signature: ``TripletMarginLoss(margin=1.0, p=2.0, eps=1e-6, swap=False, …,
            reduction="mean")``; no weights
:input:   anchors, positives, negatives, (N, D) each, or (D)
:target:  none: the place among the three arguments says it
:p:       which norm, not the positive: 2 the straight line, 1 steps along the axes
:eps:     a small number that is added to each difference
:swap:    take for d(a, n) the smaller one of d(a, n) and d(p, n)
:returns: a scalar (``reduction="mean"``, ``"sum"``), or (N) (``"none"``)
:use it:  where there are too many classes for an output each, or new ones come later:
          faces, products. The network learns what is alike.
:the notes: an empty section; a list has it as ``TripleMarginLoss`` and asks what it is
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1). A
          margin of 0 or less was accepted.
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
# The loss of three triplets
# --------------------------
# The positive is 5 away. A negative 10 away is easy; one 5.5 away is further off, but
# within the margin; one 1 away is hard, and costs the 4 by which it is closer, plus 1.
anchor, positive = torch.zeros(3, 2), torch.tensor([[3.0, 4.0]] * 3)
negative = torch.tensor([[6.0, 8.0], [0.0, 5.5], [1.0, 0.0]])
loss = nn.TripletMarginLoss(reduction="none")(anchor, positive, negative)
print(loss)  # → tensor([0.0000, 0.5000, 5.0000])

# %%
# By hand
# -------
# The mean divides by all triplets, also by the easy ones, which teach nothing.


def distance(u, v, p=2.0, eps=1e-6):
    """Return the distances (N) of vectors u and v, (N, D)."""
    return (u - v + eps).abs().pow(p).sum(1).pow(1 / p)


def triplet_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False):
    """Return the losses (N) of anchors, positives and negatives, (N, D) each."""
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, distance(positive, negative, p, eps))
    return (near - far + margin).clamp(min=0)


a, p, n = anchor.double(), positive.double(), negative.double()
arguments = ({}, {"margin": 6.0}, {"p": 1.0}, {"p": 3.0}, {"eps": 0.1}, {"swap": True})
for settings in arguments:
    by_hand = triplet_loss(a, p, n, **settings)
    expected = {"none": by_hand, "sum": by_hand.sum(), "mean": by_hand.sum() / 3}
    for how, value in expected.items():
        loss = nn.TripletMarginLoss(reduction=how, **settings)(a, p, n)
        check(f"{how}, {settings or 'default'}", value, loss, rtol=1e-10)

# %%
# ``swap`` sees that the first negative, 10 from the anchor, is 5 from the positive.
# Without it the loss is MarginRankingLoss (lesson 3.1.9) of the two distances.
loss = nn.TripletMarginLoss(swap=True, reduction="none")(anchor, positive, negative)
print("swap:", loss)  # → swap: tensor([1.0000, 2.6459, 5.0000])
ranking = nn.MarginRankingLoss(1.0)(distance(a, n), distance(a, p), torch.ones(3))
check("MarginRankingLoss", ranking, nn.TripletMarginLoss()(a, p, n), rtol=1e-10)

# %%
# The gradient
# ------------
# Unless the triplet is easy, the positive is drawn straight to the anchor, the negative
# driven straight away, each with a pull of 1; the anchor gets the opposite of both.
to_p, to_n = [(a - v + 1e-6) / distance(a, v)[:, None] for v in (p, n)]
active = torch.tensor([[0.0], [1.0], [1.0]])
vectors = [v.requires_grad_() for v in (a, p, n)]
nn.TripletMarginLoss(reduction="sum")(*vectors).backward()
by_hand = [active * g for g in (to_p - to_n, -to_p, to_n)]
check("gradient: anchor, positive, negative", by_hand, [v.grad for v in vectors])

# %%
# Pitfalls that do not raise
# --------------------------
# A network that maps everything to one point has collapsed, and pays the margin for
# ever. With positive and negative exchanged, the hard triplet costs nothing.
print(nn.TripletMarginLoss(margin=0.3)(*torch.ones(3, 4, 2)))  # → tensor(0.3000)
loss = nn.TripletMarginLoss(reduction="none")(anchor, negative, positive)
print("exchanged:", loss)  # → exchanged: tensor([6.0000, 1.5000, 0.0000])

# %%
# Pitfalls that raise
# -------------------
with refused(ValueError, "expected margin to be greater than 0, got 0"):
    nn.TripletMarginLoss(margin=0)
with refused(RuntimeError, "expected to have the same number of dimensions"):
    nn.TripletMarginLoss()(anchor, positive, negative[0])
with refused(AttributeError, "no attribute 'TripleMarginLoss'"):
    nn.TripleMarginLoss()

# %%
# The picture
# -----------
loss_of, levels = nn.TripletMarginLoss(reduction="none"), [1e-3, *range(1, 12)]
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
near, far = torch.meshgrid(torch.arange(11.0), torch.arange(11.0), indexing="xy")
losses = loss_of(torch.zeros(11, 11, 1), near[..., None], far[..., None])
left.contourf(near, far, losses, levels, cmap="Reds")
for place, name in ((9, "easy"), (5.5, "within the margin"), (1, "hard")):
    left.plot(5, place, "ko")
    left.text(4.7, place, name, ha="right", va="center")
left.set(title="it costs what the lead lacks of 1", ylabel="anchor to negative")
left.set_xlabel("anchor to positive")
grid = torch.cartesian_prod(*[torch.linspace(-8, 8, 129)] * 2).requires_grad_()
losses = loss_of(torch.zeros_like(grid), positive[:1].expand_as(grid), grid)
pull = -torch.autograd.grad(losses.sum(), grid)[0]
x, y, u, v, z = torch.column_stack([grid, pull, losses]).detach().T.reshape(5, 129, 129)
image = right.contourf(x, y, z, levels, cmap="Reds")
right.quiver(*[each[8::16, 8::16] for each in (x, y, u, v)], scale=12, minlength=0)
right.plot([0, 3], [0, 4], "bo")
right.text(0.4, 0, "anchor", color="b")
right.text(3.4, 4, "positive", color="b")
right.set(title="a negative is driven out", aspect="equal")
fig.colorbar(image, label="loss", ticks=range(12))
fig.savefig(RESULT / "loss_and_pull.png")
