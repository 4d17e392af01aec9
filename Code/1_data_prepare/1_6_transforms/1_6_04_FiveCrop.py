r"""
1.6.4 FiveCrop · 上下左右中心裁剪
=================================

Cut five windows from one image: its four corners and its middle.

:signature: ``FiveCrop(size)``
:arguments: ``size`` is a number, [number], or (height, width)
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   a tuple of five: top left, top right, bottom left, bottom right, middle
:use it:    at test time, when accuracy counts more than time: average the network's
            five predictions (lesson 1.6.5 does so).
:the notes: it returns no "4-D tensor" but a tuple; stack it yourself.
:then → now: in v1 a ``Lambda`` got the whole tuple, in v2 it gets each crop alone.
"""

import sys
from pathlib import Path

import torch
from PIL import ImageDraw, ImageOps
from torch.utils.data import DataLoader
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)

# %%
# Five windows of 3 x 3
# ---------------------
image = torch.arange(9).reshape(1, 3, 3)
for crop in v2.FiveCrop(2)(image):
    print(crop.tolist())
# → [[[0, 1], [3, 4]]]
# → [[[1, 2], [4, 5]]]
# → [[[3, 4], [6, 7]]]
# → [[[4, 5], [7, 8]]]
# → [[[0, 1], [3, 4]]]

# %%
# By hand: five slices
# --------------------


def five_crops_by_hand(image, height, width):
    """Return five tensors (C, height, width) of one (C, H, W)."""
    bottom, right = image.shape[1] - height, image.shape[2] - width
    middle = (round(bottom / 2), round(right / 2))
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), middle]
    return tuple(image[:, y : y + height, x : x + width] for y, x in corners)


flower = sample_image()  # 160 x 160
pixels = v2.functional.pil_to_tensor(flower)
for size, height, width in ((96, 96, 96), ([41], 41, 41), ((30, 77), 30, 77)):
    by_hand = five_crops_by_hand(pixels, height, width)
    crops = [v2.functional.pil_to_tensor(crop) for crop in v2.FiveCrop(size)(flower)]
    check(f"size={size}", by_hand, crops)

# %%
# Nothing is random or computed: the types agree to the last bit, and v1 does the same.
crops = v2.FiveCrop(96)(flower)
fives = torch.stack([v2.functional.pil_to_tensor(crop) for crop in crops])
check("uint8 = PIL", torch.stack(v2.FiveCrop(96)(pixels)), fives)
check("float = PIL / 255", torch.stack(v2.FiveCrop(96)(pixels / 255)), fives / 255)
check("v1 = v2", v1.FiveCrop(96)(flower), crops)

# %%
# A batch of fives
# ----------------
# v2 applies what follows to every image of the tuple. ``Compose`` takes any function:
# ``torch.stack`` makes one tensor of the five. The network gets the crops of all images
# in a row, each with the label of its image.
to_float = v2.ToDtype(torch.float32, scale=True)
stacked = v2.Compose([v2.FiveCrop(96), v2.ToImage(), to_float, torch.stack])(flower)
check("one tensor of five", fives / 255, stacked)
images, labels = next(iter(DataLoader([(stacked, 3), (stacked, 7)], batch_size=2)))
print("a batch:", tuple(images.shape))  # → a batch: (2, 5, 3, 96, 96)
print("flat:", tuple(images.flatten(0, 1).shape))  # → flat: (10, 3, 96, 96)
print("labels:", labels.repeat_interleave(5).tolist())
# → labels: [3, 3, 3, 3, 3, 7, 7, 7, 7, 7]

# %%
# Pitfalls
# --------
# What takes one image takes no tuple. v1's ``Lambda`` gets all the crops, v2's each one
# alone.
with refused(TypeError, "Got <class 'tuple'>"):
    v1.Compose([v1.FiveCrop(96), v1.ToTensor()])(flower)
count = v1.Compose([v1.FiveCrop(96), v1.Lambda(len)])
check("v1's Lambda counts the crops", 5, count(flower))
with refused(TypeError, "must be tuple of Tensors, not Image"):
    v2.Compose([v2.FiveCrop(96), v2.ToImage(), v2.Lambda(torch.stack)])(flower)

# %%
# Of several plain tensors v2 takes the first for the image, and silently leaves the
# others as they are. ``ToImage``, early in the pipeline, marks all five.
after = v2.Compose([v2.FiveCrop(2), v2.Normalize(mean=[0.5], std=[0.25])])
changed = []
for start in (image / 8, tv_tensors.Image(image / 8)):
    pairs = zip(v2.FiveCrop(2)(start), after(start), strict=True)
    changed.append(sum(not torch.equal(*pair) for pair in pairs))
print("normalized: plain tensor, image:", changed)
# → normalized: plain tensor, image: [1, 5]

# %%
# Corners larger than the image are refused, and so are masks and boxes.
with refused(ValueError, "Requested crop size (200, 200) is bigger than input size"):
    v2.FiveCrop(200)(flower)
with refused(TypeError, "BoundingBoxes'es and Mask's are not supported"):
    v2.FiveCrop(96)(flower, tv_tensors.Mask(pixels[0]))

# %%
# The picture
# -----------
images = [flower.copy()]
titles = ["original", "top left", "top right", "bottom left", "bottom right", "middle"]
colours = ["red", "cyan", "yellow", "violet", "lime"]
corners = [(0, 0), (88, 0), (0, 88), (88, 88), (44, 44)]
for crop, colour, (x, y) in zip(v2.FiveCrop(72)(flower), colours, corners, strict=True):
    images.append(ImageOps.expand(crop, 4, colour))
    ImageDraw.Draw(images[0]).rectangle((x, y, x + 71, y + 71), None, colour, 2)
show_row(images, titles, RESULT / "crops.png", "FiveCrop(72): corners and middle")
print(SAMPLE_CREDIT)
