r"""
1.6.13 ColorJitter · 修改亮度、对比度和饱和度
=============================================

Change brightness, contrast, saturation and hue by random factors, in random order.

.. math:: y = f \, x + (1 - f) \, \text{other}, \quad \text{cut off to } [0, 1]

*other* is black (brightness), the mean grey of the image (contrast) or the grey of each
pixel (saturation). Hue turns the colour wheel by a part of a full turn.

:signature: ``ColorJitter(brightness=None, contrast=None, saturation=None, hue=None)``
:arguments: a number b: a factor between max(0, 1 - b) and 1 + b; a pair: its ends. For
            hue -b to b, at most 0.5. None and 0 leave the image alone.
:input:     PIL image, uint8 tensor, or float tensor in [0, 1]; (..., 1 or 3, H, W)
:returns:   the same type and shape
:use it:    on training images only, where the light varies and colour does not tell the
            classes apart; before Normalize
:the notes: the title leaves out the fourth, hue.
"""

import colorsys
import itertools
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, sample_image

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# By hand, one factor at a time
# -----------------------------


def jitter_by_hand(image, name, factor):
    """Return the (3, H, W) image in [0, 1] after one change, named by its argument."""
    if name == "hue":
        colors = [colorsys.rgb_to_hsv(*pixel) for pixel in image.flatten(1).T.tolist()]
        turned = [colorsys.hsv_to_rgb((h + factor) % 1, s, v) for h, s, v in colors]
        return torch.tensor(turned).T.reshape(image.shape)
    grey = 0.2989 * image[0] + 0.587 * image[1] + 0.114 * image[2]
    other = {"brightness": 0.0, "contrast": grey.mean(), "saturation": grey}[name]
    return (factor * image + (1 - factor) * other).clamp(0, 1)


photo = sample_image(128)
pixels = v2.functional.pil_to_tensor(photo)
small = pixels[:, 40:56, 40:56] / 255  # 3 x 16 x 16
names = ("brightness", "contrast", "saturation", "hue")
for name, factor in zip(names, (1.5, 1.7, 0.3, 0.2), strict=True):
    jitter = v2.ColorJitter(**{name: (factor, factor)})
    by_hand = jitter_by_hand(small, name, factor)
    check(f"{name}, factor {factor}", by_hand, jitter(small), atol=1e-5)

# %%
# All four, one after the other, in an order drawn anew in each call: it matters, since
# each change is cut off. ``make_params`` draws what a call draws.
jitter = v2.ColorJitter(brightness=0.4, contrast=(0.5, 3), saturation=1.5, hue=0.1)
for seed in range(3):
    torch.manual_seed(seed)
    params, by_hand = jitter.make_params([]), small
    for name in (names[index] for index in params["fn_idx"]):
        by_hand = jitter_by_hand(by_hand, name, params[f"{name}_factor"])
    torch.manual_seed(seed)
    check(f"order {params['fn_idx'].tolist()}", by_hand, jitter(small), atol=1e-4)

# %%
# What is drawn
# -------------
# Factors, uniform between their ends; and each of the 24 orders equally often.
drawn = [jitter.make_params([]) for _ in range(4800)]
ends = ((0.6, 1.4), (0.5, 3), (0, 2.5), (-0.1, 0.1))
for name, (low, high) in zip(names, ends, strict=True):
    factors = torch.tensor([params[f"{name}_factor"] for params in drawn]).sort().values
    reached, even = [factors[0], factors[-1]], torch.linspace(low, high, 4800)
    check(f"{name}: {low} to {high}", [low, high], reached, atol=0.003 * (high - low))
    check("  evenly spread", even, factors, atol=0.04 * (high - low))
orders = [tuple(params["fn_idx"].tolist()) for params in drawn]
counts = [orders.count(order) for order in itertools.permutations(range(4))]
check("each order about 200 times", [200] * 24, counts, atol=56)

# %%
# PIL images and uint8 tensors
# ----------------------------
# They agree with floats to two grey levels. Only in hue a PIL image is off by more: its
# colour wheel has 256 steps.
for name, level in zip(names, (2, 2, 2, 10), strict=True):
    jitter = v2.ColorJitter(**{name: (0.2, 0.2)})
    exact, from_pil = jitter(pixels / 255) * 255, np.array(jitter(photo))
    check(f"{name}: uint8, to 2", exact, jitter(pixels), atol=2)
    check(f"  PIL image, to {level}", exact.permute(1, 2, 0), from_pil, atol=level)

# %%
# Pitfalls
# --------
# After Normalize, all that is negative turns to 0, and all above 1 to 1.
normalized = v2.Normalize([0.5], [0.25])(small)
late = v2.ColorJitter(brightness=(1.1, 1.1))(normalized)
check("cut off", (1.1 * normalized).clamp(0, 1), late)
lost = (late != 1.1 * normalized).float().mean()
print(f"lost: {lost:.0%} of the values")  # → lost: 87% of the values

# %%
# One call is one draw: a batch gets the same factors throughout. Jitter image by image.
first, second = v2.ColorJitter(0.5)(torch.stack([small, small]))
check("two images, one factor", first.clone(), second)

# %%
# A grey image has neither saturation nor hue; four channels are refused.
grey = small[:1]
check("unchanged", grey.clone(), v2.ColorJitter(saturation=0.9, hue=0.5)(grey))
with refused(TypeError, "permitted channel values are 1 or 3"):
    v2.ColorJitter(0.5)(torch.rand(4, 8, 8))
with refused(ValueError, "hue values should be between (-0.5, 0.5)"):
    v2.ColorJitter(hue=0.6)

# %%
# The picture
# -----------
settings = dict.fromkeys(names[:3], (0, 0.5, 1.5, 2)) | {"hue": (-0.5, -0.1, 0.1, 0.3)}
fig, ax = plt.subplots(figsize=(7.2, 6.6), layout="constrained")
rows = []
for row, (name, factors) in enumerate(settings.items()):
    images = [v2.ColorJitter(**{name: (f, f)})(photo) for f in factors]
    rows.append([photo, *images])
    for column, label in enumerate(("original", *factors)):
        ax.text(128 * column + 6, 128 * row + 6, label, color="white", va="top")
rows.append([photo] + [v2.ColorJitter(0.5, 0.5, 0.5, 0.1)(photo) for _ in range(4)])
ax.imshow(np.vstack([np.hstack(row) for row in rows]))
ax.set_yticks(range(64, 640, 128), [*names, "four draws of\n0.5, 0.5, 0.5, 0.1"])
ax.set(title="ColorJitter: the factors, one at a time, and all at random", xticks=[])
fig.savefig(RESULT / "factors.png")
