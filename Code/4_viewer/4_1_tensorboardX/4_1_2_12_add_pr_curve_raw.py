r"""
4.1.2.12 add_pr_curve_raw · 由计数记录PR曲线
============================================

Log a precision-recall curve from counts of your own. Counts of batches add up: a data
set of any size needs a few numbers per threshold, and no list of all scores.

:signature: ``add_pr_curve_raw(tag, true_positive_counts, false_positive_counts,
            true_negative_counts, false_negative_counts, precision, recall,
            global_step=None, num_thresholds=127, weights=None, walltime=None)``
:counts:    like ``precision`` and ``recall`` T numbers each, one per threshold; the
            thresholds go up evenly from 0 to 1
:in the event file: the container ``tensors``, under ``tag``: float32 of shape (6, T);
            with it ``num_thresholds``, at most 127
:the notes: log 5 points, and leave ``num_thresholds`` at 127
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_12_add_pr_curve_raw``,
    the panel *PR Curves*
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing import plugin_event_multiplexer as multiplexer
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.pr_curve.metadata import parse_plugin_metadata
from tensorboard.plugins.pr_curve.pr_curves_plugin import PrCurvesPlugin
from tensorboard.util.tensor_util import make_ndarray
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, fresh_dir, read_events, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# Count, on paper
# ---------------
# True positives (TP) are 8s that score at least the threshold, false positives (FP) are
# others that do. Of what scores less, 8s are false negatives, others true negatives.


def count(scores, positive, thresholds):
    """Return TP, FP, TN, FN at each threshold, (4, T), of scores and booleans (N,)."""
    above = scores >= thresholds[:, None]
    cells = above & positive, above & ~positive, ~above & ~positive, ~above & positive
    return np.stack([cell.sum(1) for cell in cells])


def with_precision_recall(counts):
    """Append precision and recall to counts (4, T); 0 where they would be 0 / 0."""
    tp, fp, _, fn = counts
    return np.stack([*counts, tp / np.maximum(tp + fp, 1), tp / np.maximum(tp + fn, 1)])


scores, positive = np.array([0.1, 0.4, 0.5, 0.6, 0.9]), np.array([0, 0, 1, 0, 1]) > 0
small = count(scores, positive, thresholds=np.linspace(0, 1, 5))
print("TP", *small[0], "FP", *small[1])  # → TP 2 2 2 1 0 FP 3 2 1 0 0
print("TN", *small[2], "FN", *small[3])  # → TN 0 1 2 3 3 FN 0 0 0 1 2

# %%
# Log a classifier that learns to tell 8s, batch by batch
# -------------------------------------------------------
# It learns from 900 digits. Of the 897 others, in batches of 100, only the counts are
# kept. ``add_pr_curve``, which needs all scores at once, shall agree.
x, digit = load_digits(return_X_y=True)
is_8, w, even, logged = digit == 8, np.zeros(64), np.linspace(0, 1, 65), {}
with SummaryWriter(str(LOG)) as writer:
    for step in range(301):
        p = 1 / (1 + np.exp(-x @ w / 16))
        if step in (10, 50, 300):
            batches = [slice(i, i + 100) for i in range(900, 1797, 100)]
            counts = [count(p[batch], is_8[batch], even) for batch in batches]
            logged[step] = with_precision_recall(sum(counts))
            writer.add_pr_curve_raw("8", *logged[step], step, 65, walltime=1e9)
            writer.add_pr_curve("8_at_once", is_8[900:], p[900:], step, 65)
        w += x[:900].T @ (is_8 - p)[:900] / 900 / 16  # gradient descent
events = read_events(LOG)
raw, at_once = events.Tensors("8"), events.Tensors("8_at_once")
check("steps, time", [(s, 1e9) for s in logged], [(e.step, e.wall_time) for e in raw])
for name, read in (("read back", raw), ("all at once", at_once)):
    rows = [make_ndarray(event.tensor_proto) for event in read]
    check(f"{name}: six rows at three steps", list(logged.values()), rows)

# %%
# Pitfall: ``num_thresholds`` need not fit what you log
# -----------------------------------------------------
# It is not compared with the data; TensorBoard draws the points that are there. Give it
# for other readers of the file. ``weights`` changes nothing: weigh the counts yourself.
log, p, is_8 = fresh_dir(RESULT / "traps"), p[900:], is_8[900:]
uneven = np.sort(p)[::9]  # 100 thresholds, most of them near 0
points = with_precision_recall(count(p, is_8, uneven))
with SummaryWriter(str(log)) as writer:
    writer.add_pr_curve_raw("notes", *points[:, ::20])
    writer.add_pr_curve_raw("uneven", *points, num_thresholds=500, weights=0.5)
events = read_events(log)
for tag in ("notes", "uneven"):
    recorded = parse_plugin_metadata(events.SummaryMetadata(tag).plugin_data.content)
    shape = make_ndarray(events.Tensors(tag)[0].tensor_proto).shape
    print(f"{tag}: recorded {recorded.num_thresholds}, data {shape}")
# → notes: recorded 127, data (6, 5)
# → uneven: recorded 127, data (6, 100)

# %%
# Pitfall: TensorBoard makes the thresholds up
# --------------------------------------------
# They are not in the file. What its plugin hands to the browser: the right points, and
# beside them thresholds from 0 to 1 at even distances.
runs = multiplexer.EventMultiplexer().AddRunsFromDirectory(str(RESULT)).Reload()
plugin = PrCurvesPlugin(TBContext(data_provider=MultiplexerDataProvider(runs, "")))
(shown,) = plugin.pr_curves_impl(RequestContext(), "", ["traps"], "uneven")["traps"]
check("uneven: precision", points[4], shown["precision"])
check("weights=0.5: TP is not halved", points[0], shown["true_positives"])
check("thresholds as if even", np.linspace(0, 1, 100), shown["thresholds"])
check_less("in truth the 80th of 100 is small", uneven[79], 0.1)

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for curve in plugin.pr_curves_impl(RequestContext(), "", ["log"], "8")["log"]:
    left.plot(curve["recall"], curve["precision"], label=f"step {curve['step']}")
left.set(title="Is it an 8? Learning lifts the curve")
left.set(xlabel="recall", ylabel="precision", ylim=(0, 1.05))
left.legend(loc="lower left", fontsize="small")
right.plot(uneven, points[4], label="true thresholds")
right.plot(shown["thresholds"], shown["precision"], "--", label="TensorBoard's")
right.set(title="Uneven thresholds are shown as even")
right.set(xlabel="threshold", ylabel="precision")
right.legend(loc="center")
fig.savefig(RESULT / "pr_curves.png")
