r"""
1.6.22 RandomOrder · 随机打乱操作顺序
=====================================

Apply all transforms of a list, in an order drawn anew for each call.

:signature: ``RandomOrder(transforms)``
:transforms: a list or tuple of callables, no ``nn.ModuleList``
:input:     whatever the transforms take: an image, or a sample of several things
:returns:   what the last one returns
:use it:    for colour and distortion, where no order is the right one. ColorJitter
            (lesson 1.6.13) shuffles its four steps by itself.
:then → now: v1 draws from Python's ``random`` and takes one image; v2 draws from torch
            and takes whole samples.
"""

import random
import sys
from collections import Counter
from itertools import permutations
from pathlib import Path

import torch
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_grid

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# All of them, shuffled
# ---------------------
# Any function is a transform: these write their name behind a text.
writers = [lambda text, name=name: text + name for name in "abc"]
shuffled = v2.RandomOrder(writers)
drawn = Counter(shuffled("") for _ in range(1800))
print(sorted(drawn))  # → ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']

# %%
# Each of the 3! orders is equally likely, off by less than four standard deviations.
check("300 times each", [300] * 6, list(drawn.values()), rtol=0, atol=63)

# %%
# By hand: a permutation, then a loop
# -----------------------------------


def random_order_by_hand(transforms, sample):
    """Return the sample after all the transforms, in an order drawn by torch."""
    for index in torch.randperm(len(transforms)).tolist():
        sample = transforms[index](sample)
    return sample


torch.manual_seed(1)
by_hand = [random_order_by_hand(writers, "-") for _ in range(50)]
torch.manual_seed(1)
check("50 draws with one seed", by_hand, [shuffled("-") for _ in range(50)])

# %%
# When the order counts
# ---------------------
# Twice as bright is cut off at white. Before the negative 0.8 is lost to it, after it
# the 0.2 that is left becomes 0.4.
grey = torch.full((3, 1, 1), 0.8)
negative = v2.RandomInvert(p=1)
colours = v2.RandomOrder([v2.ColorJitter(brightness=(2, 2)), negative])
values = [colours(grey)[0].item() for _ in range(400)]
check("0 or 0.4", [0.0, 0.4], sorted({round(value, 6) for value in values}))
half = sum(value < 0.2 for value in values)
check(f"0 comes {half} times of 400", 200, half, rtol=0, atol=40)

# %%
# Two flips give the same in both orders: shuffling them is for nothing.
image = torch.arange(12).reshape(1, 3, 4)
flips = v2.RandomOrder([v2.RandomHorizontalFlip(p=1), v2.RandomVerticalFlip(p=1)])
check("flips", [image.flip(1, 2)] * 20, [flips(image) for _ in range(20)])

# %%
# A picture and its mask go through one order. So does a batch.
order = v2.RandomOrder([v2.Pad([0, 1, 0, 0]), v2.RandomVerticalFlip(p=1)])
pairs = [order(tv_tensors.Image(image), tv_tensors.Mask(image)) for _ in range(20)]
check("picture and mask", [p[0] for p in pairs], [p[1] for p in pairs])
check("two outcomes", 2, len(torch.stack([p[0] for p in pairs]).unique(dim=0)))
batch = image.expand(64, 1, 3, 4)
check("one in a batch of 64", 1, len(order(batch).unique(dim=0)))

# %%
# Pitfall: steps that need each other
# -----------------------------------
# Normalize wants floats, so ToDtype must come first. It does so in half of the draws.
uint8 = torch.zeros(3, 4, 4, dtype=torch.uint8)
to_float, normalize = v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.5])
steps, failed = v2.RandomOrder([to_float, normalize]), 0
for _ in range(400):
    try:
        steps(uint8)
    except TypeError:
        failed += 1
check(f"{failed} of 400 draws fail", 200, failed, rtol=0, atol=40)

# %%
# Pitfall: v1 does not obey torch's seed
# --------------------------------------
# It shuffles with Python's ``random``, and it takes no label.
old, twin, drawn = v1.RandomOrder(writers), random.Random(5), []
random.seed(5)
for _ in range(20):
    torch.manual_seed(5)
    drawn.append(old(""))
by_hand = [list("abc") for _ in range(20)]
for letters in by_hand:
    twin.shuffle(letters)
check("Python's orders", by_hand, [list(text) for text in drawn])
with refused(TypeError, "takes 2 positional arguments but 3 were given"):
    old(image, 7)
check("v2 takes a label", 7, flips(image, 7)[1])

# %%
# An ``nn.ModuleList`` will do for RandomApply, but not here.
with refused(TypeError, "should be a sequence of callables"):
    v2.RandomOrder(torch.nn.ModuleList([negative]))

# %%
# The picture
# -----------
flower = sample_image()
turn, frame = v2.RandomRotation((30, 30)), v2.Pad(20, fill=(255, 150, 0))
steps = {"turn": turn, "frame": frame, "negative": negative}
images, titles = [flower], ["original"]
for names in permutations(steps):
    images.append(v2.Compose([steps[name] for name in names])(flower))
    titles.append(",\n".join(names))
title = "RandomOrder([turn, frame, negative]): six orders, six pictures"
show_grid(images, titles, RESULT / "orders.png", columns=7, title=title, inches=1.3)
print(SAMPLE_CREDIT)
