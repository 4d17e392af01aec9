r"""
1.6.6 RandomHorizontalFlip · 依概率p水平翻转
============================================

Mirror an image left to right, with probability ``p``.

.. math:: y[i, j] = x[i, W - 1 - j]

:signature: ``RandomHorizontalFlip(p=0.5)``
:input:     PIL image, or tensor of shape (..., C, H, W); boxes and masks with it
:returns:   the same type and size
:use it:    on training images of things that may as well look the other way: twice the
            pictures for nothing. Not on text, digits, or "left" and "right".
:then → now: v2 mirrors an image together with its boxes and masks, and refuses ``p``
            outside [0, 1].
"""

import math
import sys
from pathlib import Path

import torch
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.utils import draw_bounding_boxes

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Six pixels
# ----------
image = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
print(v2.RandomHorizontalFlip(p=1)(image).tolist())  # → [[[3, 2, 1], [6, 5, 4]]]

# %%
# By hand: columns from the last to the first
# -------------------------------------------
flower = sample_image()  # 160 x 160
pixels = v2.functional.pil_to_tensor(flower)
by_hand = pixels[:, :, [159 - j for j in range(160)]]
flip = v2.RandomHorizontalFlip(p=1)
check("uint8: column j is column 159 - j", by_hand, flip(pixels))
check("float", by_hand / 255, flip(pixels / 255))
check("PIL", by_hand, v2.functional.pil_to_tensor(flip(flower)))
check("twice is not at all", pixels, flip(flip(pixels)))

# %%
# How often?
# ----------
# Of n pictures about n p are mirrored, give or take four standard deviations.
for p, n in ((0.5, 2500), (0.2, 2500), (0, 100), (1, 100)):
    flip = v2.RandomHorizontalFlip(p)
    count = sum(flip(image)[0, 0, 0].item() == 3 for _ in range(n))
    margin = 4 * math.sqrt(n * p * (1 - p))
    check(f"p={p}: {n * p:.0f} ± {margin:.0f}", n * p, count, atol=margin)

# %%
# v1 and v2 toss the same coin.
tosses = []
for library in (v1, v2):
    torch.manual_seed(0)
    flip = library.RandomHorizontalFlip()
    tosses.append([flip(image)[0, 0, 0].item() for _ in range(50)])
check("50 tosses of one seed", *tosses)

# %%
# An image and its boxes
# ----------------------
# x from the left becomes x from the right: left and right edge change places.
size, edges = (160, 160), [[7, 32, 112, 138]]
box = tv_tensors.BoundingBoxes(edges, format="XYXY", canvas_size=size)
mask = tv_tensors.Mask(pixels[0] > 128)
mirrored, moved, mask = v2.RandomHorizontalFlip(p=1)(
    tv_tensors.Image(pixels), box, mask
)
check("box", [[160 - 112, 32, 160 - 7, 138]], moved)
check("mask", mirrored[0] > 128, mask)

# %%
# Pitfalls
# --------
# A batch is tossed for once: all of its pictures are mirrored, or none. Flip them one
# by one, before they are stacked.
batch, flip = image.expand(8, 1, 2, 3), v2.RandomHorizontalFlip()
kinds = {len(flip(batch).unique(dim=0)) for _ in range(50)}
print("kinds of pictures in a batch:", kinds)  # → kinds of pictures in a batch: {1}

# %%
# An image that is not mirrored is no copy: what changes it in place changes the data.
same = v2.RandomHorizontalFlip(p=0)(image)
same += 10
check("the original has changed", 11, image[0, 0, 0])
with refused(ValueError, "in the interval [0.0, 1.0]"):
    v2.RandomHorizontalFlip(p=50)
check("v1 does not look", 50, v1.RandomHorizontalFlip(p=50).p)

# %%
# The picture
# -----------
torch.manual_seed(8)
images, titles = [flower], ["original"]
for p in (0, 1, 0.5, 0.5, 0.5):
    picture, moved = v2.RandomHorizontalFlip(p)(tv_tensors.Image(pixels), box)
    images.append(draw_bounding_boxes(picture, moved, colors="yellow", width=2))
    titles.append(f"p={p}")
title = "RandomHorizontalFlip: the box goes with the flower"
show_row(images, titles, RESULT / "flips.png", title)
print(SAMPLE_CREDIT)
