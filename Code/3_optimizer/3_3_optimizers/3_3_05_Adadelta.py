r"""
3.3.5 Adadelta · 自适应学习率
=============================

Steps as long as the recent steps were, whatever the scale of the loss: a rule that was
meant to need no learning rate.

.. math::

   g_t &\leftarrow g_t + \lambda w_{t-1} \\
   v_t &= \rho \, v_{t-1} + (1 - \rho) \, g_t^2 \\
   \Delta_t &= \frac{\sqrt{u_{t-1} + \epsilon}}{\sqrt{v_t + \epsilon}} \, g_t \\
   u_t &= \rho \, u_{t-1} + (1 - \rho) \, \Delta_t^2 \\
   w_t &= w_{t-1} - \eta \, \Delta_t

:arguments: ``lr=1.0``: :math:`\eta`, ``rho=0.9``, ``eps=1e-6``, ``weight_decay=0``:
            :math:`\lambda`, ``maximize=False``
:memory:    two buffers per weight, :math:`v` and :math:`u`
:use it:    to reproduce old results. On a new problem take Adam (lesson 3.3.7): the
            pace that is hidden in ``eps`` here is its plain ``lr``.
:source:    Zeiler, *ADADELTA: An Adaptive Learning Rate Method*, 2012
"""

import sys
from pathlib import Path

import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, descend, descend_by_hand, draw_paths, result_dir, rosenbrock

RESULT = result_dir(__file__)

# %%
# The update rule, by hand
# ------------------------
# The root mean square of the steps stands over that of the gradients. Both begin at
# zero: without :math:`\epsilon` inside the upper root nothing would ever move.


class AdadeltaByHand:
    """Adadelta for one tensor of weights, of any shape."""

    def __init__(self, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.weight_decay, self.maximize = weight_decay, maximize
        self.v, self.u = 0.0, 0.0

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = (-g if self.maximize else g) + self.weight_decay * w
        self.v = self.rho * self.v + (1 - self.rho) * g**2
        delta = ((self.u + self.eps) / (self.v + self.eps)).sqrt() * g
        self.u = self.rho * self.u + (1 - self.rho) * delta**2
        return w - self.lr * delta


# %%
# The same path as ``optim.Adadelta``
# -----------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the first walk climbs, in the valley turned upside down. Its large ``eps`` would tell
# if it stood outside the roots.
others = dict(lr=0.001, rho=0.5, eps=10.0, weight_decay=1.0, maximize=True)
for kw in (others, {}):
    valley = (lambda w: -rosenbrock(w)) if "maximize" in kw else rosenbrock
    by_hand = descend_by_hand(AdadeltaByHand(**kw).step, surface=valley)
    path = descend(lambda w, kw=kw: optim.Adadelta(w, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, path)

# %%
# The first step, and what is kept
# --------------------------------
# The first step is :math:`\sqrt{\epsilon / (1 - \rho)}` long for every weight whose
# gradient is not tiny: 0.00316 by default. Where :math:`(1 - \rho) g^2` is as small as
# :math:`\epsilon`, it is shorter by √2: both stand in one root.
w = torch.nn.Parameter(torch.zeros(3))
w.grad = torch.tensor([-1000.0, 1000.0, 1e-5**0.5])
optimizer = optim.Adadelta([w])
optimizer.step()
length = (1e-6 / 0.1) ** 0.5
by_hand = [length, -length, -length / 2**0.5]
check("the first step: √(eps / (1 - rho))", by_hand, w, atol=1e-8)
kept = [name for name, v in optimizer.state[w].items() if v.shape == w.shape]
print("buffers:", kept)  # → buffers: ['square_avg', 'acc_delta']

# %%
# The scale of the loss does not matter
# -------------------------------------
# A valley a thousand times as deep: the gradients grow, their root mean square too.
deep = descend(optim.Adadelta, surface=lambda w: 1000 * rosenbrock(w))
check("1000 times as deep: the same path", path, deep, atol=1e-3)

# %%
# Pitfall: a learning rate from another optimizer
# -----------------------------------------------
# ``lr`` multiplies steps that are short at first and grow slowly. Leave it at 1.
other = descend(lambda w: optim.Adadelta(w, lr=0.01))
for lr, walk in ((1, path), (0.01, other)):
    print(f"lr {lr}: {walk.diff(dim=0).norm(dim=1).sum():.3f} walked")
# → lr 1: 0.423 walked
# → lr 0.01: 0.013 walked

# %%
# The picture
# -----------
# Pitfall: ``eps`` is no detail here. It sets the first step, from which the others
# grow: it is the learning rate that Adadelta claims not to have.
walks = {
    "eps 1e-4": descend(lambda w: optim.Adadelta(w, eps=1e-4)),
    "eps 1e-6": path,
    "eps 1e-8": descend(lambda w: optim.Adadelta(w, eps=1e-8)),
}
title = "200 steps of Adadelta, lr 1: eps sets the pace"
draw_paths(walks, title, RESULT / "eps.png", box=(-1.7, 1.5, -0.6, 1.8))
