r"""
3.3.2 ASGD · 平均随机梯度下降
=============================

SGD with ever smaller steps that also keeps the average of the weights it has passed.

.. math::

   g_t &\leftarrow g_t + \kappa w_{t-1} \\
   w_t &= (1 - \lambda \eta_t) \, w_{t-1} - \eta_t \, g_t,
          \qquad \eta_{t+1} = \eta / (1 + \lambda \eta t)^\alpha \\
   a_t &= a_{t-1} + \mu_t \, (w_t - a_{t-1}),
          \qquad \mu_{t+1} = 1 / \max(1, t - t_0)

:arguments: ``lr=0.01``: :math:`\eta`, ``lambd=1e-4``: :math:`\lambda`, ``alpha=0.75``,
            ``t0=1e6``, ``weight_decay=0``: :math:`\kappa`, ``maximize=False``.
            No epsilon: nothing is divided.
:memory:    one buffer per weight, the average ``ax``
:use it:    to study averaging. To train, take ``torch.optim.swa_utils.AveragedModel``:
            it averages beside any optimizer, and gives you a model to evaluate.
:source:    Polyak and Juditsky, *Acceleration of Stochastic Approximation by
            Averaging*, 1992
"""

import sys
from pathlib import Path

import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, descend, descend_by_hand, draw_paths, result_dir, rosenbrock

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# The update rule, by hand
# ------------------------
# A step shrinks the weights by ``lambd`` times the learning rate, then goes against the
# gradient. Learning rate and share in the average are those of the step before.


class ASGDByHand:
    """ASGD for one tensor of weights, of any shape."""

    def __init__(
        self, lr=0.01, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, maximize=False
    ):
        self.lr, self.lambd, self.alpha, self.t0 = lr, lambd, alpha, t0
        self.weight_decay, self.maximize = weight_decay, maximize
        self.t, self.eta, self.mu, self.average = 0, lr, 1.0, 0.0

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        g = (-g if self.maximize else g) + self.weight_decay * w
        w = (1 - self.lambd * self.eta) * w - self.eta * g
        self.average = self.average + self.mu * (w - self.average)
        self.t += 1
        self.eta = self.lr / (1 + self.lambd * self.lr * self.t) ** self.alpha
        self.mu = 1 / max(1, self.t - self.t0)
        return w


# %%
# The same path as ``optim.ASGD``
# -------------------------------
# 200 steps down Rosenbrock's narrow valley, from (-1.2, 1) towards its minimum (1, 1);
# the last walk climbs, in the valley turned upside down.
others = dict(lambd=5.0, alpha=0.2, weight_decay=1.0, maximize=True)
for kw in ({}, others):
    valley = (lambda w: -rosenbrock(w)) if "maximize" in kw else rosenbrock
    by_hand = descend_by_hand(ASGDByHand(1e-3, **kw).step, surface=valley)
    by_torch = descend(lambda w, kw=kw: optim.ASGD(w, 1e-3, **kw), surface=valley)
    check(f"200 steps, {kw}", by_hand, by_torch)

# %%
# Where the average hides
# -----------------------
# In ``optimizer.state[w]["ax"]``, and nowhere else: the weights that you evaluate and
# save are the last ones. Gradients of small batches are noisy; here noise is added.


def wide_valley(w):
    """Return the height (...) at w (..., 2): Rosenbrock's valley with gentle walls."""
    return (1 - w[..., 0]) ** 2 + 4 * (w[..., 1] - w[..., 0] ** 2) ** 2


w = torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
optimizer, rule = optim.ASGD([w], lr=0.02, t0=100), ASGDByHand(lr=0.02, t0=100)
path, averages = [w.detach().clone()], []
for noise in 4 * torch.randn(400, 2, dtype=torch.float64):
    optimizer.zero_grad()
    wide_valley(w).backward()
    w.grad += noise
    rule.step(path[-1], w.grad)
    optimizer.step()
    path.append(w.detach().clone())
    averages.append(optimizer.state[w]["ax"].clone())
path, averages = torch.stack(path), torch.stack(averages)
check("the average by hand", rule.average, averages[-1])
check("it is the mean from step t0 + 2 on", path[102:].mean(0), averages[-1])

# %%
# Begin when the weights have arrived and only dance about: what they pass on the way
# would count as much. Then their average lies deeper; copy it.
print(f"height of the last 100 weights: {wide_valley(path[-100:]).mean():.2f}")
with torch.no_grad():
    w.copy_(optimizer.state[w]["ax"])
print(f"height of the average: {wide_valley(w).item():.2f}")
# → height of the last 100 weights: 0.27
# → height of the average: 0.02

# %%
# Pitfall: by default nothing is averaged
# ---------------------------------------
# The average begins after ``t0`` steps, by default a million. Until then ``ax`` is a
# copy of the weights: one buffer kept for nothing.
w = torch.nn.Parameter(torch.zeros(3, 4))
w.grad = torch.linspace(-1000, 1000, 12).view(3, 4)
optimizer = optim.ASGD([w], lr=0.1)
optimizer.step()
check("the first step is lr times the gradient, as with SGD", -0.1 * w.grad, w)
optimizer.step()
check("ax is w", w, optimizer.state[w]["ax"])
kept = [name for name, v in optimizer.state[w].items() if v.shape == w.shape]
print("buffers:", kept)  # → buffers: ['ax']

# %%
# The picture
# -----------
average = torch.full_like(path, torch.nan)
average[101:] = averages[100:]
title = "ASGD with noisy gradients: the weights dance, their average settles"
walks = {"weights": path, "average from step 100 on": average}
box = (-1.6, 2.0, -0.8, 2.2)
draw_paths(walks, title, RESULT / "average.png", surface=wide_valley, box=box)
