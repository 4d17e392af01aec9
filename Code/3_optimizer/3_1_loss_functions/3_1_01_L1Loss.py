r"""
3.1.1 L1Loss · 平均绝对误差
===========================

How far the prediction :math:`x` is from the target :math:`y`, whichever the direction:

.. math:: \ell_i = |x_i - y_i|

:signature: ``L1Loss(size_average=None, reduce=None, reduction="mean")``
:input:     floating-point numbers of any size and sign, any shape
:target:    the same shape
:returns:   a scalar (``reduction="mean"``, ``"sum"``), or the input's shape
            (``"none"``), in the unit of the target
:use it:    for predicting numbers (regression) when a few targets are far off and must
            not rule the rest, as they do in MSELoss (lesson 3.1.2)
:then → now: ``size_average`` and ``reduce`` (PyTorch 0.4) became ``reduction``; they
            still work, with a warning.
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
# The loss of four predictions
# ----------------------------
# The first is exact, the last is six off.
predicted = torch.tensor([1.0, 2.0, 3.0, 6.0])
target = torch.tensor([1.0, 4.0, 2.0, 0.0])

loss = nn.L1Loss(reduction="none")(predicted, target)
print("element-wise:", loss.tolist())  # → element-wise: [0.0, 2.0, 1.0, 6.0]

# %%
# By hand
# -------
# The mean divides by the number of elements, not by that of the samples.
by_hand = torch.maximum(predicted - target, target - predicted)
check("element-wise: |x - y|", by_hand, loss)
total = nn.L1Loss(reduction="sum")(predicted, target)
check("sum", by_hand[0] + by_hand[1] + by_hand[2] + by_hand[3], total)
check("mean (the default): sum / 4", 9 / 4, nn.L1Loss()(predicted, target))
two_samples = nn.L1Loss()(predicted.reshape(2, 2), target.reshape(2, 2))
check("two samples of two numbers: sum / 4 as well", 9 / 4, two_samples)

# %%
# The gradient
# ------------
# It is the sign of the error, and 0 where there is none: all pull with the same force.
x = predicted.clone().requires_grad_()
nn.L1Loss()(x, target).backward()
check("gradient of the mean: ±1 / 4, or 0", [0.0, -0.25, 0.25, 0.25], x.grad)

# %%
# So the last step is as long as the first, and training hops around the target unless
# the learning rate falls. SmoothL1Loss (lesson 3.1.12) slows down below ``beta``.
x, path = 1.0, []
for _ in range(6):
    weight = torch.tensor(x, requires_grad=True)
    nn.L1Loss()(weight, torch.tensor(0.0)).backward()
    x -= 0.3 * weight.grad.item()
    path.append(round(x, 2))
print("from 1 towards 0:", path)  # → from 1 towards 0: [0.7, 0.4, 0.1, -0.2, 0.1, -0.2]
smooth = nn.SmoothL1Loss(reduction="none", beta=0.0)(predicted, target)
check("SmoothL1Loss with beta=0 is L1Loss", by_hand, smooth)

# %%
# The best guess is the median
# ----------------------------
# One number :math:`c` for five targets: a step up pleases the targets above it and
# annoys those below. They balance in the middle, however far the farthest is.
values = torch.tensor([1.0, 2.0, 4.0, 5.0, 18.0])
guesses = torch.linspace(0, 20, 201)
pairs = guesses[:, None].expand(201, 5), values.expand(201, 5)
costs = nn.L1Loss(reduction="none")(*pairs).mean(dim=1)
check("cheapest: the median, 4", values.sort().values[2], guesses[costs.argmin()])

# %%
# Pitfalls
# --------
# A column (4, 1), as a network with one output gives, against a row (4): each of the
# four is compared with all four targets. PyTorch warns, and returns a wrong number.
with warned(UserWarning, "different to the input size"):
    wrong = nn.L1Loss()(predicted.reshape(4, 1), target)
pairs = [abs(p - t) for p in predicted.tolist() for t in target.tolist()]
check("(4, 1) against (4): the mean of 16 pairs", sum(pairs) / 16, wrong)
print(f"{wrong:.3f}, not 2.250")  # → 2.125, not 2.250

# %%
# What is refused: shapes that do not fit, whole numbers (by the mean alone), and, only
# when the loss is called, a misspelt ``reduction``.
with warned(UserWarning, "different"), refused(RuntimeError, "must match the size"):
    nn.L1Loss()(predicted, target[:3])
with refused(RuntimeError, "could not infer output dtype"):
    nn.L1Loss()(predicted.long(), target.long())
misspelt = nn.L1Loss(reduction="average")
with refused(ValueError, "average is not a valid value for reduction"):
    misspelt(predicted, target)

# %%
# ``size_average`` and ``reduce`` of old code
# -------------------------------------------
# Old code gives them to every loss. They overrule ``reduction``, and here they come
# first: ``L1Loss(False)`` is a sum.
old_and_new = {(True, True): "mean", (False, True): "sum", (True, False): "none"}
for (size_average, reduce), new in (old_and_new | {(False, False): "none"}).items():
    with warned(UserWarning, f"please use reduction='{new}' instead"):
        old = nn.L1Loss(size_average, reduce, reduction="mean")
    check(f"size_average={size_average}, reduce={reduce}", new, old.reduction)
with warned(UserWarning, "reduction='sum'"):
    check("L1Loss(False)", 9.0, nn.L1Loss(False)(predicted, target))
with warned(UserWarning, "reduction='elementwise_mean' is deprecated"):
    old = nn.L1Loss(reduction="elementwise_mean")(predicted, target)
check("the first name of mean", 9 / 4, old)

# %%
# The picture
# -----------
error = torch.linspace(-3, 3, 301)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(error, error.abs(), color="tab:blue", label="loss")
left.plot(error, error.sign(), color="tab:red", label="gradient")
left.set(title="the pull never changes its size", xlabel="error x - y")
left.legend(loc="upper center")
right.plot(guesses, costs, color="tab:blue")
right.plot(values, torch.zeros(5), "k|", ms=12, label="the five targets")
right.plot(4, costs.min(), "o", color="tab:blue", label="cheapest: the median")
right.set(title="the best guess is the middle one", ylim=(-1, 15))
right.set(xlabel="one guess for all five", ylabel="mean loss")
right.legend(loc="upper left")
fig.savefig(RESULT / "loss_and_median.png")
