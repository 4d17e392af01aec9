r"""
3.3.1 SGD · 随机梯度下降
========================

Step against the gradient; with momentum, along a decaying sum of all gradients so far.

.. math::

   g_t &\leftarrow g_t + \lambda w_{t-1} \\
   b_1 &= g_1, \qquad b_t = \mu \, b_{t-1} + (1 - \tau) \, g_t \\
   w_t &= w_{t-1} - \eta \, b_t
          \qquad (\text{Nesterov: } w_{t-1} - \eta \, (g_t + \mu \, b_t))

:arguments: ``lr=1e-3``: :math:`\eta`, ``momentum=0``: :math:`\mu`, ``dampening=0``:
            :math:`\tau`, ``weight_decay=0``: :math:`\lambda`, ``nesterov=False``,
            ``maximize=False``: climb. No epsilon: nothing is divided.
:memory:    one buffer per weight with momentum, none without
:use it:    with momentum 0.9, where there is time to search for the learning rate
:then → now: ``lr`` had to be given, now it is 1e-3 if left out. ``maximize`` is new.
:source:    Sutskever et al., *On the Importance of Initialization and Momentum in Deep
            Learning*, 2013
"""

import sys
from pathlib import Path

import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import (
    check,
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
# The buffer starts as the whole gradient: ``dampening`` begins with the second step,
# and does nothing without momentum. ``maximize`` turns the gradient, not the decay.


class SGDByHand:
    """SGD for one tensor of weights, of any shape."""

    def __init__(
        self,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        maximize=False,
    ):
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self.maximize, self.b = maximize, None

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = (-g if self.maximize else g) + self.weight_decay * w
        first = self.b is None or self.momentum == 0
        self.b = g if first else self.momentum * self.b + (1 - self.dampening) * g
        return w - self.lr * (g + self.momentum * self.b if self.nesterov else self.b)


# %%
# The same path as ``optim.SGD``
# ------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the last walk climbs, in the valley turned upside down.
variants = {
    "plain": dict(dampening=0.5),  # ignored
    "momentum 0.9": dict(momentum=0.9),
    "Nesterov 0.9": dict(momentum=0.9, nesterov=True),
    "all others": dict(momentum=0.9, dampening=0.5, weight_decay=1.0, maximize=True),
}
paths = {}
for name, kw in variants.items():
    valley = (lambda w: -rosenbrock(w)) if name == "all others" else rosenbrock
    by_hand = descend_by_hand(SGDByHand(1e-3, **kw).step, surface=valley)
    paths[name] = descend(lambda w, kw=kw: optim.SGD(w, 1e-3, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, paths[name])

# %%
# The first step, and what is kept
# --------------------------------
# ``lr`` times the gradient, 1.9 times that with Nesterov: both grow with the loss.
for name, length in (("plain", 0.1), ("momentum 0.9", 0.1), ("Nesterov 0.9", 0.19)):
    w = torch.nn.Parameter(torch.zeros(3, 4))
    w.grad = torch.linspace(-1000, 1000, 12).view(3, 4)
    optimizer = optim.SGD([w], lr=0.1, **variants[name])
    optimizer.step()
    check(f"{name}: {length} times the gradient", -length * w.grad, w)
    kept = [k for k, v in optimizer.state[w].items() if torch.is_tensor(v)]
    print(f"{name} keeps {kept}")
# → plain keeps []
# → momentum 0.9 keeps ['momentum_buffer']
# → Nesterov 0.9 keeps ['momentum_buffer']

# %%
# Pitfall: momentum lengthens the steps
# -------------------------------------
# On a steady slope they grow to lr / (1 - momentum), ten times ``lr`` at 0.9.
# ``dampening=0.9`` takes that back. Nesterov's rule allows no dampening.
for tau, length in ((0, 0.01), (0.9, 0.001)):
    kw = dict(momentum=0.9, dampening=tau)
    path = descend(lambda w, kw=kw: optim.SGD(w, 1e-3, **kw), 100, surface=torch.sum)
    check(f"dampening {tau}: step 100", length, (path[-2] - path[-1])[0], rtol=1e-3)
with refused(ValueError, "Nesterov momentum requires a momentum and zero dampening"):
    optim.SGD([w], momentum=0.9, dampening=0.9, nesterov=True)

# %%
# Pitfall: a learning rate too large for one direction
# ----------------------------------------------------
# Above 2 / c, where c is the curvature, every step jumps higher up the other wall. The
# sharpest direction sets the limit: 0.2 on a bowl of curvatures 10 and 1.
half = torch.tensor([5.0, 0.5], dtype=torch.float64)
for lr in (0.19, 0.21):
    path = descend(lambda w, lr=lr: optim.SGD(w, lr), 40, surface=lambda w: half @ w**2)
    print(f"lr {lr}: {path[0].norm():.2f} away, 40 steps later {path[-1].norm():.2f}")
# → lr 0.19: 1.56 away, 40 steps later 0.02
# → lr 0.21: 1.56 away, 40 steps later 54.31

# %%
# The picture
# -----------
# Plain SGD creeps along the flat floor. Momentum adds the small steps up, and swings
# from wall to wall; Nesterov's rule damps the swings.
del paths["all others"]
title = "SGD, lr 0.001: momentum runs along the valley, Nesterov's without swinging"
draw_paths(paths, title, RESULT / "momentum.png")
