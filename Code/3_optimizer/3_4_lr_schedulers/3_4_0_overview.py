r"""
3.4.0 Schedulers, overview · 六个学习率调整方法
===============================================

A large learning rate goes far, a small one settles: a scheduler gives you one after the
other. Here are the six of the notes and four younger ones, on the same small network.

:use it:    CosineAnnealingLR first; a warm-up before it where training starts badly
:then → now: SequentialLR, LinearLR, OneCycleLR, CosineAnnealingWarmRestarts and
            PolynomialLR came after PyTorch 1.0
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler as lrs

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, learning_rates, make_sgd, refused, result_dir

RESULT = result_dir(__file__)

# %%
# What came after, by hand
# ------------------------


def half_cosine(start, end, share):
    """Return the rate at a share of the way, slow at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def one_cycle_by_hand(highest, epochs):
    """Return OneCycleLR's rates: up from a 25th, down to a 250,000th of the highest."""
    turn, low = 0.3 * epochs - 1, highest / 25
    up = [half_cosine(low, highest, t / turn) for t in range(int(turn) + 1)]
    down = [(t - turn) / (epochs - 1 - turn) for t in range(len(up), epochs)]
    return up + [half_cosine(highest, low / 1e4, share) for share in down]


def warm_up(optimizer):
    """Return two epochs of LinearLR, then a cosine of ten, as one scheduler."""
    warm = lrs.LinearLR(optimizer, start_factor=0.25, total_iters=2)
    cosine = lrs.CosineAnnealingLR(optimizer, T_max=10)
    return lrs.SequentialLR(optimizer, [warm, cosine], milestones=[2])


schedules = {
    "constant rate": lambda sgd: lrs.ConstantLR(sgd, factor=1.0),
    "3.4.1 StepLR": lambda sgd: lrs.StepLR(sgd, 4),
    "3.4.2 MultiStepLR": lambda sgd: lrs.MultiStepLR(sgd, [6, 10]),
    "3.4.3 ExponentialLR": lambda sgd: lrs.ExponentialLR(sgd, 0.7),
    "3.4.4 CosineAnnealingLR": lambda sgd: lrs.CosineAnnealingLR(sgd, 12),
    "3.4.5 ReduceLROnPlateau": lambda sgd: lrs.ReduceLROnPlateau(sgd, patience=0),
    "3.4.6 LambdaLR": lambda sgd: lrs.LambdaLR(sgd, lambda t: 1 / (1 + t)),
    "SequentialLR": warm_up,
    "OneCycleLR": lambda sgd: lrs.OneCycleLR(
        sgd, max_lr=0.2, total_steps=13, cycle_momentum=False
    ),
    "Cosine…WarmRestarts": lambda sgd: lrs.CosineAnnealingWarmRestarts(sgd, T_0=4),
    "PolynomialLR": lambda sgd: lrs.PolynomialLR(sgd, 12, power=2),
}
by_hand = {
    "SequentialLR": [0.05, 0.125] + [half_cosine(0.2, 0, t / 10) for t in range(10)],
    "OneCycleLR": one_cycle_by_hand(0.2, 13)[:12],
    "Cosine…WarmRestarts": [half_cosine(0.2, 0, t % 4 / 4) for t in range(12)],
    "PolynomialLR": [0.2 * (1 - t / 12) ** 2 for t in range(12)],
}
for name, rates in by_hand.items():
    check(name, rates, learning_rates(schedules[name](make_sgd(0.2)), 12)[:, 0])
with refused(ValueError, "Tried to step"):  # this one alone has an end
    learning_rates(schedules["OneCycleLR"](make_sgd(0.2)), 14)

# %%
# The same small network under each of them
# -----------------------------------------
# Four networks learn 640 handwritten digits side by side, so that luck averages out.
# Each batch has new noise upon its pixels: gradients stay noisy to the end, and with
# them the weights, unless the rate gets small.
digits = load_digits()
images, labels = (
    torch.tensor(digits.data / 16 - 0.3).float(),
    torch.tensor(digits.target),
)


def train(make_scheduler, images, labels, epochs=12, copies=4):
    """Return the rates and the shares of errors on the rest, of each epoch."""
    torch.manual_seed(0)
    w1 = (torch.randn(copies, 64, 32) / math.sqrt(32)).requires_grad_()
    w2 = (torch.randn(copies, 32, 10) / math.sqrt(32)).requires_grad_()
    b1, b2 = (torch.zeros(copies, 1, n, requires_grad=True) for n in (32, 10))
    optimizer = torch.optim.SGD([w1, b1, w2, b2], lr=0.2, momentum=0.9)
    scheduler, rates, errors = make_scheduler(optimizer), [], []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        for index in torch.rand(copies, 640).argsort(dim=1).split(16, dim=1):
            x = images[index] + 0.3 * torch.randn(copies, 16, 64)
            scores = torch.baddbmm(b2, torch.baddbmm(b1, x, w1).relu(), w2)
            loss = cross_entropy(scores.flatten(0, 1), labels[index].flatten()) * copies
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            hidden = (images[640:] @ w1 + b1).relu()
            wrong = (hidden @ w2 + b2).argmax(-1) != labels[640:]
        errors.append(wrong.double().mean().item())
        plateau = isinstance(scheduler, lrs.ReduceLROnPlateau)
        scheduler.step(*(errors[-1:] if plateau else []))
    return rates, errors


runs = {name: train(make, images, labels) for name, make in schedules.items()}
for name, (_rates, errors) in runs.items():
    print(f"{name:24}{100 * errors[-1]:5.1f} % errors")  # → constant rate …
constant, *scheduled = [errors[-1] for _rates, errors in runs.values()]
check_less("each of the ten beats the constant rate", scheduled, constant / 1.1)

# %%
# The picture
# -----------
fig = plt.figure(figsize=(9, 5.5), layout="constrained")
grid = fig.add_gridspec(len(runs), 2, width_ratios=(1, 3))
bars = fig.add_subplot(grid[:, 1])
colors = ["0.6"] + 6 * ["tab:blue"] + 4 * ["tab:green"]
for row, (rates, errors) in enumerate(runs.values()):
    curve = fig.add_subplot(grid[row, 0])
    curve.fill_between(range(12), rates, step="post", color=colors[row])
    curve.set(xticks=[], yticks=[], ylim=(0, 0.22))
    bars.barh(row, 100 * errors[-1], color=colors[row])
fig.axes[1].set_title("rate over 12 epochs")
bars.set(ylim=(len(runs) - 0.5, -0.5), xlabel="errors on unseen digits, %")
bars.set_title("every decay beats a constant rate")
bars.set_yticks(range(len(runs)), runs)
fig.savefig(RESULT / "what_a_schedule_buys.png")
