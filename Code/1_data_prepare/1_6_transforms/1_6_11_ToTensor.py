r"""
1.6.11 ToTensor · 转为 tensor
=============================

Turn a PIL image or an array (H, W, C) of 0..255 into a tensor (C, H, W) of 0..1.

:signature: ``ToTensor()``: it has no arguments. Its successors are ``ToImage()`` and
            ``ToDtype(dtype, scale=False)``.
:input:     PIL image, or array of shape (H, W, C) or (H, W)
:returns:   tensor of shape (C, H, W); float32 in [0, 1] if the input has 8 bits, and
            unscaled in the input's own dtype if not
:use it:    in old code. In new code write ``v2.Compose([v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True)])``.
:the notes: "and normalizes" holds for 8 bits only; see the pitfalls.
:then → now: ``v2.ToTensor`` warns that it will go.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, sample_image, show_row, warned

RESULT = result_dir(__file__)

# %%
# Two pixels
# ----------
# The three numbers of a pixel part: one goes to each channel.
with warned(UserWarning, "deprecated and will be removed"):
    to_tensor = v2.ToTensor()
two = np.array([[[255, 51, 0], [255, 255, 255]]], dtype=np.uint8)  # 1 x 2 x 3
tensor = to_tensor(two)
print(two.shape, "becomes", tuple(tensor.shape))  # → (1, 2, 3) becomes (3, 1, 2)
print(
    "first pixel:", tensor[:, 0, 0]
)  # → first pixel: tensor([1.0000, 0.2000, 0.0000])

# %%
# By hand
# -------
# The two transpositions of the notes are one permutation. ``contiguous`` lays the
# channels out one after the other in memory.


def to_tensor_by_hand(array):
    """Return the (H, W, C) uint8 array as a (C, H, W) tensor of floats in [0, 1]."""
    image = torch.from_numpy(array).transpose(0, 1).transpose(0, 2).contiguous()
    return image.float() / 255


photo = sample_image()
pixels = np.array(photo)  # 160 x 160 x 3
tensor = to_tensor(photo)
check("transpose twice, divide by 255", to_tensor_by_hand(pixels), tensor)
check("an array gives the same", to_tensor_by_hand(pixels), to_tensor(pixels))
permuted = torch.from_numpy(pixels).permute(2, 0, 1) / 255
check("the same as permute(2, 0, 1)", permuted, tensor)
print("in memory:", permuted.stride(), tensor.stride())
# → in memory: (1, 480, 3) (25600, 160, 1)

# %%
# The successors
# --------------
# ``ToImage`` transposes and keeps the dtype. ``ToDtype`` changes it; it must be told to
# scale.
to_image, scaled = v2.ToImage(), v2.ToDtype(torch.float32, scale=True)
modern = v2.Compose([to_image, scaled])
check("the same numbers", tensor, modern(photo))
check("ToImage keeps uint8", str(torch.uint8), str(to_image(photo).dtype))
unscaled = v2.ToDtype(torch.float32)(to_image(photo))
check("scale=False leaves 0..255", tensor * 255, unscaled)

# %%
# Pitfalls
# --------
# What has not 8 bits keeps its dtype and its range.
for dtype in (np.float64, np.int32, np.uint16):
    unscaled = to_tensor(pixels.astype(dtype))
    print(f"{dtype.__name__}: {unscaled.dtype}, up to {unscaled.double().max():.0f}")
# → float64: torch.float64, up to 248
# → int32: torch.int32, up to 248
# → uint16: torch.uint16, up to 248

# %%
# The successors divide a whole number by the largest that its dtype holds: int32 pixels
# come out almost black.
black = modern(pixels.astype(np.int32))
check("int32: divided by 2**31 - 1", tensor * 255 / (2**31 - 1), black, atol=0)

# %%
# A 16-bit image turns negative above 32767; the successors get it right.
grey = np.array(photo.convert("L"))
sixteen = Image.fromarray(grey.astype(np.uint16) * 257)  # 255 * 257 = 65535
wrapped = to_tensor(sixteen)
print(sixteen.mode, wrapped.dtype, wrapped.min())  # → I;16 torch.int16 tensor(-32640, …
signed = torch.from_numpy(grey).int() * 257
signed = torch.where(signed > 32767, signed - 65536, signed)
check("it wraps round", signed[None], wrapped)
check("ToImage, ToDtype", to_tensor(grey), modern(sixteen))

# %%
# A palette image gives the numbers of its colours, not the colours: convert it first.
palette = Image.fromarray(np.array([[2]], dtype=np.uint8), mode="P")
palette.putpalette([0, 0, 0, 255, 255, 255, 255, 51, 0])
check("colour number 2", 2 / 255, to_tensor(palette).item())
rgb = to_tensor(palette.convert("RGB"))
check("its colour", [1.0, 0.2, 0.0], rgb.flatten())

# %%
# A tensor is refused by the old class, and passes the one of v2 unscaled.
with refused(TypeError, "pic should be PIL Image or ndarray"):
    transforms.ToTensor()(torch.from_numpy(pixels))
same = to_tensor(torch.from_numpy(pixels.copy()))
check("v2: still (H, W, C), 0..255", pixels, same)

# %%
# The pictures
# ------------
# The same photograph; its channels one by one. In the petals red is high, blue is low.
images, titles = [photo, *tensor], ["original", "tensor[0], red"]
titles += ["tensor[1], green", "tensor[2], blue"]
show_row(images, titles, RESULT / "channels.png", "One channel after the other")

# %%
images = [grey, wrapped / 32767, modern(sixteen)]
titles = ["16-bit image", "ToTensor: below 0 black", "ToImage, ToDtype"]
show_row(images, titles, RESULT / "sixteen_bits.png", "The bright half turns negative")
