r"""
1.6.21 RandomApply · 以一定概率执行
===================================

With probability :math:`p` apply a list of transforms, all in their order; else none.

:signature: ``RandomApply(transforms, p=0.5)``
:transforms: a list or tuple of callables, or an ``nn.ModuleList``
:input:     whatever the transforms take: an image, or a sample of several things
:returns:   what the last one returns, or the input itself
:use it:    to give a probability to transforms that have none of their own, such as
            ColorJitter or GaussianBlur
:then → now: v2 refuses a ``p`` outside [0, 1]; v1 takes it without a word.
"""

import sys
from collections import Counter
from pathlib import Path

import torch
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import v2
from torchvision.utils import make_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_grid

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# All or nothing
# --------------
# Any function is a transform: these write their name behind a text.
writers = [lambda text, name=name: text + name for name in "abc"]
maybe = v2.RandomApply(writers, p=0.3)
print(sorted({maybe("-") for _ in range(100)}))  # → ['-', '-abc']

# %%
# By hand: one coin, then a loop
# ------------------------------


def random_apply_by_hand(transforms, sample, p):
    """Return the sample, with probability p after all the transforms in turn."""
    if torch.rand(1).item() < p:
        for transform in transforms:
            sample = transform(sample)
    return sample


torch.manual_seed(1)
by_hand = [random_apply_by_hand(writers, "-", 0.3) for _ in range(50)]
torch.manual_seed(1)
check("50 draws with one seed", by_hand, [maybe("-") for _ in range(50)])

# %%
# How often?
# ----------
# Off by less than four standard deviations. The default is every other image.
for transform, p in ((maybe, 0.3), (v2.RandomApply(writers), 0.5)):
    count = sum(transform("-") == "-abc" for _ in range(2000))
    off = 4 * (2000 * p * (1 - p)) ** 0.5
    check(f"p = {p}: {count} of 2000", 2000 * p, count, rtol=0, atol=off)

# %%
# A coin for each one is another thing: all eight combinations, one in eight times each.
separate = v2.Compose([v2.RandomApply([writer]) for writer in writers])
counts = Counter(separate("") for _ in range(2400))
combinations = ["", "a", "ab", "abc", "ac", "b", "bc", "c"]
check("eight combinations", combinations, sorted(counts))
check("each about 300 times", [300] * 8, list(counts.values()), rtol=0, atol=65)

# %%
# One coin for each call
# ----------------------
# The type of the image does not matter. A label passes beside it.
flower = sample_image()  # 160 x 160
uint8 = v2.functional.pil_to_tensor(flower)
flip = v2.RandomApply(nn.ModuleList([v2.RandomVerticalFlip(p=1)]))
decisions = []
for image in (flower, uint8, uint8 / 255):
    torch.manual_seed(1)
    samples = [flip(image, 7) for _ in range(20)]
    decisions.append([result is not image for result, _ in samples])
check("uint8 and float as PIL", decisions[:1] * 2, decisions[1:])
check("labels", [7] * 20, [label for _, label in samples])

# %%
# Pitfall: a batch is one call, too, and turned as a whole. Call it on single images.
batch = torch.rand(8, 3, 4, 4)
flips = {int((flip(batch) != batch).any((1, 2, 3)).sum()) for _ in range(50)}
check("flipped in a batch of 8", [0, 8], sorted(flips))

# %%
# Pitfall: two coins
# ------------------
# A transform with a ``p`` of its own tosses again: 1/2 x 1/2.
twice = v2.RandomApply([v2.RandomHorizontalFlip(p=0.5)], p=0.5)
pair = torch.tensor([[[1, 2]]])
count = sum(twice(pair)[0, 0, 0].item() == 2 for _ in range(2000))
check(f"flipped: {count} of 2000", 500, count, rtol=0, atol=77)

# %%
# Pitfall: images that don't fit together
# ---------------------------------------
# What changes the size or the dtype must come to all images.
crop = v2.RandomApply([v2.CenterCrop(128)])
torch.manual_seed(1)
with refused(RuntimeError, "stack expects each tensor to be equal size"):
    torch.stack([crop(uint8) for _ in range(8)])

# %%
# A transform without a list; 30 for thirty per cent:
with refused(TypeError, "should be a sequence of callables"):
    v2.RandomApply(v2.CenterCrop(128))
with refused(ValueError, "in the interval [0.0, 1.0]"):
    v2.RandomApply(writers, p=30)
check("v1 with p=30: always", "abc", v1.RandomApply(writers, p=30)(""))

# %%
# The picture
# -----------
small = v2.functional.pil_to_tensor(flower.resize((32, 32)))
turn, negative = v2.RandomRotation((45, 45), fill=255), v2.RandomInvert(p=1)
images, titles = [flower], ["original"]
for title, transform in {
    "[turn, negative], p=0.1": v2.RandomApply([turn, negative], p=0.1),
    "[turn, negative], p=0.5": v2.RandomApply([turn, negative], p=0.5),
    "[turn], [negative], p=0.5": v2.Compose(
        [v2.RandomApply([turn]), v2.RandomApply([negative])]
    ),
}.items():
    torch.manual_seed(2)
    images.append(make_grid([transform(small) for _ in range(25)], 5, padding=0))
    titles.append(title)
title = "RandomApply: one coin for the list, or one for each"
show_grid(images, titles, RESULT / "draws.png", columns=4, title=title, inches=2)
print(SAMPLE_CREDIT)
