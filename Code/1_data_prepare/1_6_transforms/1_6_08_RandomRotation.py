r"""
1.6.8 RandomRotation · 随机旋转
===============================

Turn an image by a random angle :math:`\theta`, counterclockwise if it is positive.

.. math:: \text{out}(x, y) = \text{in}(x \cos\theta - y \sin\theta,\;
          x \sin\theta + y \cos\theta), \quad \theta \sim U(\text{degrees})

:math:`x` to the right and :math:`y` down, both from the centre.

:signature: ``RandomRotation(degrees, interpolation=InterpolationMode.NEAREST,
            expand=False, center=None, fill=0)``
:arguments: ``degrees`` is (min, max), or a number for (-number, number); ``center`` is
            (x, y) in pixels from the upper left corner
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   the same type and size; with ``expand`` as large as the turned image needs
:use it:    on training images, by angles at which the label is still true.
:then → now: ``resample`` is called ``interpolation``, and ``fill`` is new.
"""

import math
import sys
from pathlib import Path

import torch
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2.functional import pil_to_tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# A quarter turn
# --------------
# Where minimum and maximum agree nothing is random. Quarter turns are ``torch.rot90``.
image = torch.tensor([[[1, 2], [3, 4]]])
print(v2.RandomRotation((90, 90))(image).tolist())  # → [[[2, 4], [1, 3]]]
turned = [v2.RandomRotation((angle, angle))(image) for angle in (90, 180, -90)]
check("90, 180, -90", [image.rot90(n, (1, 2)) for n in (1, 2, -1)], turned)

# %%
# By hand
# -------
# Each pixel of the result takes the one where it comes from, or ``fill``.


def rotate_by_hand(image, degrees, center=None, fill=0):
    """Return (C, H, W) turned counterclockwise around center (x, y), nearest pixel."""
    height, width = image.shape[1:]
    cx, cy = center or (width / 2, height / 2)
    y = torch.arange(height)[:, None] + 0.5 - cy
    x = torch.arange(width) + 0.5 - cx
    sin, cos = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    column = (x * cos - y * sin + cx).floor().long()
    row = (x * sin + y * cos + cy).floor().long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return torch.where(inside, image[:, row % height, column % width], fill)


flower = sample_image()  # 160 x 160
pixels = pil_to_tensor(flower)
for settings in ({}, {"center": (0, 0)}, {"center": (120, 30), "fill": 255}):
    turned = v2.RandomRotation((33, 33), **settings)(pixels)
    differ = (rotate_by_hand(pixels, 33, **settings) != turned).float().mean()
    check(f"{settings}: not 1 pixel in 1000 differs", 0, differ, atol=1e-3)

# %%
# Every angle is equally likely
# -----------------------------
deciles = torch.arange(0.1, 0.95, 0.1)
draw = v2.RandomRotation.get_params
angles = torch.tensor([draw([-10, 30]) for _ in range(4000)])
check("from -10 to 30", -10 + 40 * deciles, angles.quantile(deciles), atol=1.3)
torch.manual_seed(1)
turned = v2.RandomRotation(30)(pixels)
torch.manual_seed(1)
by_hand = v2.functional.rotate(pixels, draw([-30, 30]))
check("degrees=30: from -30 to 30", by_hand, turned)

# %%
# ``expand`` and ``interpolation``
# --------------------------------
# A square loses its corners, 1 - 2 / (1 + sin + cos) of it, to ``fill``. ``expand``
# keeps them: sides as long as the turned image needs, even ones stay even.
sin, cos = math.sin(math.radians(30)), math.cos(math.radians(30))
lost = v2.RandomRotation((30, 30), fill=1)(torch.zeros(1, 160, 160)).mean()
check("lost by 30 degrees", 1 - 2 / (1 + sin + cos), lost, atol=1e-3)
h, w = 60 * cos + 100 * sin, 100 * cos + 60 * sin
by_hand = [2 * math.ceil(h / 2), 2 * math.ceil(w / 2)]
turned = v2.RandomRotation((30, 30), expand=True)(pixels[:, :60, :100])
check(f"60 x 100 becomes {by_hand}", by_hand, turned.shape[1:])

# %%
# Bilinear mixes four pixels; at the border a tensor also mixes them with ``fill``, PIL
# does not. Inside they agree to a level. A mask is never mixed: its values are names.
smooth = v2.RandomRotation((30, 30), interpolation=InterpolationMode.BILINEAR)
turned = pil_to_tensor(smooth(Image.new("L", (160, 160), 2)))
print("PIL:", turned.unique().tolist())  # → PIL: [0, 2]
turned = smooth(torch.full((1, 160, 160), 2, dtype=torch.uint8))
print("tensor:", turned.unique().tolist())  # → tensor: [0, 1, 2]
inside = smooth(torch.ones(1, 160, 160))[0] > 0.999
turned, by_pil = smooth(pixels).int(), pil_to_tensor(smooth(flower)).int()
check("PIL = uint8 inside", by_pil[:, inside], turned[:, inside], atol=1)
check("float = uint8", smooth(pixels / 255) * 255, turned.float(), atol=0.51)
mask = smooth(tv_tensors.Mask(pixels[:1] // 128 * 7))
print("mask:", mask.unique().tolist())  # → mask: [0, 7]

# %%
# Pitfalls
# --------
# The old name is gone. And with ``expand`` every angle has its own size: such images
# make no batch.
with refused(TypeError, "unexpected keyword argument 'resample'"):
    v2.RandomRotation(30, resample=False)
with refused(RuntimeError, "stack expects each tensor to be equal size"):
    torch.stack([v2.RandomRotation(30, expand=True)(pixels) for _ in range(2)])

# %%
# The picture
# -----------
# Black is the default ``fill``. At the right 40 x 40 pixels, enlarged.
images = [flower, v2.RandomRotation((30, 30))(flower)]
titles = ["original", "degrees=(30, 30)"]
for name, value in {"expand": True, "center": (0, 0)}.items():
    turn = v2.RandomRotation((30, 30), **{name: value}, fill=(255, 170, 0))
    images.append(turn(flower))
    titles.append(f"{name}={value}\nfill=(255, 170, 0)")
for mode in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
    turned = v2.RandomRotation((30, 30), mode)(flower)
    images.append(turned.resize((160, 160), 0, (80, 50, 120, 90)))
    titles.append(f"interpolation=\n{mode.name}")
show_row(images, titles, RESULT / "rotations.png", "RandomRotation, by 30 degrees")
print(SAMPLE_CREDIT)
