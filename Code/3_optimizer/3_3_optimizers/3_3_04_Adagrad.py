r"""
3.3.4 Adagrad · 自适应梯度
==========================

Each weight has its own learning rate: the common one divided by the length of all the
gradients that this weight has had.

.. math::

   g_t &\leftarrow g_t + \lambda w_{t-1} \\
   G_t &= G_{t-1} + g_t^2 \\
   w_t &= w_{t-1} - \frac{\eta}{1 + (t - 1) \, d} \, \frac{g_t}{\sqrt{G_t} + \epsilon}

:arguments: ``lr=0.01``: :math:`\eta`, ``lr_decay=0``: :math:`d`, ``weight_decay=0``:
            :math:`\lambda`, ``initial_accumulator_value=0``: :math:`G_0`,
            ``eps=1e-10``, ``maximize=False``
:memory:    one buffer per weight, :math:`G`, there before the first step
:use it:    where weights get gradients of very different frequency: embeddings of rare
            words. Deep networks want an average that forgets: RMSprop (lesson 3.3.6).
:source:    Duchi et al., *Adaptive Subgradient Methods for Online Learning and
            Stochastic Optimization*, 2011
"""

import sys
from pathlib import Path

import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import (
    check,
    check_less,
    descend,
    descend_by_hand,
    draw_paths,
    refused,
    result_dir,
    rosenbrock,
)

RESULT = result_dir(__file__)

# %%
# The update rule, by hand
# ------------------------
# The sum only grows, so the steps shrink by themselves; ``lr_decay`` shrinks them more.


class AdagradByHand:
    """Adagrad for one tensor of weights, of any shape."""

    def __init__(
        self,
        lr=0.01,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        maximize=False,
    ):
        self.lr, self.lr_decay, self.weight_decay = lr, lr_decay, weight_decay
        self.eps, self.maximize = eps, maximize
        self.t, self.sum = 0, initial_accumulator_value

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = (-g if self.maximize else g) + self.weight_decay * w
        lr = self.lr / (1 + self.t * self.lr_decay)
        self.t += 1
        self.sum = self.sum + g**2
        return w - lr * g / (self.sum.sqrt() + self.eps)


# %%
# The same path as ``optim.Adagrad``
# ----------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the last walk climbs, in the valley turned upside down. Its large ``eps`` would tell
# if it stood inside the root.
slower = dict(lr_decay=0.1, initial_accumulator_value=1000.0)
others = dict(eps=10.0, weight_decay=1.0, maximize=True)
for kw in ({}, slower | others):
    valley = (lambda w: -rosenbrock(w)) if "maximize" in kw else rosenbrock
    by_hand = descend_by_hand(AdagradByHand(lr=0.5, **kw).step, surface=valley)
    by_torch = descend(lambda w, kw=kw: optim.Adagrad(w, lr=0.5, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, by_torch)

# %%
# The first step, and what is kept
# --------------------------------
# The first step is ``lr`` long for every weight, whatever the gradient. ``eps`` stands
# outside the root: where it is as large as the gradient, the step is half as long.
for eps, steps in ((1e-10, [0.1, -0.1, -0.1]), (1.0, [0.0999001, -0.05, -0.0999001])):
    w = torch.nn.Parameter(torch.zeros(3))
    w.grad = torch.tensor([-1000.0, 1.0, 1000.0])
    optimizer = optim.Adagrad([w], lr=0.1, eps=eps)
    kept = [name for name, v in optimizer.state[w].items() if v.shape == w.shape]
    optimizer.step()
    check(f"gradients -1000, 1, 1000, eps {eps:g}", steps, w)
print("buffers, before any step:", kept)  # → buffers, before any step: ['sum']

# %%
# A rare weight keeps its learning rate
# -------------------------------------
# Under a steady gradient the k-th step is lr / √k. Only gradients count, not time: a
# word met four times in a hundred batches has taken its four longest steps.
w = torch.nn.Parameter(torch.zeros(2))
optimizer = optim.Adagrad([w], lr=1)
for batch in range(100):
    w.grad = torch.tensor([1.0, float(batch % 25 == 0)])
    optimizer.step()
lengths = 1 / torch.arange(1, 101).sqrt()
check("100 gradients, and 4", -torch.stack([lengths.sum(), lengths[:4].sum()]), w)

# %%
# Pitfall: weight decay and sparse gradients
# ------------------------------------------
# A sparse gradient, as of ``nn.Embedding(sparse=True)``, has entries for used weights
# only; weight decay would have to move the others too.
w = torch.nn.Parameter(torch.zeros(3))
w.grad = torch.tensor([0.0, 5.0, 0.0]).to_sparse()
with refused(RuntimeError, "weight_decay option is not compatible with sparse"):
    optim.Adagrad([w], weight_decay=0.1).step()

# %%
# Pitfall and picture: it never forgets
# -------------------------------------
# The start is on a steep wall. RMSprop divides by an average that forgets, and goes on
# along the floor; Adagrad has no speed left.
make = {
    "Adagrad, lr 0.4": lambda w: optim.Adagrad(w, 0.4),
    "RMSprop, lr 0.02": lambda w: optim.RMSprop(w, 0.02, alpha=0.9),
}
walks = {name: descend(make[name], start=(-1.6, -1)) for name in make}
late = [(path[-1] - path[100]).norm() for path in walks.values()]
check_less("the last 100 steps: Adagrad stops, RMSprop goes on", 4 * late[0], late[1])
title = "Adagrad comes down a wall and stops: what was steep once stays in its sum"
draw_paths(walks, title, RESULT / "never_forgets.png")
