r"""
3.3.6 RMSprop · 均方根传播
==========================

Each weight's gradient is divided by its own recent root mean square: Adagrad with a
memory that fades.

.. math::

   g_t &\leftarrow g_t + \lambda w_{t-1} \\
   v_t &= \alpha \, v_{t-1} + (1 - \alpha) \, g_t^2 \\
   b_t &= \mu \, b_{t-1} + \frac{g_t}{\sqrt{v_t} + \epsilon} \\
   w_t &= w_{t-1} - \eta \, b_t

With ``centered`` the root is :math:`\sqrt{v_t - m_t^2}`, where
:math:`m_t = \alpha \, m_{t-1} + (1 - \alpha) \, g_t`: the variance of the gradient.

:arguments: ``lr=0.01``: :math:`\eta`, ``alpha=0.99``, ``eps=1e-8``,
            ``weight_decay=0``: :math:`\lambda`, ``momentum=0``: :math:`\mu`,
            ``centered=False``, ``maximize=False``
:memory:    one buffer per weight; ``momentum`` and ``centered`` take one more each
:use it:    for recurrent networks and in reinforcement learning, by habit; elsewhere
            Adam (lesson 3.3.7), which mends its first steps
:source:    Tieleman and Hinton, *Neural Networks for Machine Learning*, lecture 6.5,
            2012; centered: Graves, 2013
"""

import sys
from pathlib import Path

import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, descend, descend_by_hand, draw_paths, result_dir
from utils.surface import rosenbrock

RESULT = result_dir(__file__)

# %%
# The update rule, by hand
# ------------------------


class RMSpropByHand:
    """RMSprop for one tensor of weights, of any shape."""

    def __init__(
        self,
        lr=0.01,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        maximize=False,
    ):
        self.lr, self.alpha, self.eps, self.momentum = lr, alpha, eps, momentum
        self.weight_decay, self.centered = weight_decay, centered
        self.maximize = maximize
        self.v, self.m, self.b = 0.0, 0.0, 0.0

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = (-g if self.maximize else g) + self.weight_decay * w
        self.v = self.alpha * self.v + (1 - self.alpha) * g**2
        self.m = self.alpha * self.m + (1 - self.alpha) * g
        variance = self.v - self.m**2 if self.centered else self.v
        self.b = self.momentum * self.b + g / (variance.sqrt() + self.eps)
        return w - self.lr * self.b


# %%
# The same path as ``optim.RMSprop``
# ----------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the last walk climbs, in the valley turned upside down. Its large ``eps`` would tell
# if it stood inside the root.
others = dict(alpha=0.8, eps=10.0, weight_decay=1.0, maximize=True)
for kw in ({}, dict(momentum=0.9), dict(centered=True, eps=0.1), others):
    valley = (lambda w: -rosenbrock(w)) if "maximize" in kw else rosenbrock
    by_hand = descend_by_hand(RMSpropByHand(**kw).step, surface=valley)
    by_torch = descend(lambda w, kw=kw: optim.RMSprop(w, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, by_torch)

# %%
# Pitfall: the first step is ten times ``lr``
# -------------------------------------------
# The mean square begins at zero and has only a hundredth of the first gradient's square
# in it: the step is :math:`\eta / \sqrt{1 - \alpha}` long. Adam corrects for that.
for alpha, length in ((0.99, 0.1), (0.9, 0.01 / 0.1**0.5)):
    w = torch.nn.Parameter(torch.zeros(3))
    w.grad = torch.tensor([-1000.0, 1.0, 1000.0])
    optimizer = optim.RMSprop([w], lr=0.01, alpha=alpha)
    optimizer.step()
    check(f"alpha {alpha}: {length:.4f}", [length, -length, -length], w)

# %%
# What is kept
# ------------
for kw in ({}, dict(momentum=0.9, centered=True)):
    optimizer = optim.RMSprop([w], **kw)
    optimizer.step()
    print([name for name, v in optimizer.state[w].items() if v.shape == w.shape])
# → ['square_avg']
# → ['square_avg', 'momentum_buffer', 'grad_avg']

# %%
# Pitfall: ``centered`` divides by next to nothing
# ------------------------------------------------
# Under a steady gradient the variance goes to zero: after 500 steps a step is 0.124
# long, where plain RMSprop's is 0.010.
moved = {}
for centered in (False, True):
    w = torch.nn.Parameter(torch.zeros(1))
    optimizer = optim.RMSprop([w], lr=0.01, centered=centered)
    for _ in range(500):
        before = w.item()
        w.grad = torch.ones(1)
        optimizer.step()
    moved[centered] = before - w.item()
faded = 0.99**500  # the share of the beginning, zero, in both means
check("plain: 0.010", 0.01 / (1 - faded) ** 0.5, moved[False], rtol=1e-4)
by_hand = 0.01 / ((1 - faded) - (1 - faded) ** 2) ** 0.5
check(f"centered: {by_hand:.3f}", by_hand, moved[True], rtol=1e-2)

# %%
# The picture
# -----------
# Steps of ``lr`` never end, and near the floor of the valley a small one is enough.
walks = {
    f"lr {lr}": descend(lambda w, lr=lr: optim.RMSprop(w, lr, alpha=0.9), steps=300)
    for lr in (0.02, 0.05, 0.2)
}
late = [rosenbrock(path[200:]).max() for path in walks.values()]
check_less("after step 200: small rates stay low", late[:2], 2)
check_less("the large one leaps up", 10, late[2])
title = "RMSprop's steps do not shrink: at a large rate it leaps out again and again"
draw_paths(walks, title, RESULT / "trembling.png")
