r"""
1.6.9 Resize · 重置图像分辨率
=============================

Give an image another resolution: every new pixel is a weighted mean of old ones.

:signature: ``Resize(size, interpolation=InterpolationMode.BILINEAR, max_size=None,
            antialias=True)``
:size:      an int is the length of the *short* side, a pair is (height, width)
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   the same type and dtype
:use it:    to bring all images to one size: ``Resize((32, 32))``; or ``Resize(256)``,
            which keeps the proportions, and then ``CenterCrop(224)``
:the notes: the package is ``torchvision.transforms``, with an s. Their
            ``interpolation=2`` still runs and means BILINEAR.
:then → now: ``antialias`` is new, and True by default since torchvision 0.17.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms import InterpolationMode as Mode
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, sample_image, show_grid, warned

RESULT = result_dir(__file__)

# %%
# Four pixels become two
# ----------------------
# Each new pixel stands over two old ones. Antialiasing looks further: the next old
# pixel counts too, a third as much.
four = torch.tensor([[[10.0, 20.0, 30.0, 40.0]]])  # 1 channel, 1 x 4
print("antialiased:", v2.Resize((1, 2))(four))
# → antialiased: tensor([[[17.1429, 32.8571]]])
print("without:", v2.Resize((1, 2), antialias=False)(four))
# → without: tensor([[[15., 35.]]])

# %%
# By hand: a matrix for the rows, one for the columns
# ---------------------------------------------------
# The weights form a triangle around the place where the new pixel stands in the old
# image. It reaches one old pixel to each side; antialiased, one new pixel.


def weights_by_hand(old, new, antialias=True):
    """Return the matrix (new, old) that resizes a column of pixels."""
    step = old / new
    place = (torch.arange(new) + 0.5) * step - 0.5
    distance = (torch.arange(old) - place[:, None]).abs()
    triangle = (1 - distance / (max(step, 1) if antialias else 1)).clamp(min=0)
    return triangle / triangle.sum(dim=1, keepdim=True)


photo = sample_image().crop((0, 25, 160, 145))
pixels = v2.functional.pil_to_tensor(photo)  # uint8, 3 x 120 x 160
for height, width, anti in ((60, 80, True), (60, 80, False), (200, 20, True)):
    resized = v2.Resize((height, width), antialias=anti)(pixels / 255)
    rows = weights_by_hand(120, height, anti)
    columns = weights_by_hand(160, width, anti)
    by_hand = rows @ (pixels / 255) @ columns.T
    check(f"120 x 160 to {height} x {width}, antialias={anti}", by_hand, resized)

# %%
# PIL images and uint8 tensors hold whole grey levels: they agree to one.
shrink = v2.Resize(60)
exact = shrink(pixels / 255) * 255
check("PIL image", exact, v2.functional.pil_to_tensor(shrink(photo)), atol=1.0)
check("uint8 tensor", exact, shrink(pixels), atol=1.0)

# %%
# ``size`` and ``max_size``
# -------------------------
# An int is the short side; the long one follows, rounded down. ``max_size`` limits the
# long side, and sets it where ``size`` is None.
images, titles = [photo], ["original\n120 x 160"]
for size, limit in ((70, None), (70, 80), (None, 120), ((80, 80), None)):
    images.append(v2.Resize(size, max_size=limit)(photo))
    arguments = f"{size}, max_size={limit}" if limit else f"{size}"
    titles.append(f"{arguments}\n{images[-1].height} x {images[-1].width}")
print(titles[1:])
# → ['70\n70 x 93', '70, max_size=80\n60 x 80', 'None, max_size=120\n90 x 120', …]
title = "Resize(size): an int is the short side"
show_grid(images, titles, RESULT / "sizes.png", columns=5, title=title)

# %%
# ``interpolation``
# -----------------
# BICUBIC overshoots at edges: uint8 tensors are cut off there, floats are not.
check("2 is BILINEAR", shrink(pixels), v2.Resize(60, interpolation=2)(pixels))
edge, bicubic = torch.tensor([[[0.0, 0, 1, 1]]]), v2.Resize((1, 16), Mode.BICUBIC)
print(f"float: up to {bicubic(edge).max():.2f}")  # → float: up to 1.07
print("uint8: up to", bicubic((edge * 255).byte()).max().item())  # → uint8: up to 255

# %%
# NEAREST copies one pixel: in tensors the one at the corner of the new pixel, in PIL
# images the one at its centre. NEAREST_EXACT takes the centre for tensors, too.
ten, four = torch.arange(10, dtype=torch.uint8).reshape(1, 1, 10), torch.arange(4)
nearest, exact = v2.Resize((1, 4), Mode.NEAREST), v2.Resize((1, 4), Mode.NEAREST_EXACT)
from_pil = np.asarray(nearest(v2.functional.to_pil_image(ten)))
check("tensor, NEAREST", (four * 2.5).byte(), nearest(ten)[0, 0])
check("tensor, NEAREST_EXACT", ((four + 0.5) * 2.5).byte(), exact(ten)[0, 0])
check("PIL image, NEAREST", ((four + 0.5) * 2.5).byte(), from_pil[0])

# %%
# Pitfall: an int keeps the proportions, and different ones make no batch
# -----------------------------------------------------------------------
with refused(RuntimeError, "stack expects each tensor to be equal size"):
    torch.stack([v2.Resize(32)(pixels), v2.Resize(32)(pixels.mT)])

# %%
# The picture: rings that are not there
# -------------------------------------
# Towards the corners the rings get finer than the new pixels: the right answer is grey.
# Without antialiasing new rings appear. PIL images are smoothed in any case.
x = torch.arange(-80, 80)
rings = 0.5 + 0.5 * torch.cos((x**2 + x[:, None] ** 2) * torch.pi / 200)[None]
grey, moire = v2.Resize(50)(rings), v2.Resize(50, antialias=False)(rings)
print(
    f"contrast in a corner: {grey[0, :9, :9].std():.2f}, {moire[0, :9, :9].std():.2f}"
)
# → contrast in a corner: 0.00, 0.18
with warned(UserWarning, "always applied for PIL"):
    from_pil = v2.Resize(50, antialias=False)(v2.functional.to_pil_image(rings))
images, file = [rings, grey, moire, from_pil], RESULT / "antialias.png"
titles = ["160 x 160", "antialias=True", "antialias=False", "antialias=False, PIL"]
show_grid(images, titles, file, 4, "Resize(50)", to_scale=False, inches=2)
