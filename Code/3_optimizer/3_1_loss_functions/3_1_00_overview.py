r"""
3.1.0 overview · 十七个损失函数
===============================

Seventeen ways to say how wrong an output is. Which to take follows from what you have:

=================== ======================== ===========================================
your output         your target              loss
=================== ======================== ===========================================
a number            a number                 MSELoss
a number            a number, with outliers  SmoothL1Loss, L1Loss, HuberLoss
a mean and variance a number                 GaussianNLLLoss
the log of a rate   a count                  PoissonNLLLoss
C scores            the index of the class   CrossEntropyLoss, MultiMarginLoss
C log-probabilities the index of the class   NLLLoss
C log-probabilities C probabilities          KLDivLoss
the same, over time indices, without times   CTCLoss
a score             1 or -1                  SoftMarginLoss
scores              0 or 1 for each          BCEWithLogitsLoss, MultiLabelSoftMarginLoss
probabilities       0 or 1 for each          BCELoss
C scores            indices, ended by -1     MultiLabelMarginLoss
two scores          1 or -1: which is higher MarginRankingLoss
a distance          1 (near) or -1 (far)     HingeEmbeddingLoss
two vectors         1 (alike) or -1          CosineEmbeddingLoss
two alike, one not  none: the order tells    TripletMarginLoss
=================== ======================== ===========================================
"""

import itertools
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision.ops import sigmoid_focal_loss

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, result_dir

RESULT = result_dir(__file__)

# %%
# Seventeen losses
# ----------------
# Each with its x-axis, its inputs, and one target or two, blue and red.
x, zero, one = torch.linspace(-3, 3, 301), torch.zeros(301), torch.ones(301)
p, d, angle = torch.linspace(0.01, 0.99, 301), (x + 3) / 2, 30 * (x + 3)
columns, far = (one[:, None], zero[:, None]), 1 + d[:, None]
pair, log_p = torch.stack([x, zero], 1), torch.stack([p, 1 - p], 1).log()
labels = torch.tensor([[0, -1], [1, -1]]).expand(301, 2, 2).unbind(1)
turned = torch.stack([angle.deg2rad().cos(), angle.deg2rad().sin()], 1)
fixed, share = turned[:1].expand(301, 2), torch.tensor([0.7, 0.3]).expand(301, 2)
classes, signs, bits = (zero.long(), one.long()), (one, -one), (one, zero)
losses = {
    "L1Loss MSELoss SmoothL1Loss": ("error", x, (x,), (zero,)),
    "PoissonNLLLoss": ("log of the rate (count: 3)", x, (x,), (3 * one,)),
    "CrossEntropyLoss": ("lead of class 0", x, (pair,), classes),
    "NLLLoss": ("probability of class 0", p, (log_p,), classes),
    "KLDivLoss": ("probability (target: 0.7)", p, (log_p,), (share,)),
    "MultiMarginLoss": ("lead of class 0", x, (pair,), classes),
    "SoftMarginLoss": ("score", x, (x,), signs),
    "BCELoss": ("probability", p, (p,), bits),
    "BCEWithLogitsLoss": ("score", x, (x,), bits),
    "MultiLabelMarginLoss": ("lead of class 0", x, (pair,), labels),
    "MultiLabelSoftMarginLoss": ("score", x, (x[:, None],), columns),
    "MarginRankingLoss": ("first - second score", x, (x, zero), signs),
    "HingeEmbeddingLoss": ("distance", d, (d,), signs),
    "CosineEmbeddingLoss": ("angle, degrees", angle, (fixed, turned), signs),
    "TripletMarginLoss": ("to the negative (positive: 1)", d, columns, (far,)),
}
fig = plt.figure(figsize=(11, 8), layout="constrained")
axes = fig.subplot_mosaic("ABCD.;EFGHI;JKLM.;NOPQ.")
groups = ("regression", "classification", "multi-label", "ranking, embedding")
for place, group in zip("AEJN", groups, strict=True):
    axes[place].set_ylabel(group, fontsize="large")
