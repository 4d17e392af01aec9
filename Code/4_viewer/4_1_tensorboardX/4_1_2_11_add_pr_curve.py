r"""
4.1.2.11 add_pr_curve · 记录 PR 曲线
====================================

Log how a yes/no classifier trades precision for recall. A threshold :math:`t` decides
from which probability on the answer is yes. Of those that get a yes, precision is the
share that deserves it; of those that deserve a yes, recall is the share that gets it.

.. math:: \text{precision} = \frac{TP}{TP + FP}, \quad
          \text{recall} = \frac{TP}{TP + FN}

:signature: ``add_pr_curve(tag, labels, predictions, global_step=None,
            num_thresholds=127, weights=None, walltime=None)``
:labels:      0 or 1, or booleans, (N,)
:predictions: probabilities in [0, 1], (N,)
:thresholds:  :math:`t_k = k / (\text{num\_thresholds} - 1)`, 127 at most
:in the event file: the container ``tensors``, under ``tag``: six rows TP, FP, TN, FN,
            precision and recall, one column per threshold
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_11_add_pr_curve``,
    the panel *PR Curves*
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import precision_recall_curve, precision_score
from tensorboard.util.tensor_util import make_ndarray
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# Log a classifier while it learns: is this digit an 8?
# -----------------------------------------------------
# Logistic regression on 1797 digits, of which about a tenth are 8s.
digits = load_digits()
x, y = torch.tensor(digits.data / 16), torch.tensor(digits.target == 8).double()
w = torch.zeros(64, dtype=torch.float64, requires_grad=True)
logged = {}
with SummaryWriter(str(LOG)) as writer:
    for step in range(301):
        probability = (x @ w - 2).sigmoid()
        if step in (3, 30, 300):
            logged[step] = probability.detach().numpy()
            writer.add_pr_curve("is_8", y, probability, step)
        loss = torch.nn.functional.binary_cross_entropy(probability, y)
        w.data -= 2 * torch.autograd.grad(loss, w)[0]
labels = y.numpy()

# %%
# Read it back
# ------------
events = read_events(LOG).Tensors("is_8")
curves = {event.step: make_ndarray(event.tensor_proto) for event in events}
check("steps", list(logged), list(curves))
print("shape:", curves[300].shape)  # → shape: (6, 127)

# %%
# By hand: count, at each threshold
# ---------------------------------


def pr_curve(labels, predictions, num_thresholds=127):
    """Return (6, num_thresholds): TP, FP, TN, FN, precision and recall, as float64."""
    thresholds = np.arange(num_thresholds)[:, None] / (num_thresholds - 1)
    yes, true = predictions >= thresholds, labels > 0
    tp, fp = (yes & true).sum(1), (yes & ~true).sum(1)
    tn, fn = (~yes & ~true).sum(1), (~yes & true).sum(1)
    return np.stack([tp, fp, tn, fn, tp / np.maximum(tp + fp, 1), tp / (tp + fn)])


for step, read in curves.items():
    check(f"step {step}: all six rows", pr_curve(labels, logged[step]), read)

# %%
# scikit-learn takes every score for a threshold: round the scores down to ours. Where
# nothing gets a yes, it calls the precision 1, and tensorboardX 0.
rounded = np.floor(logged[300] * 126).astype(int)
precision, recall, thresholds = precision_recall_curve(labels, rounded)
check("precision, as scikit-learn", precision[:-1], curves[300][4, thresholds])
check("recall, as scikit-learn", recall[:-1], curves[300][5, thresholds])
print(precision[-1], curves[300][4, -1])  # → 1.0 0.0

# %%
# ``num_thresholds``, ``weights``, ``walltime``, and two pitfalls
# ---------------------------------------------------------------
# A weight counts a sample so many times. Raw scores in place of probabilities, and
# class numbers as labels, are not refused.
log = fresh_dir(RESULT / "arguments")
final, scores = logged[300], (x @ w - 2).detach().numpy()
weights = np.where(labels > 0, 2.0, 0.5)
with SummaryWriter(str(log)) as writer:
    writer.add_pr_curve("few", labels, final, 0, num_thresholds=5, walltime=1e9)
    writer.add_pr_curve("many", labels, final, 0, num_thresholds=1000)
    writer.add_pr_curve("weighted", labels, final, 0, weights=weights)
    writer.add_pr_curve("scores", labels, scores, 0)
    writer.add_pr_curve("classes", digits.target, final, 0)
found = read_events(log)
check("walltime", 1e9, found.Tensors("few")[0].wall_time)
tags = found.Tags()["tensors"]
read = {tag: make_ndarray(found.Tensors(tag)[0].tensor_proto) for tag in tags}
check("5 thresholds", pr_curve(labels, final, 5), read["few"])
print("1000 thresholds:", read["many"].shape[1])  # → 1000 thresholds: 127
tp, fp, *_ = pr_curve(labels, final)
check("weighted TP, FP", [2 * tp, 0.5 * fp], read["weighted"][:2])
by_hand = precision_score(labels, final >= 0.5, sample_weight=weights)
check("weighted precision at 63 / 126", by_hand, read["weighted"][4, 63])

# %%
# Scores beyond [0, 1] are left out: take ``sigmoid`` first. An image of class 8 counts
# as eight that deserve a yes and minus seven that don't: write ``target == 8``.
counted = read["scores"][:2, 0].sum()
print(f"{counted:.0f} of {len(labels)} scores")  # → 39 of 1797 scores
check("as are within", ((scores >= 0) & (scores < 127 / 126)).sum(), counted)
eights = [digits.target.sum(), (1 - digits.target).sum()]
check("TP, FP: sums over the class numbers", eights, read["classes"][:2, 0])

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for step, read in curves.items():
    shown = read[:, read[0] + read[1] > 0]
    left.plot(shown[5], shown[4], label=f"step {step}")
left.set(title="training lifts the curve", xlabel="recall", ylabel="precision")
left.legend(loc="lower left")
for row, name in ((4, "precision"), (5, "recall")):
    right.plot(np.arange(127) / 126, curves[300][row], label=f"{name}, step 300")
right.set(title="the threshold trades recall for precision", xlabel="threshold")
right.legend(loc="lower center")
fig.savefig(RESULT / "pr_curves.png")
