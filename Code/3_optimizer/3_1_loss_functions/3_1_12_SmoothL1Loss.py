r"""
3.1.12 SmoothL1Loss · 平滑 L1 损失
==================================

Square the small errors, take the large ones as they are. With the error
:math:`d = x - y`:

.. math:: \ell_i = \begin{cases} d_i^2 / (2 \beta) & |d_i| < \beta \\
          |d_i| - \beta / 2 & \text{otherwise} \end{cases}

:signature: ``SmoothL1Loss(size_average=None, reduce=None, reduction="mean", beta=1.0)``
:input:   predictions, floats of any shape; the target has the same
:beta:    where small ends and large begins, in the unit of the target
:returns: a scalar (``reduction="mean"``, ``"sum"``), or the input's shape (``"none"``)
:use it:  for regression with outliers: an outlier pulls no harder than any other large
          error
:source:  Girshick, *Fast R-CNN*, 2015, for the places and sizes of boxes
:then → now: PyTorch 1.0 has no ``beta``, it is always 1; ``size_average`` and
          ``reduce`` became ``reduction`` (lesson 3.1.1).
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# Three errors: 0.2, -0.5 and 2
# -----------------------------
predicted = torch.tensor([1.2, 2.5, 6.0])
target = torch.tensor([1.0, 3.0, 4.0])

loss = nn.SmoothL1Loss(reduction="none")(predicted, target)
print("element-wise:", loss)  # → element-wise: tensor([0.0200, 0.1250, 1.5000])

# %%
# By hand
# -------


def smooth_l1_by_hand(x, y, beta=1.0):
    """Return the loss of each element; beta is above 0."""
    d = (x - y).abs()
    return torch.where(d < beta, d**2 / (2 * beta), d - beta / 2)


by_hand = smooth_l1_by_hand(predicted, target)
check("element-wise", by_hand, loss)
mean = nn.SmoothL1Loss()(predicted, target)
check("mean (the default): over N elements", by_hand.sum() / 3, mean)
check("sum", by_hand.sum(), nn.SmoothL1Loss(reduction="sum")(predicted, target))
for beta in (0.3, 4.0):
    loss = nn.SmoothL1Loss(beta=beta, reduction="none")(predicted, target)
    check(f"beta {beta}", smooth_l1_by_hand(predicted, target, beta), loss)

# %%
# The gradient
# ------------
# :math:`d / \beta`, but never beyond ±1.
for beta in (0.3, 1.0, 4.0):
    x = predicted.clone().requires_grad_()
    nn.SmoothL1Loss(beta=beta, reduction="sum")(x, target).backward()
    by_hand = ((predicted - target) / beta).clamp(-1, 1)
    check(f"beta {beta}: the gradient", by_hand, x.grad)

# %%
# Between L1Loss and MSELoss, beside HuberLoss
# --------------------------------------------
# A ``beta`` of 0 is L1Loss, and a small one nearly. A ``beta`` beyond all errors is the
# square, over 2 beta. HuberLoss is delta times SmoothL1Loss with ``beta=delta``.
torch.manual_seed(0)
x, y = torch.randn(2, 1000, dtype=torch.float64)
l1, mse = nn.L1Loss()(x, y), nn.MSELoss()(x, y)
check("beta 0: L1", l1, nn.SmoothL1Loss(beta=0.0)(x, y), rtol=1e-10, atol=0)
check("beta 1e-8: L1, nearly", l1, nn.SmoothL1Loss(beta=1e-8)(x, y), rtol=1e-7, atol=0)
square = nn.SmoothL1Loss(beta=100.0)(x, y)
check("beta 100: MSE / 200", mse / 200, square, rtol=1e-10, atol=0)
for delta in (0.3, 2.0):
    huber = nn.HuberLoss(delta=delta)(x, y)
    smooth = delta * nn.SmoothL1Loss(beta=delta)(x, y)
    check(f"Huber = {delta} x SmoothL1", smooth, huber, rtol=1e-10, atol=0)

# %%
# An outlier
# ----------
# The one number closest to 0.9, 1, 1, 1.1 and 10? The mean, 2.8, says the square. Here
# the outlier pulls by 1, the other four by their distance: at 1.25 they hold it.
data = torch.tensor([0.9, 1.0, 1.0, 1.1, 10.0])
for criterion, best in ((nn.MSELoss(), 2.8), (nn.SmoothL1Loss(), 1.25)):
    guess = torch.full((5,), best, requires_grad=True)
    criterion(guess, data).backward()
    check(f"{criterion}: at {best} the pulls cancel", 0.0, guess.grad.sum())

# %%
# Pitfalls
# --------
# (4, 1) against (4) only warns, and returns the mean over 16 errors. And the first
# argument is not ``beta`` but the old ``size_average``.
x = torch.arange(4.0)
with warned(UserWarning, "lead to incorrect results due to broadcasting"):
    wrong = nn.SmoothL1Loss()(x[:, None], x)
print(f"all right, and costs {wrong:.2f}")  # → all right, and costs 0.88
with warned(UserWarning, "size_average and reduce args will be deprecated"):
    positional = nn.SmoothL1Loss(0.5)
print("beta:", positional.beta)  # → beta: 1.0

# %%
# ``beta`` has a unit. In thousandths all errors here are large: L1Loss less 0.5.
thousandths = nn.SmoothL1Loss()(1000 * predicted, 1000 * target)
l1 = nn.L1Loss()(1000 * predicted, 1000 * target)
check("in thousandths: L1 less a half", l1 - 0.5, thousandths)
with refused(RuntimeError, "does not support negative values for beta"):
    nn.SmoothL1Loss(beta=-1.0)(predicted, target)

# %%
# The picture
# -----------
d = torch.linspace(-3, 3, 601)
curves = {
    "MSE / 2": (d**2 / 2, d, "tab:red"),
    "L1": (d.abs(), d.sign(), "tab:green"),
    "SmoothL1, beta 1": (smooth_l1_by_hand(d, 0.0), d.clamp(-1, 1), "tab:blue"),
}
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for label, (loss, slope, color) in curves.items():
    left.plot(d, loss, color=color, label=label)
    right.plot(d, slope, color=color)
left.set(title="round at the bottom, straight outside", ylabel="loss", ylim=(-0.1, 4))
right.set(title="no error pulls harder than 1", ylabel="gradient", ylim=(-2, 2))
fig.supxlabel("error: prediction - target", fontsize="medium")
left.legend(loc="upper center")
fig.savefig(RESULT / "loss_and_gradient.png")
