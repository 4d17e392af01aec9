r"""
1.6.3 RandomResizedCrop · 随机长宽比裁剪
========================================

Cut a window of random area :math:`A` and shape :math:`r` at a random place, and resize
it.

.. math:: A \sim U(\text{scale}) \cdot H W, \quad \log r \sim U(\log \text{ratio}),
          \quad w = \sqrt{A r}, \quad h = \sqrt{A / r}

:signature: ``RandomResizedCrop(size, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3),
            interpolation=InterpolationMode.BILINEAR, antialias=True)``
:arguments: ``size`` is a number or (height, width), but ``ratio`` is width / height
:input:     PIL image, or tensor of shape (..., C, H, W)
:returns:   the same type, of height and width ``size``
:use it:    to train on photographs. On small pictures raise the lower end of ``scale``.
:then → now: ``interpolation=2`` became a name; ``antialias`` is new.
"""

import math
import sys
from pathlib import Path

import torch
from PIL import ImageDraw, ImageOps
from torchvision.transforms import InterpolationMode, v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# By hand
# -------
# A window that sticks out is drawn anew. After ten of them the middle is taken, as much
# as ``ratio`` allows.
flower = sample_image()  # 160 x 160
pixels = v2.functional.pil_to_tensor(flower)
crop = v2.RandomResizedCrop((60, 80))
print("a crop:", tuple(crop(pixels).shape))  # → a crop: (3, 60, 80)


def window_by_hand(height, width, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    """Draw a window of an image of ``height`` x ``width``: (top, left, h, w)."""
    for _ in range(10):
        area = height * width * torch.empty(1).uniform_(*scale).item()
        r = torch.empty(1).uniform_(*map(math.log, ratio)).exp().item()
        h, w = round(math.sqrt(area / r)), round(math.sqrt(area * r))
        if 0 < h <= height and 0 < w <= width:
            top = torch.randint(height - h + 1, (1,)).item()
            return top, torch.randint(width - w + 1, (1,)).item(), h, w
    h = min(height, round(width / ratio[0]))
    w = min(width, round(height * ratio[1]))
    return (height - h) // 2, (width - w) // 2, h, w


for seed in (0, 1, 2):
    torch.manual_seed(seed)
    window = crop(pixels)
    torch.manual_seed(seed)
    top, left, h, w = window_by_hand(160, 160)
    cut = pixels[:, top : top + h, left : left + w]
    check(f"{h} x {w}, resized", v2.functional.resize(cut, [60, 80]), window)

# %%
# 2500 windows
# ------------
# As long as every window fits, the area is uniform, and so is the logarithm of the
# ratio: 3 : 4 comes as often as 4 : 3.
image, draw = torch.empty(1, 1000, 1000), v2.RandomResizedCrop.get_params
windows = [draw(image, (0.08, 0.5), (3 / 4, 4 / 3)) for _ in range(2500)]
h, w = torch.tensor(windows).float().T[2:]
deciles = torch.arange(0.1, 0.95, 0.1)
by_hand = 0.08 + 0.42 * deciles
check("area: uniform", by_hand, (h * w / 1e6).quantile(deciles), atol=0.017)
by_hand = (2 * deciles - 1) * math.log(4 / 3)
check("log ratio: uniform", by_hand, (w / h).log().quantile(deciles), atol=0.023)

# %%
# With the default ``scale`` a window of the share :math:`a` fits only with probability
# :math:`-\log a / \log(4/3)`, if that is less than 1: large ones are rare.
windows = [draw(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(2500)]
h, w = torch.tensor(windows).float().T[2:]
a = torch.linspace(0.08, 1, 2000)
fits = (-a.log() / math.log(4 / 3)).clamp(max=1)
mean = (a * fits).sum() / fits.sum()
check(f"mean area: {mean:.2f}, not 0.54", mean, (h * w / 1e6).mean(), atol=0.019)

# %%
# ``interpolation`` and ``antialias``
# -----------------------------------
# When the only window is the whole square, a plain Resize is left; here 16 pixels
# become one. PIL uses all of them; a tensor without ``antialias`` the inner 4.
whole = {"size": 40, "scale": (1, 1), "ratio": (1, 1)}
crop, rough = (v2.RandomResizedCrop(**whole, antialias=a) for a in (True, False))
smooth = v2.functional.pil_to_tensor(crop(flower)).float()
check("uint8 = PIL, to a level", crop(pixels).float(), smooth, atol=1)
check("float = PIL, to a level", crop(pixels / 255) * 255, smooth, atol=1)
by_hand = torch.nn.functional.avg_pool2d(pixels[:, 1:, 1:].float(), 2, stride=4)
check("antialias=False: the inner four", by_hand, rough(pixels), atol=1)
nearest = v2.RandomResizedCrop(**whole, interpolation=InterpolationMode.NEAREST)
check("nearest: the first of the 16", pixels[:, ::4, ::4], nearest(pixels))

# %%
# Pitfall: a long image
# ---------------------
# No window of the wanted shape has 90 % of the area. It is always the same middle, and
# nothing is random.
windows = [draw(image[:, :160, :20], (0.9, 1.0), (3 / 4, 4 / 3)) for _ in range(100)]
check("always the same", [window_by_hand(160, 20, (0.9, 1.0))] * 100, windows)

# %%
# The picture
# -----------
# A small window may lose the object (red): then the label is wrong.
images, titles = [flower.copy()], ["original"]
for seed, colour, scale, ratio in (
    (0, "yellow", (0.08, 1.0), (0.75, 1.33)),
    (14, "red", (0.08, 0.08), (0.75, 1.33)),
    (0, "cyan", (0.2, 0.2), (3, 3)),
    (0, "violet", (0.2, 0.2), (0.33, 0.33)),
):
    torch.manual_seed(seed)
    crop = v2.RandomResizedCrop(112, scale, ratio)(flower)
    images.append(ImageOps.expand(crop, 4, colour))
    titles.append(f"scale={scale}\nratio={ratio}")
    torch.manual_seed(seed)
    top, left, h, w = draw(flower, scale, ratio)
    box = (left, top, left + w - 1, top + h - 1)
    ImageDraw.Draw(images[0]).rectangle(box, outline=colour, width=2)
show_row(images, titles, RESULT / "crops.png", "RandomResizedCrop(112), four windows")
print(SAMPLE_CREDIT)
