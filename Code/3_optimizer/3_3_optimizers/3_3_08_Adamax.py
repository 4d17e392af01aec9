r"""
3.3.8 Adamax · 无穷范数 Adam
============================

Adam with the largest recent gradient in place of the root mean square: hardly any step
is longer than ``lr``.

.. math::

   g_t &\leftarrow g_t + \lambda w_{t-1} \\
   m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t \\
   u_t &= \max(\beta_2 u_{t-1}, \; |g_t| + \epsilon) \\
   w_t &= w_{t-1} - \frac{\eta}{1 - \beta_1^t} \, \frac{m_t}{u_t}

:arguments: ``lr=0.002``: :math:`\eta`, ``betas=(0.9, 0.999)``, ``eps=1e-8``,
            ``weight_decay=0``: :math:`\lambda`, ``maximize=False``
:memory:    two buffers per weight, :math:`m` and :math:`u`
:use it:    where a sudden large gradient must not make a long step; otherwise Adam
            (lesson 3.3.7), which it resembles
:source:    Kingma and Ba, *Adam*, 2015, section 7.1
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
# The maximum needs no correction for its start at zero: the first gradient fills it.


class AdamaxByHand:
    """Adamax for one tensor of weights, of any shape."""

    def __init__(
        self, lr=0.002, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False
    ):
        self.lr, self.betas, self.eps = lr, betas, eps
        self.weight_decay, self.maximize = weight_decay, maximize
        self.t, self.m, self.u = 0, 0.0, torch.tensor(0.0)

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = (-g if self.maximize else g) + self.weight_decay * w
        beta1, beta2 = self.betas
        self.t += 1
        self.m = beta1 * self.m + (1 - beta1) * g
        self.u = torch.maximum(beta2 * self.u, g.abs() + self.eps)
        return w - self.lr / (1 - beta1**self.t) * self.m / self.u


# %%
# The same path as ``optim.Adamax``
# ---------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the last walk climbs, in the valley turned upside down. Its large ``eps`` would tell
# if it stood outside the maximum.
others = dict(eps=10.0, weight_decay=1.0, maximize=True)
for kw in ({}, dict(lr=0.1, betas=(0.8, 0.9)), others):
    valley = (lambda w: -rosenbrock(w)) if "maximize" in kw else rosenbrock
    by_hand = descend_by_hand(AdamaxByHand(**kw).step, surface=valley)
    by_torch = descend(lambda w, kw=kw: optim.Adamax(w, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, by_torch)

# %%
# The first step, and what is kept
# --------------------------------
# It is ``lr`` long for every weight. ``eps`` is added to the gradient inside the
# maximum: where it is as large as the gradient, the step is half as long.
for eps, steps in ((1e-8, [0.1, -0.1, -0.1]), (1.0, [0.0999001, -0.05, -0.0999001])):
    w = torch.nn.Parameter(torch.zeros(3))
    w.grad = torch.tensor([-1000.0, 1.0, 1000.0])
    optimizer = optim.Adamax([w], lr=0.1, eps=eps)
    optimizer.step()
    check(f"gradients -1000, 1, 1000, eps {eps:g}", steps, w)
print("kept:", list(optimizer.state[w]))  # → kept: ['step', 'exp_avg', 'exp_inf']

# %%
# How long a step can get
# -----------------------
# Adam, after many calm batches, is surprised by a large gradient: up to
# :math:`(1 - \beta_1) / \sqrt{1 - \beta_2}` = 3.16 times ``lr``. Adamax is not. Its
# longest steps come when gradients fade as slowly as its maximum, and are
# :math:`(1 - \beta_1) / (1 - \beta_1 / \beta_2)` = 1.009 times ``lr``: the paper's
# bound, 1, is not quite true.


def longest_step(kind, gradients):
    """Return the length of the longest step that an optimizer makes, lr = 1."""
    w = torch.nn.Parameter(torch.zeros(1))
    optimizer, places = kind([w], lr=1.0), [0.0]
    for gradient in gradients:
        w.grad = torch.full((1,), gradient)
        optimizer.step()
        places.append(w.item())
    return torch.tensor(places).double().diff().abs().max().item()


surprise = [1e-4] * 2000 + [1.0]
by_hand = 0.1 / (0.001 / (1 - 0.999**2001)) ** 0.5
check("Adam, surprised", by_hand, longest_step(optim.Adam, surprise), rtol=1e-3)
check("Adamax, surprised", 1.0, longest_step(optim.Adamax, surprise), rtol=1e-3)
fading = longest_step(optim.Adamax, [0.999**t for t in range(200)])
check("Adamax, fading", 0.1 / (1 - 0.9 / 0.999), fading, rtol=1e-4)

# %%
# Pitfall: one huge gradient is not forgotten
# -------------------------------------------
# The maximum fades by a thousandth a step: steps stay short for thousands of batches.
w = torch.nn.Parameter(torch.zeros(1))
optimizer = optim.Adamax([w], lr=1.0)
for gradient in [1000.0] + 1000 * [1.0]:
    before = w.item()
    w.grad = torch.full((1,), gradient)
    optimizer.step()
check("1000 batches later: 1 / (1000 · 0.999¹⁰⁰⁰)", 0.00272, before - w.item(), 2e-3)

# %%
# The picture
# -----------
kinds = {"Adam, lr 0.1": optim.Adam, "Adamax, lr 0.1": optim.Adamax}
walks = {name: descend(lambda w, k=kind: k(w, lr=0.1)) for name, kind in kinds.items()}
check_less("Adam is lower", *[rosenbrock(path[-1]) for path in walks.values()])
title = "Adamax keeps the steep start in mind, and creeps where Adam goes on"
draw_paths(walks, title, RESULT / "adam_and_adamax.png")
