r"""
4.1.2.3 add_histogram · 记录直方图
==================================

Log how many weights, gradients or predictions lie where: it shows what a mean hides.

:signature: ``add_histogram(tag, values, global_step=None, bins="tensorflow",
            walltime=None, max_bins=None)``
:values:    a tensor or array of any shape, or a list
:bins:      by default, the edges 0, :math:`\pm 10^{-12} \cdot 1.1^k`; or a number of
            equal bins, a list of edges, a rule of ``numpy.histogram``, as ``"auto"``
:in the event file: the containers ``histograms`` and ``distributions``: the counts and
            right edges of bins, and number, min, max, sum, sum of squares of the values
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_03_add_histogram``,
    the panels *Histograms* and *Distributions*
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, fresh_dir, read_events, refused, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# Log how sure a classifier is
# ----------------------------
# The probability that it gives to the right class of each of 1797 digits, as it learns.
digits = load_digits()
x, y = torch.tensor(digits.data / 16), torch.tensor(digits.target)
w = torch.zeros(10, 64, dtype=torch.float64, requires_grad=True)
fine, signed, logged = np.linspace(0, 1, 41), digits.data[0] - 8, {}
with SummaryWriter(str(LOG)) as writer:
    for step in range(161):
        sure = (x @ w.T).softmax(1).gather(1, y[:, None]).squeeze(1)
        if step in (5, 10, 20, 40, 80, 160):
            logged[step] = sure.detach().numpy()
            writer.add_histogram("sure", sure, step, bins=fine)
            writer.add_histogram("sure_default", sure, step)
        w.data -= torch.autograd.grad(-sure.log().mean(), w)[0]
    writer.add_histogram("signed", signed)

# %%
# Read it back
# ------------
# The sums are exact, whatever the bins: they give the mean and the variance.
events, final = read_events(LOG), logged[160]
histograms = {e.step: e.histogram_value for e in events.Histograms("sure")}
for step, values in logged.items():
    read = histograms[step]
    by_hand = [len(values), values.min(), values.max(), values.mean(), values.var()]
    mean, square = read.sum / read.num, read.sum_squares / read.num
    found = [read.num, read.min, read.max, mean, square - mean**2]
    check(f"step {step}: number, min, max, mean, variance", by_hand, found, atol=1e-9)

# %%
# By hand: the default bins
# -------------------------
# Every edge is 1.1 times the one before, both ways from 0: tiny and huge values fit.
# Empty bins outside are left out, but for one. (``signed`` has values on both sides.)


def histogram_by_hand(values, first=1e-12, last=1e20):
    """Return the right edges and the counts of the bins, after one empty bin."""
    edges = [first]
    while edges[-1] * 1.1 < last:
        edges.append(edges[-1] * 1.1)
    edges = np.array([-edge for edge in reversed(edges)] + [0.0] + edges)
    place = np.searchsorted(edges, values, side="right")  # an edge belongs to its right
    low, high = place.min() - 1, place.max() + 1
    return edges[low:high], np.bincount(place)[low:high]


for tag, values in (("signed", signed), ("sure_default", final)):
    read = events.Histograms(tag)[-1].histogram_value
    edges, counts = histogram_by_hand(values)
    check(f"{tag}: right edges", edges, read.bucket_limit, rtol=1e-10, atol=1e-15)
    check(f"{tag}: counts", counts, read.bucket)

# %%
# Pitfall: the default is coarse where values are large
# -----------------------------------------------------
# A bin is a tenth as wide as its values are large. More than half of the digits, all
# above 0.917, fall into one: give ``bins`` where you know the range.
print("last bin from", round(read.bucket_limit[-2], 3))  # → last bin from 0.917
check_less("more than half of all are in it", 0.5, read.bucket[-1] / read.num)

# %%
# Other bins
# ----------
# What lies outside of your own edges is not counted. ``max_bins`` is no maximum: it
# merges neighbours, here 100 // 30 = 3 at a time, and 34 are left.
choices = {"edges": [0.5, 0.8, 1.0], "number": 10, "rule": "auto"}
log = fresh_dir(RESULT / "bins")
with SummaryWriter(str(log)) as writer:
    for tag, bins in choices.items():
        writer.add_histogram(tag, final, 0, bins, walltime=1_000_000_000)
    writer.add_histogram("merged", final, 0, bins=100, max_bins=30)
    with refused(ValueError, "no element"):
        writer.add_histogram("empty", final[:0])
    with refused(TypeError, "BFloat16"):
        writer.add_histogram("bfloat16", sure.bfloat16())  # .float() first
    with refused(NotImplementedError, "NoneType"):
        writer.add_histogram("gradient", w.grad)  # there is none yet
events_of = read_events(log).Histograms
for tag, bins in choices.items():
    (event,), (counts, edges) = events_of(tag), np.histogram(final, bins)
    read = event.histogram_value
    found = [*read.bucket, *read.bucket_limit, event.wall_time]
    check(f"{tag}: counts, edges, walltime", [0, *counts, *edges, 1e9], found)
threes = np.add.reduceat(np.histogram(final, bins=100)[0], range(0, 100, 3))
read = events_of("merged")[0].histogram_value
check(f"max_bins=30: {len(threes)} bins", [0, *threes], read.bucket)

# %%
# The picture
# -----------
# TensorBoard shows a ridge per step, and bands between quantiles around the median.
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for row, read in enumerate(histograms.values()):
    middles = np.array(read.bucket_limit) - 0.0125  # of bins 0.025 wide
    left.fill_between(middles, -row, np.array(read.bucket) / 400 - row, zorder=row)
left.set_yticks(range(0, -6, -1), [f"step {step}" for step in histograms])
left.set(title="Histograms: most move to 1", xlabel="probability of the right class")
quantiles = [e.compressed_histogram_values for e in events.CompressedHistograms("sure")]
lines = np.array(quantiles)[:, :, 1].T
for low, high in zip(lines[:4], lines[:4:-1], strict=True):
    right.fill_between(list(histograms), low, high, color="tab:blue", alpha=0.2, lw=0)
right.plot(list(histograms), lines[4], "k")
right.set(title="Distributions: some stay behind", xlabel="step", ylabel="probability")
fig.savefig(RESULT / "ridges_and_bands.png")
