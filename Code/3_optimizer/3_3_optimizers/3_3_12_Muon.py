r"""
3.3.12 Muon · 正交化动量
========================

Momentum for matrices, with all its singular values set to about 1: directions that the
gradient hardly mentions are learned as fast as the loud ones.

.. math::

   b_t &= \mu \, b_{t-1} + (1 - \mu) \, g_t, \qquad
   U S V^T = (1 - \mu) \, g_t + \mu \, b_t \\
   w_t &= (1 - \eta \lambda) \, w_{t-1}
          - \eta \sqrt{\max(1, \text{rows} / \text{columns})} \; U V^T

:arguments: ``lr=1e-3``: :math:`\eta`, ``weight_decay=0.1``: :math:`\lambda`,
            ``momentum=0.95``: :math:`\mu`, ``nesterov=True``, ``ns_steps=5``,
            ``ns_coefficients=(3.4445, -4.775, 2.0315)``, ``eps=1e-7``,
            ``adjust_lr_fn``: the root above, or one that gives steps of AdamW's size
:memory:    one buffer per weight, :math:`b`
:use it:    for the matrices inside a network; biases, embeddings and the last layer
            get AdamW
:then → now: came with PyTorch 2.9; on an older one this lesson does it by hand only
:source:    Jordan et al., *Muon: An optimizer for hidden layers*, 2024
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Newton–Schulz: towards :math:`U V^T` without taking the matrix apart
# --------------------------------------------------------------------
# A few products of matrices, quick on any GPU, in bfloat16. Each singular value
# :math:`s` becomes :math:`3.4445 s - 4.775 s^3 + 2.0315 s^5`; the singular vectors stay
# as they are.


def newton_schulz(g, steps=5, eps=1e-7):
    """Return the matrix g with singular values of about 1, in the dtype of g."""
    a, b, c = 3.4445, -4.775, 2.0315
    tall = g.shape[0] > g.shape[1]
    x = g.T if tall else g
    x = x / x.norm().clamp(min=eps)  # all singular values are now at most 1
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


gradient = torch.randn(20, 12, dtype=torch.float64) @ torch.randn(12, 12).double()
values = [torch.linalg.svdvals(gradient) / gradient.norm()]
for steps in range(1, 6):
    s = values[-1]
    values.append((3.4445 * s - 4.775 * s**3 + 2.0315 * s**5).sort(descending=True)[0])
    by_torch = torch.linalg.svdvals(newton_schulz(gradient, steps))
    check(f"{steps} steps: the polynomial of each", values[-1], by_torch)
u, _, vt = torch.linalg.svd(gradient, full_matrices=False)
within = u.T @ newton_schulz(gradient) @ vt.T  # diagonal, if U and V have stayed
check("U and V stay", torch.diag(within.diag()), within, atol=1e-9)
print(f"largest over smallest: {values[0][0] / values[0][-1]:.0f} before")
# → largest over smallest: 23 before
check_less("and after", values[5].max() / values[5].min(), 2)

# %%
# The update rule, by hand
# ------------------------


class MuonByHand:
    """Muon for one matrix of weights."""

    def __init__(self, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True):
        self.lr, self.decay, self.mu, self.b = lr, weight_decay, momentum, 0.0
        self.nesterov = nesterov

    def step(self, w, g):
        """Return the weights after one step against the gradient g, shaped as w."""
        self.b = self.mu * self.b + (1 - self.mu) * g
        update = (1 - self.mu) * g + self.mu * self.b if self.nesterov else self.b
        update = newton_schulz(update.bfloat16())
        size = self.lr * max(1, w.shape[0] / w.shape[1]) ** 0.5
        return (1 - self.lr * self.decay) * w - size * update


# %%
# The same as ``optim.Muon``, to the rounding of bfloat16: 20 steps of a tall matrix.
if hasattr(optim, "Muon"):
    start, gradients = torch.randn(20, 12), torch.randn(20, 20, 12)
    for kw in ({}, dict(momentum=0.5), dict(nesterov=False, weight_decay=1.0)):
        w = torch.nn.Parameter(start.clone())
        optimizer, rule = optim.Muon([w], lr=0.02, **kw), MuonByHand(lr=0.02, **kw)
        by_hand = start
        for g in gradients:
            w.grad = g.clone()
            optimizer.step()
            by_hand = rule.step(by_hand, g)
        check(f"20 steps, {kw}", by_hand, w, atol=5e-3)
    with refused(ValueError, "Muon only supports 2D parameters"):
        optim.Muon([torch.nn.Parameter(torch.zeros(12))])

# %%
# The first step does not care for the scale
# ------------------------------------------
# A gradient 1024 times as large makes the same step.
first = MuonByHand(lr=1.0, weight_decay=0).step(torch.zeros(20, 12), gradient)
large = MuonByHand(lr=1.0, weight_decay=0).step(torch.zeros(20, 12), 1024 * gradient)
check("1024 times the gradient, the same step", first, large, 0, 0)

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for i, curve in enumerate(torch.stack(values).T):
    ax.semilogy(range(6), curve, ".-", color=plt.cm.viridis(i / 12))
ax.axhspan(0.68, 1.14, color="0.9", zorder=0)
ax.set(xlabel="Newton–Schulz step", ylabel="singular values")
ax.set_title("five steps bring twelve singular values to about 1")
fig.savefig(RESULT / "singular_values.png")
