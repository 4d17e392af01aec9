r"""
1.6.7 RandomVerticalFlip · 依概率p垂直翻转
==========================================

Mirror an image top to bottom, as still water does, with probability ``p``.

.. math:: y[i, j] = x[H - 1 - i, j]

:signature: ``RandomVerticalFlip(p=0.5)``
:input:     PIL image, or tensor of shape (..., C, H, W); boxes and masks with it
:returns:   the same type and size
:use it:    on images without up and down: from a satellite, a microscope, a flatbed
            scanner. Photographs of the world don't stand on their heads.
:then → now: v2 refuses ``p`` outside [0, 1].
"""

import math
import sys
from collections import Counter
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Six pixels
# ----------
image = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
print(v2.RandomVerticalFlip(p=1)(image).tolist())  # → [[[4, 5, 6], [1, 2, 3]]]

# %%
# By hand: rows from the last to the first
# ----------------------------------------
flower = sample_image()  # 160 x 160
pixels = v2.functional.pil_to_tensor(flower)
by_hand = pixels[:, [159 - i for i in range(160)]]
flip = v2.RandomVerticalFlip(p=1)
check("uint8: row i is row 159 - i", by_hand, flip(pixels))
check("float", by_hand / 255, flip(pixels / 255))
check("PIL", by_hand, v2.functional.pil_to_tensor(flip(flower)))
check("v1", v1.RandomVerticalFlip(p=1)(flower), flip(flower))
picture, mask = flip(tv_tensors.Image(pixels), tv_tensors.Mask(pixels > 128))
check("the mask goes with the picture", picture > 128, mask)

# %%
# How often?
# ----------
# Of n pictures about n p are turned, give or take four standard deviations.
for p, n in ((0.5, 2500), (0.2, 2500), (0, 100), (1, 100)):
    flip = v2.RandomVerticalFlip(p)
    count = sum(flip(image)[0, 0, 0].item() == 4 for _ in range(n))
    margin = 4 * math.sqrt(n * p * (1 - p))
    check(f"p={p}: {n * p:.0f} ± {margin:.0f}", n * p, count, atol=margin)
with refused(ValueError, "in the interval [0.0, 1.0]"):
    v2.RandomVerticalFlip(p=50)

# %%
# Both flips
# ----------
# Two coins give four pictures, each with probability 1/4. Both flips together are a
# rotation by 180 degrees.
both = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])
drawn = Counter(str(both(image).tolist()) for _ in range(1600))
four = [image, image.flip(-1), image.flip(-2), image.rot90(2, (-2, -1))]
counts = [drawn[str(kind.tolist())] for kind in four]
check("each about 400 times", [400] * 4, counts, atol=69)
check("and nothing else", 1600, sum(counts))

# %%
# Pitfall: the label may not survive
# ----------------------------------
# Digits, read in the simplest way: the nearest of ten mean images wins. Upside down
# most are misread. Means of flipped digits too, as p = 0.5 gives them, are blurred:
# then more of the upright ones are misread.
data = load_digits()
images, labels = torch.from_numpy(data.images).float(), torch.from_numpy(data.target)
train, known, test, truth = images[:1400], labels[:1400], images[1400:], labels[1400:]


def nearest_mean(train, labels, test):
    """Return (M,) classes 0 to 9 for (M, H, W), given (N, H, W) of (N,) labels."""
    means = torch.stack([train[labels == k].mean(dim=0) for k in range(10)])
    return torch.cdist(test.flatten(1), means.flatten(1)).argmin(dim=1)


read = nearest_mean(train, known, test)
print(f"upright: {(read == truth).float().mean():.2f}")  # → upright: 0.86
turned = nearest_mean(train, known, test.flip(-2))
print(f"upside down: {(turned == truth).float().mean():.2f}")  # → upside down: 0.40
both_ways = torch.cat([train, train.flip(-2)])
taught = nearest_mean(both_ways, known.repeat(2), test)
print(f"taught both: {(taught == truth).float().mean():.2f}")  # → taught both: 0.78
rotated = nearest_mean(train, known, test.rot90(2, (1, 2)))
nines = (rotated[truth == 6] == 9).float().mean()
print(f"both flips, 6 read as 9: {nines:.2f}")  # → both flips, 6 read as 9: 0.62

# %%
# The picture
# -----------
n = torch.nonzero((read == 6) & (truth == 6) & (rotated == 9))[0].item()
six = test[n].repeat_interleave(20, 0).repeat_interleave(20, 1) / 16
row = [flower, flip(flower), v2.functional.rotate(flower, 180)]
row += [six, six.flip(-2), six.rot90(2)]
titles = ["original", "p=1", "p=1, mirrored too"]
titles += [f"read as {classes[n]}" for classes in (read, turned, rotated)]
title = "RandomVerticalFlip: a flower survives it, a 6 becomes a 9"
show_row(row, titles, RESULT / "flips.png", title)
print(SAMPLE_CREDIT)
