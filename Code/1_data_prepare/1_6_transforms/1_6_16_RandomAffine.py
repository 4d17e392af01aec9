r"""
1.6.16 RandomAffine · 仿射变换
==============================

Turn, move, scale and skew an image at random, all in one step.

A point p goes to

.. math:: p' = c + t + s \begin{pmatrix} \cos a & -\sin a \\ \sin a & \cos a
          \end{pmatrix} \begin{pmatrix} 1 & -\tan u \\ -\tan v & 1 + \tan u \tan v
          \end{pmatrix} (p - c)

with the angle a, the move t, the scale s, the shears u and v, and the centre c. The y
axis points down: a positive angle turns clockwise.

:signature: ``RandomAffine(degrees, translate=None, scale=None, shear=None,
            interpolation=InterpolationMode.NEAREST, fill=0, center=None)``
:arguments: ranges to draw from. ``degrees`` d is -d to d, or a pair; ``translate`` two
            fractions, of width and height; ``scale`` a pair; ``shear`` in degrees, of x
            alone, like ``degrees``, or four numbers for x and y. ``center`` is (x, y).
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   the same type and size
:use it:    on training images, where things are seen anywhere, at any size, tilted
:then → now: ``resample`` and ``fillcolor`` are now ``interpolation`` and ``fill``.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir, sample_image

RESULT = result_dir(__file__)

# %%
# By hand
# -------
# A matrix moves points; every new pixel asks its inverse which old one to copy.


def matrix_by_hand(angle, translate, scale, shear, center):
    """Return the matrix (3, 3) that moves a point (x, y, 1), in pixels."""
    u, v = (math.tan(math.radians(degrees)) for degrees in shear)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = torch.tensor([[cos, -sin], [sin, cos]])
    skew = torch.tensor([[1, -u], [-v, 1 + u * v]])
    matrix, center = torch.eye(3), torch.tensor(center).float()
    matrix[:2, :2] = scale * turn @ skew
    matrix[:2, 2] = center + torch.tensor(translate) - matrix[:2, :2] @ center
    return matrix


def affine_by_hand(image, matrix):
    """Return the (C, H, W) image moved by the matrix, 0 where nothing comes from."""
    height, width = image.shape[1:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = torch.stack([x + 0.5, y + 0.5, torch.ones(height, width)]).flatten(1)
    x, y, _ = (matrix.inverse() @ centres).floor().long()
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    moved = torch.zeros_like(image).flatten(1)
    moved[:, inside] = image[:, y[inside], x[inside]]
    return moved.reshape(image.shape)


# %%
# A point on the border of two pixels may fall to either side: 2 in 1000 may differ.
photo = sample_image().crop((0, 0, 160, 140))
pixels = v2.functional.pil_to_tensor(photo)  # 3 x 140 x 160
ranges = (40, (0.2, 0.1), (0.5, 1.5), (-20, 20, 0, 10))
for center in (None, (30, 50)):
    affine = v2.RandomAffine(*ranges, center=center)
    for name, image in (("uint8", pixels), ("floats", pixels / 255), ("PIL", photo)):
        torch.manual_seed(0)
        params = affine.make_params([image])
        matrix = matrix_by_hand(**params, center=center or (80, 70))
        by_hand = affine_by_hand(v2.functional.to_image(image), matrix)
        torch.manual_seed(0)
        moved = v2.functional.to_image(affine(image))
        wrong = (by_hand - moved).abs().amax(dim=0) > 1e-3
        check_less(f"center={center}, {name}: differ", wrong.float().mean(), 0.002)

# %%
# What is drawn
# -------------
# Uniform between the ends; moves are rounded to whole pixels.
drawn = [affine.make_params([pixels]) for _ in range(3000)]
drawn = [[p["angle"], *p["translate"], p["scale"], *p["shear"]] for p in drawn]
drawn = torch.tensor(drawn, dtype=torch.float64).sort(dim=0).values
check("moves: whole pixels", drawn[:, 1:3].round(), drawn[:, 1:3])
names = ("degrees", "translate x", "translate y", "scale", "shear x", "shear y")
ends = ((-40, 40), (-32, 32), (-14, 14), (0.5, 1.5), (-20, 20), (0, 10))
for name, (low, high), values in zip(names, ends, drawn.T, strict=True):
    even, width = torch.linspace(low, high, 3000), high - low
    check(f"{name}: {low} to {high}", (low, high), values[[0, -1]], atol=0.005 * width)
    check("  evenly spread", even, values, atol=0.05 * width)

params = v2.RandomAffine(0, shear=20).make_params([pixels])
print("shear of y:", params["shear"][1])  # → shear of y: 0.0
filled = v2.RandomAffine(0, scale=(0.5, 0.5), fill=(7, 8, 9))(pixels)
print("fill:", filled[:, 0, 0].tolist())  # → fill: [7, 8, 9]

# %%
# Pitfalls
# --------
# 30 degrees are clockwise here, and counter-clockwise in RandomRotation (lesson 1.6.8).
turned = v2.RandomAffine((30, 30))(pixels)
check("the sign differs", v2.RandomRotation((-30, -30))(pixels), turned)
with refused(ValueError, "translation values should be between 0 and 1"):
    v2.RandomAffine(0, translate=(8, 8))  # fractions, not pixels
with refused(TypeError, "unexpected keyword argument 'fillcolor'"):
    v2.RandomAffine(0, fillcolor=0)  # the name of 1.0

# %%
# The picture: a triangle, moved by hand
# --------------------------------------
# ``imshow`` counts from the middle of the first pixel, the matrix from its corner.
points = torch.tensor([[57, 87, 1], [105, 105, 1], [62, 34, 1], [57.0, 87, 1]]).T
settings = {
    "original": (0,),
    "degrees=(30, 30)": ((30, 30),),
    "translate=(0.3, 0.3)": (0, (0.3, 0.3)),
    "scale=(0.6, 0.6)": (0, None, (0.6, 0.6)),
    "shear=(30, 30)": (0, None, None, (30, 30)),
    "all four": (30, (0.2, 0.2), (0.6, 1), 30),
}
fig, axes = plt.subplots(1, 6, figsize=(9.6, 1.8), layout="constrained")
for ax, (title, arguments) in zip(axes, settings.items(), strict=True):
    affine = v2.RandomAffine(*arguments, interpolation=2, fill=220)  # 2: BILINEAR
    params = affine.make_params([photo])
    ax.imshow(affine.transform(photo, params))
    x, y, _ = matrix_by_hand(**params, center=(80, 70)) @ points - 0.5
    ax.plot(x, y, "o-", color="white", markeredgecolor="black")
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[], xlim=(-0.5, 159.5), ylim=(139.5, -0.5))
fig.savefig(RESULT / "affine.png")