places, curves = iter(axes.values()), {}
for names, (label, at, inputs, targets) in losses.items():
    for name in names.split():
        loss_of, ax = getattr(nn, name)(reduction="none"), next(places)
        curves[name] = [loss_of(*inputs, y).reshape(301, -1).sum(1) for y in targets]
        for curve, color in zip(curves[name], ("tab:blue", "tab:red"), strict=False):
            ax.plot(at, curve, color)
        ax.set_title(name, fontsize="medium")
        ax.set_xlabel(label)
print(len(curves), "losses")  # → 17 losses
fig.suptitle("Seventeen losses (where two: blue 1, class 0; red 0, -1, class 1)")
fig.savefig(RESULT / "losses.png")

# %%
# Many a curve comes twice. Four losses are the same: CrossEntropyLoss of the scores x
# and 0, and three losses of x alone, each with its own way to write the target.
for name in ("SoftMarginLoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"):
    check(f"CrossEntropyLoss = {name}", curves["CrossEntropyLoss"], curves[name])
check("NLLLoss = BCELoss", curves["NLLLoss"], curves["BCELoss"])
check("both hinge losses", curves["MultiMarginLoss"], curves["MultiLabelMarginLoss"])

# %%
# What came after them
# --------------------
# HuberLoss is δ times SmoothL1Loss; GaussianNLLLoss lets a network say how unsure it
# is; TripletMarginWithDistanceLoss takes a distance of yours, here a sum of squares.
torch.manual_seed(0)
a, b, c = 2 * torch.randn(3, 5, 4, dtype=torch.float64)
error, variance = (a - b).abs(), c.exp()
by_hand = torch.where(error < 2, error**2 / 2, 2 * (error - 1)).mean()
check("HuberLoss", by_hand, nn.HuberLoss(delta=2.0)(a, b))
check("  = δ SmoothL1Loss", by_hand, 2 * nn.SmoothL1Loss(beta=2.0)(a, b))
by_hand = ((2 * torch.pi * variance).log() + error**2 / variance).mean() / 2
check("GaussianNLLLoss", by_hand, nn.GaussianNLLLoss(full=True)(a, b, variance))
by_hand = (((a - b) ** 2).sum(1) - ((a - c) ** 2).sum(1) + 3).clamp(min=0).mean()
loss_of = nn.TripletMarginWithDistanceLoss(
    distance_function=lambda u, v: (u - v).square().sum(1), margin=3.0
)
check("TripletMarginWithDistanceLoss", by_hand, loss_of(a, b, c))

# %%
# Label smoothing gives a share ε of the target to all C classes alike. The focal loss
# multiplies BCEWithLogitsLoss by (1 - probability of the truth)^γ, so that what is easy
# hardly counts, and by α for a yes, 1 - α for a no.
index, yes = torch.tensor([0, 1, 2, 3, 0]), (b > 0).double()
target = 0.9 * torch.eye(4)[index] + 0.1 / 4
by_hand = -(target * a.log_softmax(1)).sum(1).mean()
check("label smoothing", by_hand, nn.CrossEntropyLoss(label_smoothing=0.1)(a, index))
truth = torch.where(b > 0, a.sigmoid(), 1 - a.sigmoid())
by_hand = -(0.75 - 0.5 * yes) * (1 - truth) ** 2 * truth.log()
check("sigmoid_focal_loss", by_hand, sigmoid_focal_loss(a, yes, alpha=0.25, gamma=2))

# %%
# CTCLoss is for speech and handwriting, where nobody says which moment is which letter.
# It adds up the probabilities of all paths that spell the target once repeats, and then
# blanks (0), are struck out. The mean divides its -log by the length of the target.
log_p = a.log_softmax(1)  # 5 moments, 4 classes
paths = itertools.product(range(4), repeat=5)
fit = [p for p in paths if [k for k, _ in itertools.groupby(p) if k] == [2, 1, 1]]
print(len(fit), "of 1024 paths spell 2, 1, 1")  # → 7 of 1024 paths spell 2, 1, 1
by_hand = -sum(log_p[range(5), path].sum().exp() for path in fit).log() / 3
ctc = nn.CTCLoss()(log_p[:, None], torch.tensor([[2, 1, 1]]), (5,), (3,))
check("CTCLoss", by_hand, ctc)
