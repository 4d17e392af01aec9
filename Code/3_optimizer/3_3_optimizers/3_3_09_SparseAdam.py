r"""
3.3.9 SparseAdam · 稀疏 Adam
============================

Adam for embeddings: it moves the rows that were used, and touches no others.

For the rows in the gradient, and for those alone (:math:`t` counts all steps):

.. math::

   m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t \\
   v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \, g_t^2 \\
   w_t &= w_{t-1} - \eta \, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \,
          \frac{m_t}{\sqrt{v_t} + \epsilon}

:arguments: ``lr=1e-3``: :math:`\eta`, ``betas=(0.9, 0.999)``, ``eps=1e-8``,
            ``maximize=False``; no ``weight_decay``: it would touch all rows
:memory:    two buffers per weight, of *all* rows: only the work is sparse
:use it:    with ``nn.Embedding(..., sparse=True)`` and a large vocabulary. It takes
            sparse gradients only: other layers need another optimizer.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, descend, descend_by_hand, refused, result_dir

RESULT = result_dir(__file__)

# %%
# The update rule, by hand
# ------------------------
# Where :math:`\epsilon` stands is not as in Adam: there it is added after the
# correction of :math:`v`, here before. As long as it is tiny, nobody notices.


class SparseAdamByHand:
    """SparseAdam for one tensor of weights, (rows, ...)."""

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        self.lr, self.betas, self.eps, self.maximize = lr, betas, eps, maximize
        self.t, self.m, self.v = 0, None, None

    def step(self, w, g, rows=slice(None)):
        """Return the weights after one step against the gradient g of some rows."""
        if self.m is None:
            self.m, self.v = torch.zeros_like(w), torch.zeros_like(w)
        beta1, beta2 = self.betas
        g = -g if self.maximize else g
        self.t += 1
        self.m[rows] = beta1 * self.m[rows] + (1 - beta1) * g
        self.v[rows] = beta2 * self.v[rows] + (1 - beta2) * g**2
        size = self.lr * (1 - beta2**self.t) ** 0.5 / (1 - beta1**self.t)
        w = w.clone()
        w[rows] = w[rows] - size * self.m[rows] / (self.v[rows].sqrt() + self.eps)
        return w


# %%
# The same path as ``optim.SparseAdam``
# -------------------------------------
# 200 steps in Rosenbrock's valley, all weights in each gradient; the last walk climbs.
for kw in ({}, dict(betas=(0.5, 0.9)), dict(eps=10.0), dict(maximize=True)):
    by_hand = descend_by_hand(SparseAdamByHand(0.1, **kw).step)
    by_torch = descend(lambda w, kw=kw: optim.SparseAdam(w, 0.1, **kw), sparse=True)
    check(f"200 steps, {kw}", by_hand, by_torch)

# %%
# The first step: ``eps`` counts :math:`1 / \sqrt{1 - \beta_2}` = 32 times
# -------------------------------------------------------------------------
for eps in (1e-8, 1.0):
    for kind, there in ((optim.Adam, eps), (optim.SparseAdam, eps / 0.001**0.5)):
        w = nn.Parameter(torch.zeros(1))
        w.grad = torch.ones(1) if kind is optim.Adam else torch.ones(1).to_sparse()
        kind([w], lr=0.1, eps=eps).step()
        check(f"{kind.__name__}, eps {eps:g}: {w.item():.4f}", -0.1 / (1 + there), w[0])

# %%
# An embedding: only the words of the batch move
# ----------------------------------------------
# 200 batches of 4 of the first 600 words. Words that no batch had are as they were.
torch.manual_seed(0)
table = nn.Embedding(1000, 8, sparse=True)
before = table.weight.detach().clone()
optimizer = optim.SparseAdam(table.parameters(), lr=0.1)
by_hand, rule, seen = before.clone(), SparseAdamByHand(lr=0.1), set()
for _ in range(200):
    words = torch.randint(600, (4,)).unique()
    optimizer.zero_grad()
    (table(words) - 1).square().sum().backward()  # all words want to be 1
    optimizer.step()
    by_hand = rule.step(by_hand, 2 * (by_hand[words] - 1), words)
    seen.update(words.tolist())
check("200 batches by hand", by_hand, table.weight)
unseen = sorted(set(range(1000)) - seen)
check(f"{len(unseen)} words never seen", before[unseen], table.weight[unseen], 0, 0)

# %%
# Adam moves rows that it did not see
# -----------------------------------
# Adam's :math:`m` goes on pushing, for a while, a word that was in one batch.
moved = {}
for sparse, kind in ((False, optim.Adam), (True, optim.SparseAdam)):
    table = nn.Embedding.from_pretrained(torch.zeros(2, 1), False, sparse=sparse)
    optimizer = kind(table.parameters(), lr=0.1)
    path = moved[kind.__name__] = []
    for word in [0] + 29 * [1]:
        optimizer.zero_grad()
        table(torch.tensor([word])).sum().backward()
        optimizer.step()
        path.append(table.weight[0].item())
check("SparseAdam: one step, then none", torch.full((30,), -0.1), moved["SparseAdam"])
check_less("Adam: on to five times that", moved["Adam"][-1], -0.5)

# %%
# What is kept, and pitfalls
# --------------------------
kept = optimizer.state[table.weight]
print("kept:", list(kept), tuple(kept["exp_avg"].shape))
# → kept: ['step', 'exp_avg', 'exp_avg_sq'] (2, 1)
with refused(RuntimeError, "SparseAdam does not support dense gradients"):
    descend(lambda w: optim.SparseAdam(w), steps=1)
with refused(RuntimeError, "Adam does not support sparse gradients"):
    descend(lambda w: optim.Adam(w), steps=1, sparse=True)

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for name, path in moved.items():
    ax.plot([0, *path], ".-", label=name)
ax.set(xlabel="batch", ylabel="weight of word 0")
ax.set_title("word 0 is in the first batch only: Adam pushes on, SparseAdam stops")
ax.legend()
fig.savefig(RESULT / "a_rare_word.png")
