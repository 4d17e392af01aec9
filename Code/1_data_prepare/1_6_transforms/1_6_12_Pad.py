r"""
1.6.12 Pad · 填充
=================

Put a border around an image: one colour, or pixels continued from its edge.

:signature: ``Pad(padding, fill=0, padding_mode="constant")``
:padding:   an int: all four sides; a pair: (left and right, top and bottom); four:
            (left, top, right, bottom)
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   the same type, (H + top + bottom) x (W + left + right)
:use it:    to make images square before Resize, without distortion; before a crop or a
            rotation, so that the border is not black: ``reflect`` looks most natural
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)

# %%
# One row of pixels, four modes
# -----------------------------
# ``reflect`` does not repeat the pixel at the edge, ``symmetric`` does.
row = torch.tensor([[[1, 2, 3, 4]]])
for mode in ("constant", "edge", "reflect", "symmetric"):
    print(f"{mode}:", v2.Pad((3, 0), padding_mode=mode)(row).flatten().tolist())
# → constant: [0, 0, 0, 1, 2, 3, 4, 0, 0, 0]
# → edge: [1, 1, 1, 1, 2, 3, 4, 4, 4, 4]
# → reflect: [4, 3, 2, 1, 2, 3, 4, 3, 2, 1]
# → symmetric: [3, 2, 1, 1, 2, 3, 4, 4, 3, 2]
print("an int:", tuple(v2.Pad(3)(row).shape))  # → an int: (1, 7, 10)

# %%
# By hand: which pixel stands there?
# ----------------------------------
# Each mode is a rule that brings an index outside the image back into it.


def indices_by_hand(before, size, after, mode):
    """Return the index of the old pixel for every new one, in one direction."""
    i = torch.arange(-before, size + after)
    if mode == "edge":
        return i.clamp(0, size - 1)
    if mode == "reflect":
        i = i % (2 * size - 2)
        return torch.minimum(i, 2 * size - 2 - i)
    i = i % (2 * size)  # symmetric
    return torch.minimum(i, 2 * size - 1 - i)


photo = sample_image()
pixels = v2.functional.pil_to_tensor(photo)  # 3 x 160 x 160
left, top, right, bottom = 10, 20, 30, 40
for mode in ("edge", "reflect", "symmetric"):
    rows = indices_by_hand(top, 160, bottom, mode)
    columns = indices_by_hand(left, 160, right, mode)
    by_hand = pixels[:, rows][:, :, columns]
    pad = v2.Pad((left, top, right, bottom), padding_mode=mode)
    check(f"{mode}: 220 x 200", by_hand, pad(pixels))
    check("  a PIL image", by_hand, v2.functional.pil_to_tensor(pad(photo)))
    check("  floats", by_hand / 255, pad(pixels / 255))

# %%
# ``fill``: one number, or one for each channel
# ---------------------------------------------
by_hand = torch.tensor([200, 100, 0], dtype=torch.uint8)[:, None, None].repeat(
    1, 220, 200
)
by_hand[:, top : top + 160, left : left + 160] = pixels
pad = v2.Pad((left, top, right, bottom), fill=(200, 100, 0))
check("constant: paste onto a sheet", by_hand, pad(pixels))

# %%
# An image and its mask are padded in one call; a dictionary fills each with its own.
mask = tv_tensors.Mask(torch.ones(1, 2, 2, dtype=torch.uint8))
image = tv_tensors.Image(torch.full((1, 2, 2), 50, dtype=torch.uint8))
pad = v2.Pad((1, 0, 0, 0), fill={tv_tensors.Image: 127, tv_tensors.Mask: 9})
padded, mask = pad(image, mask)
print(padded.flatten().tolist(), mask.flatten().tolist())
# → [127, 50, 50, 127, 50, 50] [9, 1, 1, 9, 1, 1]

# %%
# Pitfalls
# --------
# ``torch.nn.functional.pad`` has another order: left, right, top, bottom.
by_nn = nn.functional.pad(pixels, (left, right, top, bottom))
check("the order differs", by_nn, v2.Pad((left, top, right, bottom))(pixels))
with refused(ValueError, "Padding must be an int or a 1, 2, or 4 element"):
    v2.Pad((1, 2, 3))

# %%
# ``fill`` is in the unit of the pixels: 255 is white in uint8, and 255 times white in
# floats. And 0 is black only before Normalize; after it, 0 is the mean.
white = v2.Pad(8, fill=255)
print("floats up to", white(pixels / 255).max())  # → floats up to tensor(255.)
normalize = v2.Normalize([0.3], [0.4])
border = v2.Pad(8)(normalize(pixels / 255))[0, 0, 0]
check("0 is the grey of the mean", normalize(torch.full((1, 1, 1), 0.3)).item(), border)

# %%
# Tensors reflect once; a PIL image goes on to and fro.
small = torch.arange(3, dtype=torch.uint8).repeat(1, 3, 1)
wide = v2.Pad((4, 0), padding_mode="reflect")
with refused(RuntimeError, "Padding size should be less than"):
    wide(small)
by_hand = indices_by_hand(4, 3, 4, "reflect")
print(by_hand.tolist())  # → [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
from_pil = np.asarray(wide(v2.functional.to_pil_image(small)))
check("a PIL image", by_hand.byte().repeat(3, 1), from_pil)

# %%
# The picture
# -----------
images, titles = [photo], ["original"]
for mode in ("constant", "edge", "reflect", "symmetric"):
    images.append(v2.Pad(40, padding_mode=mode)(photo))
    titles.append(f"40, {mode}")
images.append(v2.Pad((0, 10, 40, 70), fill=(230, 140, 80))(photo))
titles.append("(0, 10, 40, 70),\nfill=(230, 140, 80)")
show_row(images, titles, RESULT / "borders.png", "Pad(padding, fill, padding_mode)")
