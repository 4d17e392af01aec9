r"""
1.5.2 preprocess · 数据增强与数据标准化
=======================================

From an image to what the network sees: crop, flip, to a tensor, less the mean, over the
standard deviation.

.. math:: y_c = (x_c - \mu_c) \, / \, \sigma_c

:input:   PIL image, 32 x 32 pixels; mean and std of the training set (lesson 1.5.1)
:returns: float32 of shape (3, 32, 32)
:use it:  crop and flip on training images only. Don't flip digits: a mirrored 2 is no
          digit.
:the notes: "32 + 4 of padding gives 36 x 36" counts one side only: it is 40 x 40.
:then → now: for ``ToTensor()`` write ``ToImage()``, ``ToDtype(torch.float32,
          scale=True)``. The last step to a ``Variable`` is gone: every tensor is one.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.autograd import Variable
from torchvision import transforms as v1
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import BatchLoader, arguments, check, load_all, needs, result_dir, to_pixels

RESULT = result_dir(__file__)
data = arguments(__doc__).parse_args().dataset
needs("mean_std", data)
mean, std = (data.record("mean_std")[key] for key in ("mean", "std"))
images, labels = load_all(data.home / "train.txt")  # uint8 (N, 32, 32, 3)
pixels = images[labels == labels.unique()[:3][-1]][0].numpy()  # of the digits, a 2
image = v2.functional.to_pil_image(pixels)

# %%
# One after the other
# -------------------
torch.manual_seed(0)  # it draws the corner (8, 0), and flips
crop, flip = v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()
to_tensor = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
cropped = crop(image)
flipped = flip(cropped)
tensor = to_tensor(flipped)
centred = v2.Normalize(mean, [1, 1, 1])(tensor)
standardised = v2.Normalize(mean, std)(tensor)
print(standardised.shape, standardised.dtype)  # → torch.Size([3, 32, 32]) torch.float32

preprocess = v2.Compose([crop, flip, to_tensor, v2.Normalize(mean, std)])
torch.manual_seed(0)
check("Compose", standardised, preprocess(image))
check("a tensor is a Variable", True, isinstance(standardised, Variable))

# %%
# By hand
# -------
padded = np.pad(pixels, ((4, 4), (4, 4), (0, 0)))
print("padded:", padded.shape)  # → padded: (40, 40, 3)
window = padded[8:40, 0:32]
check("crop: a window of the padded image", window, np.asarray(cropped))
check("flip: columns from right to left", window[:, ::-1], np.asarray(flipped))
by_hand = torch.from_numpy(window[:, ::-1].copy()).permute(2, 0, 1) / 255
check("to a tensor: channels first, over 255", by_hand, tensor)
check("which is what ToTensor gave", by_hand, v1.ToTensor()(flipped))
by_hand = by_hand - torch.tensor(mean)[:, None, None]
check("centred: less the mean", by_hand, centred)
by_hand = by_hand / torch.tensor(std)[:, None, None]
check("standardised: over the std", by_hand, standardised)

undo = v2.Normalize(-np.divide(mean, std), np.divide(1, std))
check("the image is back", tensor, undo(standardised))

# %%
# The whole training set
# ----------------------
# Mean 0 and std 1 are those of all images together. One may be brighter or darker.


def mean_and_std(batches):
    """Return mean and std of each channel over batches (N, C, H, W)."""
    count, total, squares = 0, 0, 0
    for batch in batches:
        count += batch.numel() / batch.shape[1]
        total = total + batch.sum((0, 2, 3)).double()
        squares = squares + batch.square().sum((0, 2, 3)).double()
    return total / count, (squares / count - (total / count) ** 2).sqrt()


as_is, normal = ([0.0] * 3, [1.0] * 3), (mean, std)
for claim, change, result in (
    ("before: mean and std of lesson 1.5.1", as_is, normal),
    ("after: mean 0, std 1", normal, as_is),
):
    loader = BatchLoader(images, labels, 500, *change)
    found = mean_and_std(batch for batch, _ in loader)
    check(claim, result, torch.stack(found), atol=1e-4)
alone = torch.cat([batch.mean((1, 2, 3)) for batch, _ in loader])
print(f"means of single images: {alone.min():.2f} to {alone.max():.2f}")
# → means of single images: -0.24 to 0.32

# %%
# Pitfall: an image that must not be mirrored
# -------------------------------------------
# Is an image nearest to the mean image of its own class? Mirrored digits look more like
# another one. (With ``--dataset cifar10`` the flip hardly matters.)
some = slice(None, None, 1 + len(images) // 1500)
x, y = images[some].float(), labels[some]
classes = y.unique()
means = torch.stack([x[y == label].mean(0) for label in classes]).flatten(1)
for name, seen in {"as they are": x, "mirrored": x.flip(2)}.items():
    nearest = classes[torch.cdist(seen.flatten(1), means).argmin(1)]
    print(f"{name}: {(nearest == y).double().mean():.0%}")
# → as they are: 90%
# → mirrored: 34%

# %%
# The picture
# -----------
names = ["image", "crop", "flip", "to tensor", "centred", "standardised"]
stages = [pixels, window, window[:, ::-1], tensor, centred, standardised]
widest = 1.1 * standardised.abs().max().item()
fig, axes = plt.subplots(2, 6, figsize=(10, 4), layout="constrained")
for n, (name, stage, ax, below) in enumerate(zip(names, stages, *axes, strict=True)):
    if n < 4:
        ax.imshow(to_pixels(stage))
    else:
        ax.imshow(stage.mean(0).numpy(), "coolwarm", vmin=-widest, vmax=widest)
    ax.set(title=name, xticks=[], yticks=[])
    below.stairs(*np.histogram(stage, 40), fill=True, color="0.4", baseline=0.5)
    below.set(xlim=(0, 255) if n < 3 else (-widest, widest), yscale="log")
    below.yaxis.set_visible(False)
fig.supxlabel("value of a pixel, and how often (log); red is above 0, blue below")
title = "crop and flip move pixels, the rest moves and stretches their values"
fig.suptitle(f"{data.name}: {title}")
fig.savefig(RESULT / "stages.png")
