r"""
1.6.2 CenterCrop · 中心裁剪
===========================

Cut a window of a given size from the middle.

.. math:: \text{top} = \mathrm{round}((H - h) / 2), \quad
          \text{left} = \mathrm{round}((W - w) / 2)

:signature: ``CenterCrop(size)``
:arguments: ``size`` is a number, [number], or (height, width)
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   the same type, of height and width ``size``; a smaller image gets a black
            border
:use it:    on validation and test images, where the same picture must give the same
            numbers every time: ``Resize(256)``, then ``CenterCrop(224)``.
:then → now: v2 lets a NumPy array pass untouched; v1 refused it.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torchvision import transforms as v1
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)

# %%
# The middle of 5 x 5
# -------------------
image = torch.arange(25).reshape(1, 5, 5)
print(v2.CenterCrop(3)(image).tolist())
# → [[[6, 7, 8], [11, 12, 13], [16, 17, 18]]]

# %%
# By hand
# -------
# Where the image is too small, zeros fill up, the odd one at the right and bottom.


def center_crop_by_hand(image, height, width):
    """Return the middle of (C, H, W), shape (C, height, width), zeros around it."""
    channels, h, w = image.shape
    padded = image.new_zeros(channels, max(h, height), max(w, width))
    y, x = max(height - h, 0) // 2, max(width - w, 0) // 2
    padded[:, y : y + h, x : x + w] = image
    top, left = round(max(h - height, 0) / 2), round(max(w - width, 0) / 2)
    return padded[:, top : top + height, left : left + width]


for size in ((3, 3), (2, 5), (1, 4), (8, 9), (9, 2)):
    by_hand = center_crop_by_hand(image, *size)
    check(f"5 x 5 to {size[0]} x {size[1]}", by_hand, v2.CenterCrop(size)(image))

# %%
# One column too many: which side loses it? Python rounds a half to the even number, so
# that it is the right side for a difference of 1, the left for 3, the right for 5.
lefts = []
for surplus in (1, 3, 5, 7):
    columns = torch.arange(4 + surplus).expand(1, 4, 4 + surplus)
    lefts.append(v2.CenterCrop(4)(columns)[0, 0, 0].item())
check("cut at the left, of 1, 3, 5, 7", [0, 2, 2, 4], lefts)

# %%
# ``size``, and the types
# -----------------------
# Pixels are only copied: PIL images, whole numbers and floats agree to the last bit.
# Mind the order: ``size`` is (height, width), PIL says (width, height).
flower = sample_image()  # 160 x 160
pixels = v2.functional.pil_to_tensor(flower)
crop = v2.CenterCrop((60, 140))
window = crop(flower)
print("PIL:", window.size)  # → PIL: (140, 60)
print("tensor:", tuple(v2.CenterCrop([96])(pixels).shape))  # → tensor: (3, 96, 96)
check("PIL = uint8", v2.functional.pil_to_tensor(window), crop(pixels))
check("float = uint8 / 255", crop(pixels) / 255, crop(pixels / 255))
check("v1 = v2", v1.CenterCrop((60, 140))(flower), window)

# %%
# The usual test pipeline sees three quarters of a square picture, half of one of 3 : 2.
# The pixels bear their own position, from 0 to 1: the window's tell how far it reaches.
test = v2.Compose([v2.Resize(256), v2.CenterCrop(224)])
for width in (160, 240):
    sides = torch.linspace(0, 1, 160), torch.linspace(0, 1, width)
    window = test(torch.stack(torch.meshgrid(*sides, indexing="ij")))
    seen = window.amax(dim=(1, 2)) - window.amin(dim=(1, 2))
    print(f"of 160 x {width}: {seen.prod():.0%}")
# → of 160 x 160: 77%
# → of 160 x 240: 51%

# %%
# Pitfalls
# --------
# A crop larger than the image is no error, though it is one in RandomCrop: the network
# silently gets a black frame. Here it is a third of the picture.
black = (v2.CenterCrop(200)(pixels.clamp(min=1)) == 0).float().mean()
check("black, of 200 x 200", 1 - 160**2 / 200**2, black)

# %%
# Pictures whose channels stand last. An array passes untouched, since v2 takes it for
# something else than an image; a tensor is cropped along width and channels.
array = np.asarray(flower)
print("array:", v2.CenterCrop(96)(array).shape)  # → array: (160, 160, 3)
with refused(TypeError, "Unexpected type <class 'numpy.ndarray'>"):
    v1.CenterCrop(96)(array)
window = v2.CenterCrop(96)(torch.from_numpy(array.copy()))
print("tensor:", tuple(window.shape))  # → tensor: (160, 96, 96)

# %%
# The picture
# -----------
sizes = (128, 64, (60, 140), 200)
images = [flower] + [v2.CenterCrop(size)(flower) for size in sizes]
titles = ["original, 160 x 160"] + [f"size={size}" for size in sizes]
show_row(images, titles, RESULT / "crops.png", "CenterCrop: always the middle")
print(SAMPLE_CREDIT)
