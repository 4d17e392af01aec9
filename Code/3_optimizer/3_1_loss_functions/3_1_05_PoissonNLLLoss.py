r"""
3.1.5 PoissonNLLLoss · 泊松负对数似然
=====================================

For counts: how unlikely the count :math:`y` is if events come at the predicted rate.
The network predicts the rate's logarithm :math:`x`, so that the rate is positive.

.. math:: \ell_i = e^{x_i} - y_i \, x_i \quad
          [\, + \; y_i \log y_i - y_i + \tfrac12 \log(2 \pi y_i)
          \text{ where } y_i > 1, \text{ if } \texttt{full} \,]

:signature: ``PoissonNLLLoss(log_input=True, full=False, size_average=None, eps=1e-8,
            reduce=None, reduction="mean")``
:input:     the logarithm of the rate, any number; with ``log_input=False`` the rate
            itself, not negative. Any shape.
:target:    counts, 0 or more, the same shape
:returns:   a scalar (``"mean"``, ``"sum"``), or the input's shape (``"none"``); a good
            one may be negative, for the part that depends on y alone is left out
:use it:    for predicting how many: visitors in an hour, photons in a pixel, goals
:then → now: ``size_average`` and ``reduce`` became ``reduction`` (lesson 3.1.1). There
            ``"elementwise_mean"`` only warns; here it is refused.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)
tight = {"rtol": 1e-12, "atol": 1e-12}  # for float64: eps is 1e-8

# %%
# The loss of four counts
# -----------------------
rate = torch.tensor([1.0, 2.0, 2.0, 4.0], dtype=torch.float64)
count = torch.tensor([0.0, 1.0, 2.0, 9.0], dtype=torch.float64)
x = rate.log()

loss = nn.PoissonNLLLoss(reduction="none")(x, count)
print("element-wise:", [round(value, 4) for value in loss.tolist()])
# → element-wise: [1.0, 1.3069, 0.6137, -8.4766]

# %%
# By hand
# -------
by_hand = x.exp() - count * x
check("element-wise: exp(x) - y x", by_hand, loss, **tight)
mean = nn.PoissonNLLLoss()
check("mean (the default): sum / 4", by_hand.sum() / 4, mean(x, count), **tight)
check("sum", by_hand.sum(), nn.PoissonNLLLoss(reduction="sum")(x, count), **tight)

# %%
# ``log_input=False``: the input is the rate. ``eps``, used here only, saves the
# logarithm from a rate of 0.
for eps in (1e-8, 0.1):
    loss = nn.PoissonNLLLoss(log_input=False, eps=eps, reduction="none")(rate, count)
    by_hand = rate - count * (rate + eps).log()
    check(f"eps={eps:g}: rate - y log(rate + eps)", by_hand, loss, **tight)

# %%
# ``full=True`` adds what the network can't change, about :math:`\log y!` (Stirling's
# formula), for counts above 1. Then the loss is nearly minus the log-probability.
full = nn.PoissonNLLLoss(full=True, reduction="none")(x, count)
big = count[2:]
stirling = big * big.log() - big + (2 * math.pi * big).log() / 2
added = torch.cat([torch.zeros(2, dtype=torch.float64), stirling])
check("full: + y log y - y + log(2πy) / 2", x.exp() - count * x + added, full, **tight)
exact = -torch.distributions.Poisson(rate).log_prob(count)
factorials = torch.tensor([1, 1, 2, math.factorial(9)]).log()
check("exact: + log y!", x.exp() - count * x + factorials, exact)
check_less("full is off by < 1 / (12 y)", (exact - full)[2:].abs(), 1 / (12 * big))

# %%
# The gradient
# ------------
# Predicted rate minus count, so the best single rate for many counts is their mean.
logarithm = x.clone().requires_grad_()
mean(logarithm, count).backward()
check("gradient: (exp(x) - y) / 4", (rate - count) / 4, logarithm.grad, **tight)
best = count.mean().log().requires_grad_()
mean(best.expand(4), count).backward()
check("no pull at the mean", 0.0, best.grad, **tight)
itself = rate.clone().requires_grad_()
nn.PoissonNLLLoss(log_input=False, reduction="sum")(itself, count).backward()
by_hand = 1 - count / (rate + 1e-8)
check("log_input=False: 1 - y / (rate + eps)", by_hand, itself.grad, **tight)

# %%
# Pitfalls
# --------
# A rate taken for a logarithm does not raise. Its best value is then not 9 but log 9.
wrong = torch.tensor(9.0).log().requires_grad_()
mean(wrong, torch.tensor(9.0)).backward()
check("count 9: stands still at 2.2", 0.0, wrong.grad, atol=1e-5)

# %%
# Nor does a negative target: the loss has no lowest value any more. A negative rate
# gives nan, and a large logarithm overflows.
lower = mean(torch.tensor([-10.0, -1000.0]), torch.tensor([-1.0, -1.0]))
check("target -1: falls for ever", (-10 - 1000) / 2, lower, atol=1e-3)
negative = nn.PoissonNLLLoss(log_input=False)(torch.tensor(-1.0), torch.tensor(1.0))
print("rate -1:", negative.item())  # → rate -1: nan
check("exp(100) overflows", math.inf, mean(torch.tensor(100.0), torch.tensor(1.0)))

# %%
# A column (4, 1) against a row (4) becomes 16 pairs, and here without a warning.
wrong = nn.PoissonNLLLoss(reduction="none")(x.reshape(4, 1), count)
check("16 losses", [4, 4], list(wrong.shape))
check("another mean", rate.mean() - count.mean() * x.mean(), wrong.mean(), **tight)

# %%
# The first argument is ``log_input``: in old code ``PoissonNLLLoss(False)`` is no sum.
check("not size_average", rate[0], nn.PoissonNLLLoss(False)(rate[:1], count[:1]))
with refused(ValueError, "elementwise_mean is not a valid value for reduction"):
    nn.PoissonNLLLoss(reduction="elementwise_mean")(x, count)

# %%
# The picture
# -----------
x = torch.linspace(-2, 3, 301)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for y, color in ((1, "tab:blue"), (4, "tab:green"), (9, "tab:red")):
    left.plot(x.exp(), x.exp() - y * x, color=color, label=f"count {y}")
    left.plot(y, y - y * math.log(y), "o", color=color)
    right.plot(x, x.exp() - y, color=color)
    right.plot(math.log(y), 0, "o", color=color)
left.set(title="cheapest where the rate is the count", ylim=(-13, 27))
left.set(xlabel="predicted rate", ylabel="loss")
right.set(title="gradient: predicted rate - count")
right.set(xlabel="x, its logarithm", ylabel="gradient in x")
right.axhline(0, color="gray", lw=0.5)
left.legend(loc="upper center", ncols=3, fontsize=8)
fig.savefig(RESULT / "loss_and_gradient.png")
