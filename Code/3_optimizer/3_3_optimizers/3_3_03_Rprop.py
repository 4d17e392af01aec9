r"""
3.3.3 Rprop · 弹性反向传播
==========================

Look at the sign of the gradient only: each weight has a step length of its own, which
grows while the sign stays and shrinks when it turns.

.. math::

   s_t &= s_{t-1} \cdot \begin{cases}
          \eta^+ & g_t \, g_{t-1} > 0 \\
          \eta^- & g_t \, g_{t-1} < 0, \text{ and then } g_t \leftarrow 0 \\
          1 & \text{otherwise} \end{cases}
          \qquad \text{clipped to } [s_{\min}, s_{\max}] \\
   w_t &= w_{t-1} - s_t \, \text{sign}(g_t)

:arguments: ``lr=0.01``: :math:`s_0`, ``etas=(0.5, 1.2)``: :math:`\eta^-, \eta^+`,
            ``step_sizes=(1e-6, 50)``: :math:`s_{\min}, s_{\max}`, ``maximize=False``.
            No ``weight_decay``. No epsilon: nothing is divided.
:memory:    two buffers per weight: the gradient before, and the step length
:use it:    where every step sees all the data: small networks, fitting a curve
:source:    Riedmiller and Braun, *A Direct Adaptive Method for Faster Backpropagation
            Learning: The RPROP Algorithm*, 1993
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
# A weight whose gradient has turned has jumped over a minimum. It rests for one step,
# and forgets that gradient, so that the step after is neither longer nor shorter.


class RpropByHand:
    """Rprop for one tensor of weights, of any shape."""

    def __init__(self, lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
        self.length, self.etas, self.step_sizes = lr, etas, step_sizes
        self.maximize, self.before = maximize, 0.0

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = -g if self.maximize else g
        shrink, grow = self.etas
        agree = (g * self.before).sign()
        factor = torch.ones_like(g)
        factor[agree > 0], factor[agree < 0] = grow, shrink
        self.length = (self.length * factor).clamp(*self.step_sizes)
        self.before = g * (agree >= 0)
        return w - self.length * self.before.sign()


# %%
# The same path as ``optim.Rprop``
# --------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the last walk climbs, in the valley turned upside down.
others = dict(lr=0.1, etas=(0.8, 1.05), step_sizes=(0.01, 0.03), maximize=True)
for kw in (dict(lr=0.03), others):
    valley = (lambda w: -rosenbrock(w)) if "maximize" in kw else rosenbrock
    by_hand = descend_by_hand(RpropByHand(**kw).step, surface=valley)
    by_torch = descend(lambda w, kw=kw: optim.Rprop(w, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, by_torch)

# %%
# The first step, and what is kept
# --------------------------------
# The first step is ``lr`` long for every weight, whatever the gradient; a weight whose
# gradient is zero stays.
w = torch.nn.Parameter(torch.zeros(5))
w.grad = torch.tensor([-1000.0, -0.001, 0.0, 0.001, 1000.0])
optimizer = optim.Rprop([w], lr=0.1)
optimizer.step()
check("the first step: 0.1 against the sign", -0.1 * w.grad.sign(), w)
kept = [name for name, v in optimizer.state[w].items() if v.shape == w.shape]
print("buffers:", kept)  # → buffers: ['prev', 'step_size']

# %%
# Pitfall: ``lr`` is only where it begins
# ---------------------------------------
# It is copied into each weight's step length at the first step. A scheduler, or you,
# may change it later: nothing happens.
optimizer.param_groups[0]["lr"] = 1e-9
before = w.detach().clone()
optimizer.step()
check("lr 1e-9: the next step is 0.1 * 1.2", -0.12 * w.grad.sign(), w - before)
with refused(TypeError, "weight_decay"):
    optim.Rprop([w], weight_decay=0.1)

# %%
# Pitfall: mini-batches
# ---------------------
# Nine batches pull with 0.1, the tenth with -0.9: on the whole a weight should stay.
# Under SGD it does. Rprop counts signs, nine against one, and runs away.
batches = torch.tensor(([0.1] * 9 + [-0.9]) * 10)
for make in (optim.SGD, optim.Rprop):
    w = torch.nn.Parameter(torch.zeros(1))
    optimizer = make([w], lr=0.01)
    for gradient in batches:
        w.grad = gradient.view(1)
        optimizer.step()
    print(f"{make.__name__} walks {abs(w.item()):.1f} away")
# → SGD walks 0.0 away
# → Rprop walks 381.4 away

# %%
# The picture
# -----------
# The first steps differ by a factor of a thousand, yet after 200 steps all walks have
# come about as far.
walks = {}
for lr in (0.001, 0.03, 1):
    walks[f"lr {lr}"] = descend(lambda w, lr=lr: optim.Rprop(w, lr))
    print(f"lr {lr}: height {rosenbrock(walks[f'lr {lr}'][-1]):.2f}")
# → lr 0.001: height 0.33
# → lr 0.03: height 0.23
# → lr 1: height 0.30
title = "200 steps of Rprop: the first step's length is soon forgotten"
draw_paths(walks, title, RESULT / "learning_rates.png")
