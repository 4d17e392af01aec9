r"""
1.6.14 Grayscale · 转灰度图
===========================

Replace the three colours by one grey, as bright as the eye sees them:

.. math:: L = 0.299 \, R + 0.587 \, G + 0.114 \, B

:signature: ``Grayscale(num_output_channels=1)``
:argument:  1, or 3 for three equal channels
:input:     PIL image, or tensor of shape (..., 1 or 3, H, W)
:returns:   the same type, with 1 or 3 channels
:use it:    where colour says nothing, as in text or X-rays; with 3 channels for a
            network that was pretrained on colours. At random: RandomGrayscale (1.6.17).
:source:    the weights are those of ITU-R BT.601, the standard of analogue television.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, sample_image, show_grid

RESULT = result_dir(__file__)

# %%
# Green is bright, blue is dark
# -----------------------------
# One pixel of each: red, green, blue, white.
bars = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]])[:, None]  # 3 x 1 x 4
print(v2.Grayscale()(bars))  # → tensor([[[0.2989, 0.5870, 0.1140, 0.9999]]])

# %%
# By hand
# -------
# For tensors the first weight is 0.2989, so that white falls short of 1; whole numbers
# are rounded down. Pillow counts in 65536ths and rounds to the nearest.


def grey_by_hand(image):
    """Return the grey of a (..., 3, H, W) tensor, (..., 1, H, W), in its own dtype."""
    red, green, blue = image.split(1, dim=-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).to(image.dtype)


def grey_by_pillow(array):
    """Return the grey (H, W) of an (H, W, 3) array of uint8."""
    weighted = array.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
    return ((weighted + 32768) >> 16).astype(np.uint8)


photo = sample_image()
pixels = v2.functional.pil_to_tensor(photo)  # uint8, 3 x 160 x 160
grey = v2.Grayscale()
check("floats", grey_by_hand(pixels / 255), grey(pixels / 255))
check("uint8", grey_by_hand(pixels), grey(pixels))
check("a PIL image", grey_by_pillow(np.array(photo)), np.array(grey(photo)))
batch = torch.stack([pixels, pixels.flip(0)])
check("a batch", grey_by_hand(batch), grey(batch))
print("mode:", grey(photo).mode)  # → mode: L

# %%
# ``num_output_channels=3``
# -------------------------
# The same grey three times; so a grey image gets the shape that a colour network takes.
three = v2.Grayscale(num_output_channels=3)
check("three equal channels", grey(pixels).repeat(3, 1, 1), three(pixels))
print("from grey:", tuple(three(grey(pixels)).shape))  # → from grey: (3, 160, 160)
with refused(ValueError, "num_output_channels must be 1 or 3"):
    v2.Grayscale(2)(pixels)

# %%
# Pitfalls
# --------
# White is 254 in a uint8 tensor, 255 in a PIL image.
white = torch.full((3, 1, 1), 255, dtype=torch.uint8)
from_pil = grey(v2.functional.to_pil_image(white)).getpixel((0, 0))
print("white:", grey(white).item(), from_pil)  # → white: 254 255

# %%
# The three channels of a tensor are one piece of memory, shown three times: what is
# written into one stands in all. ``clone`` parts them.
shared = three(pixels / 255)
shared[0, 0, 0] = 9
print("all three:", shared[:, 0, 0])  # → all three: tensor([9., 9., 9.])

# %%
# An image in the order blue, green, red, as OpenCV reads them, gets the weights of red
# and blue exchanged; nothing complains.
wrong = grey(pixels.flip(0) / 255)
by_hand = (0.114 * pixels[0] + 0.587 * pixels[1] + 0.2989 * pixels[2])[None] / 255
check("BGR: red counts as blue", by_hand, wrong)

# %%
# Four channels fail with an odd message: drop the alpha channel first.
with refused(ValueError, "too many values to unpack"):
    grey(torch.rand(4, 8, 8))

# %%
# The picture
# -----------
# The mean of the channels makes all pure colours alike; the weights keep them apart.
colors = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)]
stripes = torch.tensor(colors).T[:, None].repeat_interleave(26, dim=2).float()
images, titles = [], []
for image in (pixels / 255, stripes.repeat(1, 160, 1)):
    images += [image, grey(image), image.mean(dim=0), grey(image.flip(0))]
    titles += ["original", "Grayscale()", "mean of R, G, B", "Grayscale() of BGR"]
show_grid(images, titles, RESULT / "greys.png", columns=4)
