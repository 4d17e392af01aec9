r"""
4.5 confusion matrix · 混淆矩阵及其可视化
=========================================

Which class is taken for which: :math:`C_{ij}` counts the images of class :math:`i`, the
row, taken for class :math:`j`, the column. Recall is the share of a class's images that
are found; precision, of those taken for the class, the share that belongs to it.

.. math:: \text{recall}_i = C_{ii} / \sum_j C_{ij}, \;
          \text{precision}_j = C_{jj} / \sum_i C_{ij}

:use it: when the accuracy is known and the next question is what goes wrong
:the notes: their code divides by n + 1 against 0 / 0: every class looks too bad
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.metrics import confusion_matrix, precision_score, recall_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import Net, check, load_all, needs, read_weights, result_dir, show_classes

RESULT = result_dir(__file__)

# %%
# Eight images of three classes
# -----------------------------
# Each pair (label, predicted) is one cell: number the cells and count the numbers.


def count_pairs(labels, predicted, classes):
    """Return counts, (classes, classes), of labels (rows) and predictions (columns)."""
    cells = classes * np.asarray(labels) + np.asarray(predicted)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


labels, predicted = [0, 0, 0, 0, 1, 1, 1, 2], [0, 0, 1, 1, 1, 1, 1, 2]
counts = count_pairs(labels, predicted, 3)
print(counts.tolist())  # → [[2, 2, 0], [0, 3, 0], [0, 0, 1]]
check("as scikit-learn counts", counts, confusion_matrix(labels, predicted))

# %%
# Recall along the rows, precision down the columns
# -------------------------------------------------
right, images, answers = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
recall, precision = right / images, right / answers
print(recall, precision)  # → [0.5 1.  1. ] [1.  0.6 1. ]
check("recall", recall, recall_score(labels, predicted, average=None))
check("precision", precision, precision_score(labels, predicted, average=None))

# %%
# Pitfalls: n + 1, 0 / 0, and a class that does not occur
# -------------------------------------------------------
# The only image of class 2 is recognised, and n + 1 calls that 50 %. A class that is
# never predicted has no precision: count it as 0, on purpose. Give scikit-learn
# ``labels=range(3)``, or a class that it does not meet has no row.
print("divided by n + 1:", right / (images + 1))  # → divided by n + 1: [0.4  0.75 0.5 ]
score = precision_score([0, 1], [0, 0], average=None, zero_division=0)
check("0 / 0 counts as 0", np.array([1, 0]) / np.maximum([2, 0], 1), score)
print("no labels:", confusion_matrix([0, 1], [0, 0]).shape)  # → no labels: (2, 2)

# %%
# A picture for 10 classes and for 100
# ------------------------------------
# Shades are shares of the row, or large classes hide what happens to small ones; their
# square root makes rare mistakes visible. The worst cells are ringed.


def worst_confusions(counts, most):
    """Return up to ``most`` (true, predicted, share of the true class), worst first."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, 0)  # what is right is no confusion
    order = np.argsort(-share, axis=None, kind="stable")[:most]
    cells = [divmod(int(cell), len(share)) for cell in order]
    return [(*cell, share[cell]) for cell in cells if share[cell] > 0]


def draw_confusion(counts, classes, path, title):
    """Draw counts (true, predicted), shaded by row, and name the worst confusions."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    worst, step = worst_confusions(counts, 6), 1 if len(classes) <= 20 else 10
    shape = dict(figsize=(8, 4.2), width_ratios=(2, 1), layout="constrained")
    fig, (left, bars) = plt.subplots(1, 2, **shape)
    left.imshow(share**0.5, cmap="Blues", vmin=0, vmax=1)
    ticks, names = range(0, len(classes), step), classes[::step]
    left.set_xticks(ticks, names, rotation=90 if max(map(len, names)) > 3 else 0)
    left.set_yticks(ticks, names)
    left.set(title=title, xlabel="predicted class", ylabel="true class")
    for i, j in np.argwhere(counts) if step == 1 else ():
        color = "w" if share[i, j] > 0.3 else "k"
        left.text(j, i, counts[i, j], ha="center", va="center", color=color, size=8)
    for i, j, part in worst:
        left.plot(j, i, "o", ms=18 if step == 1 else 9, mfc="none", color="tab:red")
        bars.barh(f"{classes[i]} read as {classes[j]}", 100 * part, color="tab:red")
    bars.set(title="the worst confusions", xlabel="% of the true class", xlim=(0, 100))
    bars.invert_yaxis()
    fig.savefig(path)
    return fig


# %%
# Half a digit, read by the network of main.py
# --------------------------------------------
state, info = read_weights(needs("weights"))
classes, side = info["classes"], info["side"]
net = Net(len(classes))
net.load_state_dict(state)
pixels, labels = load_all(needs("index") / "test.txt", side)
half = pixels.permute(0, 3, 1, 2) / 255 * (torch.arange(side) >= side // 2)[:, None]
mean, std = torch.tensor([info["mean"], info["std"]])[:, :, None, None]
predicted = net((half - mean) / std).argmax(1)
counts = count_pairs(labels, predicted, len(classes))
worst = worst_confusions(counts, 6)
rows = confusion_matrix(labels, predicted, labels=range(len(classes)), normalize="true")
check("the worst share", worst[0][2], rows[worst[0][:2]])
title = f"upper half hidden: {100 * counts.trace() / counts.sum():.0f} % right"
draw_confusion(counts, classes, RESULT / "confusion_10.png", title)
seen = {}
for i, j, _ in worst:
    pictures = half[(labels == i) & (predicted == j)][:12]
    seen[f"{classes[i]} read as {classes[j]}"] = list(pictures)
show_classes(seen, RESULT / "misread.png", "half an image misleads the network")

# %%
# A hundred classes: six confusions are planted, and found
# --------------------------------------------------------
planted = [(13, 37), (37, 13), (5, 80), (80, 62), (90, 8), (55, 56)]
chance, shares = 0.002 + 0.8 * np.eye(100), [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
for (i, j), share in zip(planted, shares, strict=True):
    chance[i, [i, j]] += [-share, share]
counts = np.random.default_rng(0).multinomial(1000, chance)
found = worst_confusions(counts, 6)
check("the pairs, in order", planted, [pair for *pair, _ in found])
check("their shares", shares, [part for *_, part in found], atol=0.06)
names = [str(i) for i in range(100)]
draw_confusion(counts, names, RESULT / "confusion_100.png", "six confusions planted")
