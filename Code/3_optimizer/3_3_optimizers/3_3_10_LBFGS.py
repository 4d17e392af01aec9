r"""
3.3.10 LBFGS · 有限内存拟牛顿法
===============================

Learn from the last steps how the gradient changes along the way, and head for where it
will be zero: Newton's step without second derivatives.

.. math::

   s &= w_k - w_{k-1}, \quad y = g_k - g_{k-1}, \quad y \cdot s > 10^{-10} \\
   d_k &= -H_k\, g_k \quad \text{with } H_k\, y = s \text{ for the last pair} \\
   w_{k+1} &= w_k + t\, d_k, \quad t = \eta, \text{ at first } \eta \min(1, 1 / |g|_1)

:arguments: ``lr=1``: :math:`\eta`, ``max_iter=20, max_eval=max_iter * 5 // 4``,
            ``tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100``,
            ``line_search_fn=None`` or ``"strong_wolfe"``
:memory:    up to 2 ``history_size`` + 2 numbers per weight: 202 by default
:use it:    with ``strong_wolfe``, for a smooth loss that is the same at every call:
            small problems, in one batch. ``step`` wants a closure (lesson 3.2.6).
:source:    Nocedal, *Updating Quasi-Newton Matrices with Limited Storage*, 1980
"""

import sys
from functools import partial
from pathlib import Path

import torch
from torch.optim import LBFGS

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir
from utils.surface import descend, descend_by_hand, draw_paths, rosenbrock

RESULT = result_dir(__file__)

# %%
# The update rule, by hand
# ------------------------
# :math:`H` is never written down: one loop goes back over the pairs, one forth.


class LBFGSByHand:
    """The inner steps of LBFGS without line search, for one tensor of any shape."""

    def __init__(
        self, lr=1.0, history_size=100, tolerance_grad=1e-7, tolerance_change=1e-9
    ):
        self.lr, self.history_size = lr, history_size
        self.enough = tolerance_grad, tolerance_change
        self.pairs, self.scale, self.last = [], 1.0, None

    def direction(self, w, g):
        """Remember the way from the last weights, return the direction from here."""
        w, q = w.flatten(), -g.flatten()
        if self.last is not None:
            s, y = w - self.last[0], self.last[1] - q
            if (ys := y @ s) > 1e-10:
                self.pairs = [*self.pairs, (s, y, ys)][-self.history_size :]
                self.scale = ys / (y @ y)
        self.last, shares = (w, q), []
        for s, y, ys in reversed(self.pairs):
            shares.append(s @ q / ys)
            q = q - shares[-1] * y
        q = self.scale * q
        for s, y, ys in self.pairs:
            q = q + (shares.pop() - y @ q / ys) * s
        return q.reshape(g.shape)

    def step(self, w, g):
        """Return the weights after one inner step against the gradient g."""
        t = self.lr * (1 if self.last else min(1, 1 / g.abs().sum()))
        d = self.direction(w, g)
        enough = g.abs().max() <= self.enough[0] or (g * d).sum() > -self.enough[1]
        return w if enough else w + t * d


# %%
# The same path as ``optim.LBFGS``
# --------------------------------
# ``max_iter=1`` shows every inner step. From a hilltop the slope grows on the way down:
# such pairs would turn :math:`d` up, and are left out.
inner = partial(LBFGS, max_iter=1)
tolerances = {"tolerance_grad": 3.0, "tolerance_change": 0.1}
for key, value in {**tolerances, "history_size": 2, "lr": 1.0}.items():
    settings = {"lr": 0.5, "history_size": 20, key: value}
    by_hand = descend_by_hand(LBFGSByHand(**settings).step)
    path = descend(partial(inner, **settings))
    check(f"{settings}: 200 steps", by_hand, path, atol=1e-5)
check("at first all weights move lr in all", 1.0, path.diff(dim=0)[0].abs().sum())
hill = {"start": (0.3, 0.5), "surface": lambda w: w.cos().sum(), "steps": 3}
down = descend_by_hand(LBFGSByHand().step, **hill)
check("down from a hilltop", down, descend(inner, **hill))

# %%
# One ``step`` is many
# --------------------
# It ends after ``max_iter`` inner steps; after ``max_eval`` calls of the closure, one
# before any step, so that ``max_iter=3`` with 3 calls makes 2; or when gradient,
# slope, step or change of the loss is within its tolerance.
ends = [(20, {}), (5, {"max_iter": 5}), (6, {"max_eval": 7}), (2, {"max_iter": 3})]
still = path.diff(dim=0).abs().amax(dim=1) <= 0.005
ends.append((int(still.nonzero()[0]) + 1, {"tolerance_change": 0.005}))
for n, settings in ends:
    reached = descend(partial(LBFGS, **settings), steps=1)[1]
    check(f"{settings}: {n} inner steps", path[n], reached, atol=1e-5)

# %%
# ``strong_wolfe`` searches along :math:`d`
# -----------------------------------------
# It takes a :math:`t` where the loss falls by a 10,000th of what the slope promises, or
# more, and at most 0.9 of the slope is left.
wolfe = descend(partial(inner, line_search_fn="strong_wolfe", max_eval=30), steps=30)
heights = rosenbrock(w := wolfe.double().requires_grad_())
(g,) = torch.autograd.grad(heights.sum(), w)
steps = w.diff(dim=0)
slope, left = (g[:-1] * steps).sum(dim=1), (g[1:] * steps).sum(dim=1)
check_less("the loss falls", heights.diff(), 1e-4 * slope)
check_less("the slope that is left", left.abs() / slope.abs(), 0.9)
d = torch.stack([*map(LBFGSByHand().direction, w, g)])
check("along d", torch.ones(30), torch.cosine_similarity(d[:-1], steps), 0, 1e-9)
end = descend(partial(LBFGS, max_iter=99, line_search_fn="strong_wolfe"), steps=1)[1]
check("one step reaches the minimum", torch.ones(2), end, atol=1e-4)

# %%
# What it remembers, and a pitfall: one group only
# ------------------------------------------------
# Five pairs, the last gradient and the last direction, all shaped like the weights.
made = []
descend(lambda w: made.append(LBFGS(w, 0.5, history_size=5)) or made[0], steps=2)
(state,) = made[0].state.values()
kept = [v for b in state.values() for v in (b if isinstance(b, list) else [b])]
print([torch.is_tensor(v) and v.shape for v in kept].count((2,)))  # → 12
with refused(ValueError, "doesn't support per-parameter options"):
    LBFGS([{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)]}])

# %%
# The picture
# -----------
paths = {"lr=1": descend(inner, steps=30), "lr=1, strong_wolfe": wolfe}
draw_paths(paths, "Without a search LBFGS leaps about", RESULT / "paths.png")
