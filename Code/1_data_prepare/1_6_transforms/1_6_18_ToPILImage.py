r"""
1.6.18 ToPILImage · 将数据转换为PILImage
========================================

Turn a tensor or an array back into a PIL image, to look at it or to save it.

:signature: ``ToPILImage(mode=None)``
:input:     tensor (C, H, W) or (H, W); ndarray (H, W, C) or (H, W); up to 4 channels.
            Floats stand for 0 to 1, uint8 for 0 to 255.
:mode:      ``None`` chooses by the channels: 2 give LA, 3 RGB, 4 RGBA, and 1 by the
            dtype: L for uint8 and floats, I for int32. Naming another one does not
            convert: ``.convert()`` of the image does.
:returns:   a PIL image of size (W, H)
:use it:    last, on what a network drew or a transform did to a picture. Undo Normalize
            and clamp to [0, 1] before.
:the notes: lack the two channels, and that the dtype counts.
:then → now: v2 lets a PIL image pass, v1 refuses it.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as v1
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)
to_pil = v2.ToPILImage()

# %%
# Five grey levels
# ----------------
# A float is multiplied by 255 and loses its fraction: one half becomes 127.
pixels = torch.tensor([[0.0, 0.25, 0.5, 0.999, 1.0]])  # (H, W)
image = to_pil(pixels)
print(image.mode, image.size)  # → L (5, 1)
print(np.asarray(image))  # → [[  0  63 127 254 255]]

# %%
# By hand: scale, move the channels last, cut off
# -----------------------------------------------


def to_pil_by_hand(tensor):
    """Return the RGB image of a float tensor (3, H, W) with values in [0, 1]."""
    pixels = (255 * tensor).byte().permute(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(pixels.numpy()))


floats = torch.rand(3, 40, 50)
check("float tensor", to_pil_by_hand(floats), to_pil(floats))
check("ndarray, channels last", to_pil(floats), to_pil(floats.permute(1, 2, 0).numpy()))
flower = sample_image()  # 160 x 160
uint8 = v2.functional.pil_to_tensor(flower)
check("uint8: nothing is scaled", flower, to_pil(uint8))
check("uint8 / 255: there and back, nothing is lost", flower, to_pil(uint8 / 255))

# %%
# Cutting off darkens all other floats by half a level on average. ToDtype does not.
darker = 255 * floats - v2.functional.pil_to_tensor(to_pil(floats))
check("mean loss, in grey levels", 0.5, darker.mean(), rtol=0, atol=0.02)
to_uint8 = v2.Compose([v2.ToDtype(torch.uint8, scale=True), to_pil])
even = 255 * floats - v2.functional.pil_to_tensor(to_uint8(floats))
check("and with ToDtype before", 0.0, even.mean(), atol=0.02)

# %%
# ``mode`` names the channels
# ---------------------------
for dtype, channels in (
    (torch.uint8, (1, 2, 3, 4)),
    (torch.float32, (1, 2, 3, 4)),
    (torch.int32, (1,)),
):
    modes = [to_pil(torch.zeros(c, 8, 8, dtype=dtype)).mode for c in channels]
    print(f"{dtype}:", *modes)
# → torch.uint8: L LA RGB RGBA
# → torch.float32: L LA RGB RGBA
# → torch.int32: I

# %%
# The same numbers are another picture under another name. F keeps floats as they are.
hsv = v2.ToPILImage("HSV")(uint8)
check("HSV: the numbers of RGB", np.asarray(flower), np.asarray(hsv).copy())
kept = v2.ToPILImage("F")(torch.tensor([[-0.5, 300.25]]))
check("F: not scaled", [[-0.5, 300.25]], np.asarray(kept))
with refused(ValueError, "Only modes ['RGB', 'YCbCr', 'HSV'] are supported"):
    v2.ToPILImage("L")(uint8)

# %%
# Pitfall: floats beyond [0, 1] wrap around
# -----------------------------------------
# Nothing is clamped: 256 is 0 again, and -1 is 255. A normalized image comes out in
# false colours, and one with floats up to 255 as its own negative: 255 v and -v
# are the same modulo 256.
mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
normalized = v2.Normalize(mean, std)(uint8 / 255)
wrapped = v2.functional.pil_to_tensor(to_pil(normalized))
check("modulo 256", (255 * normalized).long() % 256, wrapped)
negative = to_pil(uint8.float())
check("floats to 255", -uint8.int() % 256, v2.functional.pil_to_tensor(negative))
restored = v2.Normalize(-mean / std, 1 / std)(normalized)
rounded = v2.functional.pil_to_tensor(to_uint8(restored.clamp(0, 1)))
check("undo, clamp: all levels are back", uint8, rounded)

# %%
# Other pitfalls
# --------------
# A batch is no picture, nor are channels in the wrong place, nor int64, the dtype of
# ``argmax``.
with refused(ValueError, "pic should be 2/3 dimensional. Got 4 dimensions"):
    to_pil(torch.zeros(8, 3, 32, 32))
with refused(ValueError, "pic should not have > 4 channels. Got 32"):
    to_pil(torch.zeros(32, 32, 3))
with refused(TypeError, "Input type int64 is not supported"):
    to_pil(torch.zeros(8, 8, dtype=torch.int64))
with refused(TypeError, "pic should be Tensor or ndarray"):
    v1.ToPILImage()(flower)
check("v2 passes a PIL image", flower.copy(), to_pil(flower))

# %%
# The picture
# -----------
shown = {
    "original": flower,
    "float in [0, 1]": to_pil(uint8 / 255),
    "float in [0, 255]": negative,
    "normalized": to_pil(normalized),
    "normalized, clamped": to_pil(normalized.clamp(0, 1)),
    'mode="HSV"': hsv,
}
title = "ToPILImage: only floats in [0, 1] give the picture back"
show_row(list(shown.values()), list(shown), RESULT / "wrapped.png", title)
print(SAMPLE_CREDIT)
