r"""
1.6.20 RandomChoice · 随机选择一个变换
======================================

Pick one transform from a list, and apply that one alone.

:signature: ``RandomChoice(transforms, p=None)``
:transforms: a list or tuple of callables; a Compose is one of them
:p:         a weight for each; they are divided by their sum. Default: all the same
:input:     whatever the transforms take: an image, or a sample of several things
:returns:   what the one picked returns
:use it:    for transforms that should not meet: one distortion of each image, not all
            of them. To run them all take RandomOrder (lesson 1.6.22), all or none
            RandomApply (1.6.21).
:then → now: ``p`` is new. v1 still draws from Python's ``random``, v2 from torch.
"""

import random
import sys
from collections import Counter
from pathlib import Path

import torch
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.utils import make_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_grid

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# One of three
# ------------
# Any function is a transform: these write their name behind a text.
names = "abc"
writers = [lambda text, name=name: text + name for name in names]
choice = v2.RandomChoice(writers, p=[1, 2, 7])
print("p:", choice.p)  # → p: [0.1, 0.2, 0.7]
check("one is applied", True, choice("-") in ("-a", "-b", "-c"))

# %%
# By hand: draw a number, call one
# --------------------------------


def random_choice_by_hand(transforms, sample, p):
    """Return the sample changed by one of the transforms, drawn with the weights p."""
    index = torch.multinomial(torch.tensor(p) / sum(p), 1).item()
    return transforms[index](sample)


torch.manual_seed(1)
by_hand = [random_choice_by_hand(writers, "-", [1, 2, 7]) for _ in range(50)]
torch.manual_seed(1)
check("50 draws with one seed", by_hand, [choice("-") for _ in range(50)])

# %%
# How often?
# ----------
# Each count is off its mean by less than four of its standard deviations.
for transform, p in ((v2.RandomChoice(writers), [1 / 3] * 3), (choice, choice.p)):
    counts = Counter(transform("") for _ in range(2000))
    for name, share in zip(names, p, strict=True):
        off = 4 * (2000 * share * (1 - share)) ** 0.5
        claim = f"{name}, p = {share:.2g}: {counts[name]} of 2000"
        check(claim, 2000 * share, counts[name], rtol=0, atol=off)

# %%
# A sample of several things goes to the one picked as a whole: a picture and its mask
# never part. So does a batch: draw for single images.
flips = [v2.RandomHorizontalFlip(p=1), v2.RandomVerticalFlip(p=1)]
flip = v2.RandomChoice(flips)
image = torch.arange(12).reshape(1, 3, 4)
pairs = [flip(tv_tensors.Image(image), tv_tensors.Mask(image)) for _ in range(20)]
check("picture and mask", [p[0] for p in pairs], [p[1] for p in pairs])
check("flips in a batch of 64", 1, len(flip(image.expand(64, 1, 3, 4)).unique(dim=0)))

# %%
# Pitfalls
# --------
# ``p`` are shares, not chances: a single transform is always picked.
always = v2.RandomChoice([writers[0]], p=[0.1])
check("p=[0.1]: applied in 100 draws", 100, [always("") for _ in range(100)].count("a"))

# %%
# A transform that is random itself tosses its own coin afterwards. The flips have
# ``p=0.5``: half of the images stay as they are.
twice = v2.RandomChoice([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])
outcomes = {"none": image, "left-right": image.flip(2), "up-down": image.flip(1)}
drawn = [twice(image) for _ in range(2000)]
for (name, outcome), share in zip(outcomes.items(), (1 / 2, 1 / 4, 1 / 4), strict=True):
    count = sum(torch.equal(outcome, result) for result in drawn)
    off = 4 * (2000 * share * (1 - share)) ** 0.5
    check(f"{name}: {count} of 2000", 2000 * share, count, rtol=0, atol=off)

# %%
# v1 draws from Python's ``random``: seed that too, or torch's seed brings nothing back.
old = v1.RandomChoice(writers)
random.seed(5)
drawn = []
for _ in range(2):
    torch.manual_seed(5)
    drawn.append("".join(old("") for _ in range(20)))
twin = random.Random(5)
by_hand = ["".join(twin.choices(names, k=20)) for _ in range(2)]
check("v1, torch seeded twice: two rows of Python's", by_hand, drawn)
check("they differ", False, drawn[0] == drawn[1])

# %%
# A transform without a list, a weight too many:
with refused(TypeError, "should be a sequence of callables"):
    v2.RandomChoice(flips[0])
with refused(ValueError, "Length of p doesn't match"):
    v2.RandomChoice(flips, p=[1, 2, 7])

# %%
# The picture
# -----------
# Turned, negative or grey: 25 draws each.
small = v2.functional.pil_to_tensor(sample_image(32))
turn = v2.RandomRotation((45, 45), fill=255)
sure = [turn, v2.RandomInvert(p=1), v2.RandomGrayscale(p=1)]
unsure = [v2.RandomApply([transform], p=0.5) for transform in sure]
images, titles = [sample_image()], ["original"]
for title, transform in {
    "p=None": v2.RandomChoice(sure),
    "p=[1, 2, 7]": v2.RandomChoice(sure, p=[1, 2, 7]),
    "each has its own p=0.5": v2.RandomChoice(unsure),
}.items():
    torch.manual_seed(2)
    images.append(make_grid([transform(small) for _ in range(25)], 5, padding=0))
    titles.append(title)
title = "RandomChoice: turned, negative or grey, but only one of them"
show_grid(images, titles, RESULT / "draws.png", columns=4, title=title, inches=2)
print(SAMPLE_CREDIT)
