r"""
1.5.1 compute_mean · 计算均值和标准差
=====================================

Mean and standard deviation of each channel over the training set: exact, by counting.

.. math:: n = \sum_v c_v, \quad \mu = \frac{1}{n} \sum_v v \, c_v, \quad
          \sigma = \frac{1}{n} \sqrt{n \sum_v v^2 c_v - (n \mu)^2}

:input:  ``Data/<data set>/train.txt`` and its images, scaled to 32 x 32 pixels
:leaves: ``Data/<data set>/mean_std.json``, for pixels in [0, 1]
:memory: one image, and 256 counts :math:`c_v` per channel
:use it: for ``Normalize`` (lesson 1.5.2), on the validation and test images too: the
         network must see all images on the scale that it learned on.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    OFFICIAL_MD5,
    arguments,
    check,
    fingerprint,
    fit,
    load_image,
    make,
    needs,
    read_batches,
    read_index,
    result_dir,
)

RESULT = result_dir(__file__)
data = arguments(__doc__).parse_args().dataset
index = needs("index", data) / "train.txt"
paths, _ = read_index(index)

# %%
# Count the values
# ----------------
# 256 counts per channel sum up a set of any size, and whole numbers are exact.


def count_values(images):
    """Return how often each value occurs, (C, 256), in images: uint8 (..., C)."""
    channels = images.reshape(-1, images.shape[-1]).T
    return np.stack([np.bincount(channel, minlength=256) for channel in channels])


def mean_and_std(counts):
    """Return mean and std per channel, of pixels in [0, 1], from counts (C, 256)."""
    counts = counts.astype(object)  # Python's whole numbers never overflow
    values = np.arange(256)
    n, total, squares = counts.sum(1), counts @ values, counts @ values**2
    std = np.sqrt((n * squares - total**2).astype(float)) / n
    return {"mean": list(total / n / 255), "std": list(std / 255)}


two_pixels = np.array([[0, 51, 9], [255, 102, 9]], np.uint8)  # red, green, blue
by_hand = {"mean": [1 / 2, 3 / 10, 9 / 255], "std": [1 / 2, 1 / 10, 0]}
check("two pixels", by_hand, mean_and_std(count_values(two_pixels)))

# %%
# The training set, one image at a time
# -------------------------------------
counts = (count_values(np.asarray(fit(load_image(path, index)))) for path in paths)
make("mean_std", data, lambda _: {"images": len(paths), **mean_and_std(sum(counts))})
mean, std = (np.array(data.record("mean_std")[key]) for key in ("mean", "std"))
print("mean:", mean.round(4))  # → mean: [0.3098 0.3098 0.3098]
print("std: ", std.round(4))  # → std:  [0.3488 0.3488 0.3488]

# %%
# All pixels at once, in float64, give the same (of a set larger than the digits, some).
some = paths[:: math.ceil(len(paths) / 1500)]
pixels = np.stack([np.asarray(fit(load_image(path, index))) for path in some])
counts = count_values(pixels)
by_numpy = {"mean": pixels.mean((0, 1, 2)) / 255, "std": pixels.std((0, 1, 2)) / 255}
check(f"{len(some)} images", mean_and_std(counts), by_numpy, 0, 1e-10)
if some == paths:
    check("so the file is right", by_numpy, {"mean": mean, "std": std}, 0, 1e-10)

# %%
# Pitfall: a running sum in float32
# ---------------------------------
# The larger the sum, the more of each new pixel is cut off: CIFAR-10's 46 million end
# at :math:`2^{24}`. numpy adds in pairs along a row, but not along axes of a batch.
wall = np.full((1000, 32, 32, 3), 0.7, np.float32)  # a million pixels, all 0.7
one_by_one = np.cumsum(wall[..., 0], dtype=np.float32)[-1] / wall[..., 0].size
print(f"a running sum says {one_by_one:.3f}")  # → a running sum says 0.693
check("and so does numpy", [one_by_one] * 3, wall.mean((0, 1, 2)))
check("in one row: 0.7", 0.7, wall[..., 0].ravel().mean())
wrong, std_of_all = (pixels / np.float32(255)).std((0, 1, 2))[0], by_numpy["std"][0]
print(f"std: {wrong:.4f}, not {std_of_all:.4f}")  # → std: 0.3482, not 0.3488
row = np.append(np.float32(2**24), pixels[..., 0] / np.float32(255))
check("pixels added to 2^24", 2**24, int(np.cumsum(row)[-1]))
check("a mean of 0.3641", 2**24 / (45_000 * 32 * 32), 0.3641, atol=5e-5)

# %%
# Pitfall: the mean of the images' own stds
# -----------------------------------------
# It leaves out how images differ. Variances add up: that of the set is the mean of the
# images' variances, plus the variance of their means.
own, means = pixels.std((1, 2)) / 255, pixels.mean((1, 2)) / 255
total = (own**2).mean(0) + means.var(0)
check("variance: within images + between them", total, by_numpy["std"] ** 2)
print(f"std: {own.mean(0)[0]:.4f}, not {std_of_all:.4f}")  # → std: 0.3463, not 0.3488

# %%
# Such a mean is the std of CIFAR-10 in many programs, 0.2023 0.1994 0.2010.
if fingerprint("archive", data) in OFFICIAL_MD5.values():
    batches = [batch[2] for batch in read_batches(data.archive) if batch[0] == "train"]
    right = mean_and_std(sum(map(count_values, batches)))
    check("mean", [0.4914, 0.4822, 0.4465], right["mean"], atol=6e-5)
    check("std", [0.2470, 0.2435, 0.2616], right["std"], atol=6e-5)
    own = [image.std((0, 1), ddof=1) / 255 for batch in batches for image in batch]
    check("wrong std", [0.2023, 0.1994, 0.2010], np.mean(own, 0), atol=1.5e-4)

# %%
# The picture
# -----------
grey = (counts == counts[0]).all()
names = ["grey, all channels alike"] if grey else ["red", "green", "blue"]
size = {"figsize": (8, 3), "layout": "constrained", "squeeze": False}
fig, (axes,) = plt.subplots(1, len(names), sharey=True, **size)
for c, (ax, name) in enumerate(zip(axes, names, strict=True)):
    color = "0.5" if grey else f"tab:{name}"
    share, edges = counts[c] / counts[c].sum(), (np.arange(257) - 0.5) / 255
    ax.stairs(share, edges, fill=True, color=color)
    ax.axvspan(mean[c] - std[c], mean[c] + std[c], color="0.85", zorder=0)
    ax.axvline(mean[c], color="k")
    ax.set(title=f"{name}: {mean[c]:.4f} ± {std[c]:.4f}", xlabel="value of a pixel")
axes[0].set(ylabel="share of the pixels", yscale="log" if grey else "linear")
fig.suptitle(f"{data.name}: mean ± std of the training set")
fig.savefig(RESULT / "histograms.png")
