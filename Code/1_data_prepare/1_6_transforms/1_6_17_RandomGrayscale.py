r"""
1.6.17 RandomGrayscale · 依概率p转为灰度图
==========================================

Turn an image grey with probability :math:`p`, and keep its number of channels:

.. math:: R = G = B = 0.299 \, R + 0.587 \, G + 0.114 \, B

:signature: ``RandomGrayscale(p=0.1)``
:input:     PIL image, or tensor of shape (..., C, H, W), with 1 or 3 channels
:returns:   the same type, size and number of channels
:use it:    on training images, where colour helps little or lies: another camera,
            another light. For a network of one input channel take Grayscale
            (lesson 1.6.14), which is neither random nor keeps three channels.
:then → now: ``p`` outside [0, 1] is refused by v2; v1 takes it without a word.
"""

import sys
from pathlib import Path

import torch
from torchvision import transforms as v1
from torchvision.transforms import v2
from torchvision.utils import make_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_grid

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# A red, a green and a blue pixel
# -------------------------------
# Green is the brightest of the three to the eye. ``p=1`` leaves nothing to chance.
pixels = torch.eye(3).reshape(3, 1, 3)  # (C, H, W): one row of three pixels
grey = v2.RandomGrayscale(p=1)(pixels)
print("red, green, blue:", grey[0, 0])
# → red, green, blue: tensor([0.2989, 0.5870, 0.1140])
check("still three channels, all the same", grey[:1].repeat(3, 1, 1), grey)

# %%
# By hand: toss a coin, weigh the channels
# ----------------------------------------


def random_grayscale_by_hand(image, p):
    """Return a float image (3, H, W), grey with probability p."""
    if torch.rand(1).item() >= p:
        return image
    red, green, blue = image
    return (0.2989 * red + 0.587 * green + 0.114 * blue).expand(3, -1, -1)


flower = sample_image(40)
pixels = v2.functional.pil_to_tensor(flower)  # uint8
floats = pixels / 255
torch.manual_seed(1)
by_hand = [random_grayscale_by_hand(floats, 0.3) for _ in range(30)]
torch.manual_seed(1)
drawn = [v2.RandomGrayscale(0.3)(floats) for _ in range(30)]
check("30 draws with one seed", by_hand, drawn)

# %%
# PIL, uint8, float
# -----------------
# Tensors take 0.2989 for 0.299, and a uint8 tensor loses the fraction: its white turns
# 254. PIL rounds.
weighed = random_grayscale_by_hand(pixels.float(), p=1)
uint8 = v2.RandomGrayscale(1)(pixels)
check("uint8: cut off", weighed - 0.5, uint8, rtol=0, atol=0.501)
pil = v2.functional.pil_to_tensor(v2.RandomGrayscale(1)(flower))
check("PIL: rounded", weighed + 0.0001 * pixels[0], pil, rtol=0, atol=0.502)
white = torch.full((3, 1, 1), 255, dtype=torch.uint8)
check("white in uint8", 254, v2.RandomGrayscale(1)(white).max())

# %%
# How often?
# ----------
# Of :math:`n` draws :math:`np` are grey, give or take :math:`4 \sqrt{np(1 - p)}`.


def is_grey(image):
    """Are the channels of (3, H, W) all the same?"""
    return bool((image == image[0]).all())


tiny = torch.eye(3).reshape(3, 1, 3)
for p, transform in ((0.1, v2.RandomGrayscale()), (0.5, v2.RandomGrayscale(0.5))):
    count = sum(is_grey(transform(tiny)) for _ in range(3000))
    off = 4 * (3000 * p * (1 - p)) ** 0.5
    check(f"p = {p}: grey in 3000 draws", 3000 * p, count, rtol=0, atol=off)

# %%
# Pitfalls
# --------
# A batch shares one coin: all of it turns grey, or nothing. Call it on single images.
batch = torch.rand(8, 3, 4, 4)
counts = {sum(map(is_grey, v2.RandomGrayscale()(batch))) for _ in range(100)}
check("grey images in a batch of 8", [0, 8], sorted(counts))

# %%
# After Normalize the weights meet other numbers: even white, which is grey already,
# changes. Put RandomGrayscale first.
white = torch.ones(3, 1, 1)
grey = v2.RandomGrayscale(1)
normalize = v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
print("grey, normalize:", normalize(grey(white)).flatten())
# → grey, normalize: tensor([2.2485, 2.4281, 2.6396])
print("normalize, grey:", grey(normalize(white)).flatten())
# → normalize, grey: tensor([2.3987, 2.3987, 2.3987])

# %%
# One channel comes back as it is. Four, with transparency, are refused, but only when
# the coin falls on grey: a small ``p`` hides the mistake for many images.
check("mode L stays", flower.convert("L"), grey(flower.convert("L")))
transparent = flower.convert("RGBA")
check("no coin, no error", transparent, v2.RandomGrayscale(0)(transparent.copy()))
with refused(ValueError, "must be 1 or 3, got 4"):
    grey(transparent)

# %%
# Ten per cent is 0.1, not 10.
with refused(ValueError, "in the interval [0.0, 1.0]"):
    v2.RandomGrayscale(p=10)
check("v1 with p=10: always grey", True, is_grey(v1.RandomGrayscale(p=10)(floats)))

# %%
# The picture
# -----------
torch.manual_seed(2)
small = v2.functional.pil_to_tensor(flower.resize((32, 32)))
images, titles = [sample_image()], ["original"]
for p in (0.1, 0.5, 1):
    draws = [v2.RandomGrayscale(p)(small) for _ in range(25)]
    images.append(make_grid(draws, nrow=5, padding=0))
    titles.append(f"p={p}: {sum(map(is_grey, draws))} of 25 grey")
title = "RandomGrayscale: every picture tosses its own coin"
show_grid(images, titles, RESULT / "draws.png", columns=4, title=title, inches=2)
print(SAMPLE_CREDIT)
