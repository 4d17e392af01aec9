r"""
5.3 losses · 损失函数速查
=========================

The seventeen losses of chapter 3.1: what each takes, what it gives, and its formula.

:returns: the mean; with ``reduction="none"`` a number for each element, or each sample
:use it:  to look up. Lesson 3.1.0 says which to take, 3.1.1 to 3.1.17 explain each.
:the notes: without PoissonNLLLoss and MultiLabelMarginLoss; TripleMarginLoss is a typo;
          SoftMarginLoss is for two classes, MultiLabelSoftMarginLoss for many labels.
:then → now: NLLLoss takes pictures too; NLLLoss2d is deprecated.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, refused, result_dir, warned

RESULT = result_dir(__file__)
torch.manual_seed(0)
x, y = 2 * torch.randn(2, 3, 4, dtype=torch.float64)  # 3 samples, 4 numbers or classes
sheet = {}  # loss: what it is called with, and what ``reduction="none"`` gives

# %%
# Numbers: L1Loss, MSELoss, SmoothL1Loss, PoissonNLLLoss
# ------------------------------------------------------
# The last takes the logarithm of a rate, and a count.
d, count = (x - y).abs(), y.abs().ceil()
sheet[nn.L1Loss()] = (x, y), (x - y).abs()
sheet[nn.MSELoss()] = (x, y), d**2
sheet[nn.SmoothL1Loss()] = (x, y), torch.where(d < 1, d**2 / 2, d - 0.5)
sheet[nn.PoissonNLLLoss()] = (x, count), x.exp() - count * x

# %%
# One class of several: CrossEntropyLoss, NLLLoss, NLLLoss2d, KLDivLoss, MultiMarginLoss
# --------------------------------------------------------------------------------------
# NLLLoss and KLDivLoss take log-probabilities, the others scores. The target is an
# index; of KLDivLoss, probabilities. ``batchmean`` divides by the number of samples.
index, log_p, share = torch.tensor([2, 0, 3]), x.log_softmax(1), y.softmax(1)
i, kl = range(3), share * (share.log() - log_p)
hinge = (1 - x[:, :, None] + x[:, None, :]).relu()  # what j's lead over k lacks of 1
sheet[nn.CrossEntropyLoss()] = (x, index), x.exp().sum(1).log() - x[i, index]
sheet[nn.NLLLoss()] = (log_p, index), -log_p[i, index]
sheet[nn.KLDivLoss(reduction="batchmean")] = (log_p, share), kl
sheet[nn.MultiMarginLoss()] = (x, index), (hinge[i, index].sum(1) - 1) / 4  # k ≠ j
image, labels = log_p.T[None, :, None], index[None, None]  # (1, 4, 1, 3), (1, 1, 3)
with warned(FutureWarning, "`NLLLoss2d` has been deprecated"):
    check("NLLLoss2d", nn.NLLLoss2d()(image, labels), nn.NLLLoss()(image, labels))

# %%
# Yes or no: BCE, BCEWithLogits, MultiLabelSoftMargin, SoftMargin, MultiLabelMarginLoss
# -------------------------------------------------------------------------------------
# BCELoss takes probabilities, the others scores. For SoftMarginLoss no is -1, not 0.
# MultiLabelMarginLoss takes the indices of those with a yes, ended by -1.
yes, p = (y > 0).double(), x.sigmoid()
sign, bce = 2 * yes - 1, x.exp().log1p() - yes * x  # log1p(e) = log(1 + e)
sheet[nn.BCELoss()] = (p, yes), -yes * p.log() - (1 - yes) * (1 - p).log()
sheet[nn.BCEWithLogitsLoss()] = (x, yes), bce
sheet[nn.MultiLabelSoftMarginLoss()] = (x, yes), bce.mean(1)
sheet[nn.SoftMarginLoss()] = (x, sign), (-sign * x).exp().log1p()
lists = torch.tensor([[2, -1, 0, 0], [0, 1, 3, -1], [1, 3, -1, 0]])
own = torch.tensor([[0, 0, 1, 0], [1, 1, 0, 1], [0, 1, 0, 1]])
pairs = hinge * own[:, :, None] * (1 - own)[:, None, :]
sheet[nn.MultiLabelMarginLoss()] = (x, lists), pairs.sum((1, 2)) / 4

# %%
# Pairs: MarginRankingLoss, HingeEmbeddingLoss, CosineEmbeddingLoss; TripletMarginLoss
# ------------------------------------------------------------------------------------
# 1 asks for a higher first score, a small distance, like vectors, -1 for the opposite.
# A triplet is an anchor, one like it and one unlike it, and needs no target.
a, b, c = torch.randn(3, 3, 4, dtype=torch.float64)
u, v, one = a[:, 0], b[:, 0], torch.tensor([1.0, -1.0, 1.0]).double()
near, far = (a - b + 1e-6).norm(dim=1), (a - c + 1e-6).norm(dim=1)
cos = (a * b).sum(1) / a.norm(dim=1) / b.norm(dim=1)
by_hand = torch.where(one > 0, 1 - cos, (cos - 0.1).relu())
sheet[nn.MarginRankingLoss(0.5)] = (u, v, one), (0.5 - one * (u - v)).relu()
sheet[nn.HingeEmbeddingLoss(2.0)] = (d, sign), torch.where(sign > 0, d, (2 - d).relu())
sheet[nn.CosineEmbeddingLoss(0.1)] = (a, b, one), by_hand
sheet[nn.TripletMarginLoss(1.0)] = (a, b, c), (near - far + 1.0).relu()
with refused(AttributeError, "no attribute 'TripleMarginLoss'"):
    nn.TripleMarginLoss()

# %%
# The sheet: what goes in, what ``reduction="none"`` gives, the mean
# ------------------------------------------------------------------
for loss, (inputs, by_hand) in sheet.items():
    name, mean = type(loss).__name__, loss(*inputs)
    mean_by_hand = by_hand.mean() if loss.reduction == "mean" else by_hand.sum() / 3
    loss.reduction = "none"
    each = loss(*inputs)
    check(f"{name}: none, mean", [by_hand, mean_by_hand], [each, mean], 1e-10, 0)
    cells = [f"{tuple(t.shape)} {str(t.dtype)[6:]}" for t in (*inputs, each)]
    print(f"{name}:", *cells, f"{mean:.4f}")
# → L1Loss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.9632
# → MSELoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 5.7151
# → SmoothL1Loss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.5015
# → PoissonNLLLoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 5.0294
# → CrossEntropyLoss: (3, 4) float64 (3,) int64 (3,) float64 1.9965
# → NLLLoss: (3, 4) float64 (3,) int64 (3,) float64 1.9965
# → KLDivLoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.4583
# → MultiMarginLoss: (3, 4) float64 (3,) int64 (3,) float64 0.8558
# → BCELoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.0232
# → BCEWithLogitsLoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.0232
# → MultiLabelSoftMarginLoss: (3, 4) float64 (3, 4) float64 (3,) float64 1.0232
# → SoftMarginLoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.0232
# → MultiLabelMarginLoss: (3, 4) float64 (3, 4) int64 (3,) float64 1.0682
# → MarginRankingLoss: (3,) float64 (3,) float64 (3,) float64 (3,) float64 0.9533
# → HingeEmbeddingLoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 1.5824
# → CosineEmbeddingLoss: (3, 4) float64 (3, 4) float64 (3,) float64 (3,) float64 0.4248
# → TripletMarginLoss: (3, 4) float64 (3, 4) float64 (3, 4) float64 (3,) float64 0.8228

# %%
# The picture
# -----------
shade = dict.fromkeys([x, a, b, c, u, v], "lightblue")
shade |= dict.fromkeys([y, count, index, share, yes, sign, one, lists], "orange")
shade |= {p: "yellowgreen", log_p: "cyan", d: "plum"}
fig, ax = plt.subplots(figsize=(9, 5.8), layout="constrained")
for place, (loss, (inputs, by_hand)) in enumerate(sheet.items()):
    left, top = 18 * (place // 6), -5 * (place % 6)
    ax.text(left - 0.5, top + 0.8, type(loss).__name__)
    for block in (*inputs, by_hand):
        grid, color = block.reshape(3, -1).numpy(), shade.get(block, "lightgray")
        rows, columns = np.indices(grid.shape)
        ax.scatter(left + columns, top - rows, 100, color, marker="s")
        if color == "orange" and np.array_equal(grid, grid.round()):
            for (i, j), value in np.ndenumerate(grid):
                word = f"{value:.0f}" + "." * block.is_floating_point()
                ax.text(left + j, top - i, word, ha="center", va="center", size=7)
        left += grid.shape[1] + 1
ax.axis("off")
ax.set_title("Input, target (orange; 1: int64, 1.: float), result (gray)", pad=12)
fig.supxlabel("blue: number, green: probability, cyan: its log, plum: distance")
fig.savefig(RESULT / "what_goes_in.png")
