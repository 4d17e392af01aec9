r"""
1.6.5 TenCrop · 上下左右中心裁剪后翻转
======================================

Cut the four corners and the middle from an image, and the same from its mirror image.

:signature: ``TenCrop(size, vertical_flip=False)``
:arguments: ``size`` is a number or (height, width); ``vertical_flip`` turns the second
            five upside down instead of left to right
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   a tuple of ten
:use it:    to squeeze a little more accuracy out of a trained network: the mean of ten
            predictions, at ten times the cost.
:the notes: the crops are not flipped, they are cut from the flipped image. And it is a
            tuple, no "4-D tensor".
"""

import sys
from pathlib import Path

import torch
from PIL import ImageOps
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_grid

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Ten windows of two pixels
# -------------------------
# A row has nothing to spare above or below: its top and bottom windows are the same.
row = torch.tensor([[[0, 1, 2]]])
print([crop.flatten().tolist() for crop in v2.TenCrop((1, 2))(row)])
# → [[0, 1], [1, 2], [0, 1], [1, 2], [0, 1], [2, 1], [1, 0], [2, 1], [1, 0], [2, 1]]

# %%
# By hand: five slices of the image, five of its mirror image
# -----------------------------------------------------------


def ten_crops_by_hand(image, height, width, vertical_flip=False):
    """Return ten tensors (C, height, width) of one (C, H, W)."""
    bottom, right = image.shape[1] - height, image.shape[2] - width
    middle = (round(bottom / 2), round(right / 2))
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), middle]
    both = (image, image.flip(1 if vertical_flip else 2))
    return [x[:, y : y + height, x0 : x0 + width] for x in both for y, x0 in corners]


flower = sample_image()  # 160 x 160
pixels = v2.functional.pil_to_tensor(flower)
for flip in (False, True):
    ten_crop = v2.TenCrop((72, 96), vertical_flip=flip)
    crops = [v2.functional.pil_to_tensor(crop) for crop in ten_crop(flower)]
    by_hand = ten_crops_by_hand(pixels, 72, 96, vertical_flip=flip)
    check(f"vertical_flip={flip}", by_hand, crops)
    check("  uint8 = PIL", torch.stack(crops), torch.stack(ten_crop(pixels)))
    floats = torch.stack(ten_crop(pixels / 255))
    check("  float = PIL / 255", torch.stack(crops) / 255, floats)
check("v1 = v2", v1.TenCrop((72, 96), vertical_flip=True)(flower), ten_crop(flower))

# %%
# So the sixth to the tenth are mirrored crops, left and right exchanged. But where a
# column is left over the middle ones differ: in the row [0, 1], and [2, 1].
crops = torch.stack(v2.TenCrop(96)(pixels))
check("mirrored crops", crops[[1, 0, 3, 2, 4]].flip(-1), crops[5:])
middle, mirrored = v2.TenCrop((1, 2))(row)[4::5]
check("but not this one", [[1, 0], [2, 1]], [middle.flip(-1).flatten(), mirrored[0, 0]])

# %%
# The mean of ten predictions
# ---------------------------
# Ten crops times N images go through the network as one batch. The mean is the same for
# an image and its mirror image, whatever the network.
to_float = v2.ToDtype(torch.float32, scale=True)
transform = v2.Compose([v2.ToImage(), v2.TenCrop(96), to_float, torch.stack])
net = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.Flatten())
net.append(nn.Linear(8 * 23 * 23, 4)).requires_grad_(False)


def predict(net, images):
    """Return the mean scores (N, classes) for crops of shape (N, crops, C, H, W)."""
    scores = net(images.flatten(0, 1))
    return scores.unflatten(0, images.shape[:2]).mean(dim=1)


batch = torch.stack([transform(flower), transform(ImageOps.flip(flower))])
print("a batch:", tuple(batch.shape))  # → a batch: (2, 10, 3, 96, 96)
scores = predict(net, batch)
by_hand = [sum(net(crop[None])[0] for crop in ten) / 10 for ten in batch]
check("the mean over the crops of each image", by_hand, scores)
mirrored = predict(net, transform(ImageOps.mirror(flower))[None])
check("the mirror image has the same scores", scores[:1], mirrored)

# %%
# Pitfalls
# --------
# Five dimensions are too many. And ``view(10, N, ...)`` has the right shape, but takes
# the mean over crops of different images.
with refused(RuntimeError, "Expected 3D (unbatched) or 4D (batched) input to conv2d"):
    net(batch)
wrong = net(batch.flatten(0, 1)).view(10, 2, 4).mean(dim=0)
even, odd = (net(batch[:, n::2].flatten(0, 1)).mean(dim=0) for n in (0, 1))
check("every second crop of all images", torch.stack([even, odd]), wrong)

# %%
# The picture
# -----------
# Frames of one colour show the same part: left and right have changed places.
crops = v2.TenCrop(80)(flower)
colours = ["red", "cyan", "yellow", "violet", "lime"]
colours += ["cyan", "red", "violet", "yellow", "lime"]
images = [ImageOps.expand(*pair) for pair in zip(crops, [4] * 10, colours, strict=True)]
images = [flower, *images[:5], ImageOps.mirror(flower), *images[5:]]
titles = ["original", *"12345", "mirrored", *"6789", "10"]
title = "TenCrop(80): five crops, and five of the mirror image"
show_grid(images, titles, RESULT / "crops.png", title=title)
print(SAMPLE_CREDIT)
