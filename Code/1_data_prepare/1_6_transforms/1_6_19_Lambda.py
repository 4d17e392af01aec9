r"""
1.6.19 Lambda · 自定义变换
==========================

Use a function of your own as a transform.

:signature: ``Lambda(lambd, *types)``
:lambd:     any callable of one argument
:types:     only inputs of these classes meet the function, others pass; default: all
:input:     anything: an image, or a tuple, list or dict of things
:returns:   what the function returns, in the same structure
:use it:    for a sum or a slice between two transforms. Compose takes any callable: a
            function of the whole sample needs no Lambda.
:then → now: v1 handed over its input as it was; v2 goes through tuples, lists and dicts
            and calls the function for each thing in them. ``types`` is new in v2.
"""

import pickle
import sys
from functools import partial
from pathlib import Path

import torch
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)
floats = torch.rand(3, 4, 4)

# %%
# It calls the function
# ---------------------
# A tuple, a list or a dict is opened, and the function is called for each thing in it.
negative = v2.Lambda(lambda x: 1 - x)
check("a negative", 1 - floats, negative(floats))
print(negative({"boxes": [(1, 2), (3, 4)]}))  # → {'boxes': [(0, -1), (-2, -3)]}

# %%
# By hand
# -------
# ``types`` chooses what meets the function.


def lambda_by_hand(function, sample, *types):
    """Return the sample with the function applied to all in it that is of the types."""
    if isinstance(sample, dict):
        return {k: lambda_by_hand(function, v, *types) for k, v in sample.items()}
    if isinstance(sample, list | tuple):
        return type(sample)(lambda_by_hand(function, v, *types) for v in sample)
    return function(sample) if isinstance(sample, types or object) else sample


def double(x):
    """Return 2 x."""
    return 2 * x


sample = {"image": floats, "boxes": [(1, 2), (3, 4)], "name": "ab"}
check("all of it", lambda_by_hand(double, sample), v2.Lambda(double)(sample))
by_hand = lambda_by_hand(double, sample, torch.Tensor, str)
check("tensors, strings", by_hand, v2.Lambda(double, torch.Tensor, str)(sample))

# %%
# Pitfall: the label is doubled with the image
# --------------------------------------------
# Of plain tensors only the first counts as an image, here as in all of v2: the others
# pass. A number has no such luck. Wrap the image and name its type.
check("a number", 6, v2.Lambda(double)(floats, 3)[1])
check("a tensor that comes second", 3, v2.Lambda(double)(floats, torch.tensor(3))[1])
check("one that comes first", 6, v2.Lambda(double)(torch.tensor(3), floats)[0])
pair = v2.Lambda(double, tv_tensors.Image)(tv_tensors.Image(floats), 3)
check("tv_tensors.Image: the image only", (2 * floats, 3), pair)

# %%
# Pitfall: what the function meets
# --------------------------------
# It sees the image as it is: a uint8 tensor overflows, floats leave [0, 1], a PIL image
# can't be multiplied. The functions of ``v2.functional`` know all three.
uint8 = torch.tensor([[[200]]], dtype=torch.uint8)
check("uint8: 400 - 256", 144, v2.Lambda(double)(uint8).item())
check("float: beyond 1", 400 / 255, v2.Lambda(double)(uint8 / 255).item())
flower = sample_image()  # 160 x 160
with refused(TypeError, "unsupported operand type(s) for *"):
    v2.Lambda(double)(flower)
brighter = v2.Lambda(partial(v2.functional.adjust_brightness, brightness_factor=2.0))
check("adjust_brightness clamps uint8", 255, brighter(uint8).item())
check("floats", 1.0, brighter(uint8 / 255).item())
check("PIL images", 255, brighter(flower).getextrema()[0][1])

# %%
# Pitfall: workers need pickles
# -----------------------------
# A DataLoader whose workers are started afresh (Windows, macOS) sends them the data set
# as a pickle. A ``lambda`` has no name by which it could be found again. A function
# that a module defines has one, and so has its ``partial``.
try:
    pickle.dumps(negative)
except pickle.PicklingError as error:
    print("a lambda:", type(error).__name__)  # → a lambda: PicklingError
copy = pickle.loads(pickle.dumps(brighter))
check("a partial comes back", brighter(floats), copy(floats))

# %%
# Other pitfalls
# --------------
# The five crops arrive one by one, so they can't be stacked: leave Lambda out.
with refused(TypeError, "must be tuple of Tensors, not"):
    v2.Compose([v2.FiveCrop(2), v2.Lambda(torch.stack)])(floats)
crops = v2.Compose([v2.FiveCrop(2), torch.stack])(floats)
old = v1.Compose([v1.FiveCrop(2), v1.Lambda(torch.stack)])(floats)
check("v1 hands over the tuple", old, crops)

# %%
# What is no function shows when it is called. v1 looked at once.
wrong = v2.Lambda(3)
with refused(TypeError, "'int' object is not callable"):
    wrong(floats)
with refused(TypeError, "should be callable"):
    v1.Lambda(3)

# %%
# The picture
# -----------
floats = v2.functional.pil_to_tensor(flower) / 255
functions = {
    "1 - x": lambda x: 1 - x,
    "x.flip(0)": lambda x: x.flip(0),
    "x.transpose(1, 2)": lambda x: x.transpose(1, 2),
    "x.roll(60, 2)": lambda x: x.roll(60, 2),
    "(2 * x).round() / 2": lambda x: (2 * x).round() / 2,
}
images = [flower] + [v2.Lambda(function)(floats) for function in functions.values()]
title = "Lambda(lambda x: …): x is the image, (C, H, W)"
show_row(images, ["original", *functions], RESULT / "lambdas.png", title)
print(SAMPLE_CREDIT)
