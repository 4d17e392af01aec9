r"""
3.1.2 MSELoss · 均方误差
========================

The square of the distance between prediction :math:`x` and target :math:`y`:

.. math:: \ell_i = (x_i - y_i)^2

:signature: ``MSELoss(size_average=None, reduce=None, reduction="mean")``
:input:     floating-point numbers of any size and sign, any shape
:target:    the same shape
:returns:   a scalar (``reduction="mean"``, ``"sum"``), or the input's shape
            (``"none"``), in the *square* of the target's unit: show people its root
:use it:    for predicting numbers (regression) when large errors are what hurts and no
            target is nonsense; otherwise L1Loss or SmoothL1Loss (lessons 3.1.1, 3.1.12)
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1).
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# The loss of four predictions
# ----------------------------
# The last, six off, costs nine times as much as the second, two off.
predicted = torch.tensor([1.0, 2.0, 3.0, 6.0])
target = torch.tensor([1.0, 4.0, 2.0, 0.0])

loss = nn.MSELoss(reduction="none")(predicted, target)
print("element-wise:", loss.tolist())  # → element-wise: [0.0, 4.0, 1.0, 36.0]

# %%
# By hand
# -------
# The mean divides by the number of elements, not by that of the samples.
by_hand = (predicted - target) * (predicted - target)
check("element-wise: (x - y)²", by_hand, loss)
total = nn.MSELoss(reduction="sum")(predicted, target)
check("sum", by_hand[0] + by_hand[1] + by_hand[2] + by_hand[3], total)
check("mean (the default): sum / 4", 41 / 4, nn.MSELoss()(predicted, target))
two_samples = nn.MSELoss()(predicted.reshape(2, 2), target.reshape(2, 2))
check("two samples of two numbers: sum / 4 as well", 41 / 4, two_samples)

# %%
# There is no ``weight``: to let a sample count more, weigh ``"none"`` and average.
weight = torch.tensor([1.0, 1.0, 1.0, 0.5])
with refused(TypeError, "unexpected keyword argument 'weight'"):
    nn.MSELoss(weight=weight)
print(f"weighted mean: {(weight * loss).sum() / weight.sum():.3f}")
# → weighted mean: 6.571

# %%
# The gradient
# ------------
# It grows with the error: far away the steps are long, near the target they shrink.
x = predicted.clone().requires_grad_()
nn.MSELoss()(x, target).backward()
check("gradient of the mean: 2 (x - y) / 4", (predicted - target) / 2, x.grad)

# %%
# The best guess is the mean
# --------------------------
# One number for five targets: setting the gradient :math:`2 \sum_i (c - y_i)` to zero
# gives their mean. One target run wild takes it along; the median of L1Loss stays.
wild = torch.linspace(4, 20, 33)  # the fifth target
values = torch.tensor([1.0, 2.0, 4.0, 5.0]).expand(33, 4)
values = torch.cat([values, wild[:, None]], dim=1)
guesses = torch.linspace(0, 20, 201)
pairs = torch.broadcast_tensors(guesses.reshape(201, 1, 1), values)  # 201 x 33 x 5
means = guesses[nn.MSELoss(reduction="none")(*pairs).sum(dim=2).argmin(dim=0)]
medians = guesses[nn.L1Loss(reduction="none")(*pairs).sum(dim=2).argmin(dim=0)]
check("MSELoss: the mean, to a step of 0.1", values.mean(dim=1), means, atol=0.051)
check("L1Loss: the median, always 4", torch.full((33,), 4.0), medians)

# %%
# Where the square comes from
# ---------------------------
# If targets scatter around the prediction like a normal distribution of variance 1, the
# logarithm of their likelihood falls by half the square.
log_likelihood = torch.distributions.Normal(predicted, 1.0).log_prob(target)
highest = -math.log(2 * math.pi) / 2
check("half the square: what is lost", highest - log_likelihood, loss / 2)
gaussian = nn.GaussianNLLLoss()(predicted, target, torch.ones(4))
check("MSE = 2 GaussianNLLLoss, variance 1", 2 * gaussian, loss.mean())

# %%
# Pitfalls
# --------
# A column (4, 1), as a network with one output gives, against a row (4): each of the
# four is compared with all four targets. PyTorch warns, and returns a wrong number.
with warned(UserWarning, "different to the input size"):
    wrong = nn.MSELoss()(predicted.reshape(4, 1), target)
pairs = [(p - t) ** 2 for p in predicted.tolist() for t in target.tolist()]
check("(4, 1) against (4): the mean of 16 pairs", sum(pairs) / 16, wrong)
print(f"{wrong:.3f}, not 10.250")  # → 7.250, not 10.250

# %%
# On probabilities a confident mistake hardly pulls: the sigmoid is flat there, and the
# square does not make up for it. The logarithm of cross entropy does.
x = torch.tensor([-10.0], requires_grad=True)
(pull,) = torch.autograd.grad(nn.MSELoss()(x.sigmoid(), torch.ones(1)), x)
p = 1 / (1 + math.exp(10))
check("through a sigmoid: -2 p (1 - p)²", [-2 * p * (1 - p) ** 2], pull, atol=0)
(strong,) = torch.autograd.grad(nn.BCEWithLogitsLoss()(x, torch.ones(1)), x)
check_less("10,000 times as weak as cross entropy", 10_000 * pull.abs(), strong.abs())

# %%
# In float16, 300² is more than its largest number. Whole numbers are refused.
half = nn.MSELoss()(torch.tensor([300.0]).half(), torch.tensor([0.0]).half())
check("float16: infinite", float("inf"), half)
with refused(RuntimeError, "not implemented for 'Long'"):
    nn.MSELoss()(predicted.long(), target.long())

# %%
# The picture
# -----------
error = torch.linspace(-3, 3, 301)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(error, error**2, color="tab:blue", label="loss")
left.plot(error, 2 * error, color="tab:red", label="gradient")
left.set(title="the pull grows with the error", xlabel="error x - y")
left.legend(loc="upper center")
right.plot(wild, means, color="tab:blue", label="MSELoss: the mean")
right.plot(wild, medians, "--", color="tab:gray", label="L1Loss: the median")
right.set(title="the best guess follows a wild target", ylim=(3, 7))
right.set(xlabel="the fifth target, beside 1, 2, 4, 5", ylabel="best guess")
right.legend(loc="upper left")
fig.savefig(RESULT / "loss_and_mean.png")
