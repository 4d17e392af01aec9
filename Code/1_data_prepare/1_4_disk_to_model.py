r"""
1.4 disk_to_model · 图片从硬盘到模型
====================================

An image on its way from the disk to a batch on the device: what it is after each step,
and where the time goes.

:read:      ``Path.read_bytes``: the file as it is, compressed
:decode:    ``Image.open(file).convert("RGB")``, upright: 8 bits for each of red, green
            and blue
:transform: ``ToImage``, ``ToDtype``, ``Normalize``: channels first, floats, mean 0
:collate:   ``DataLoader`` stacks the images of a batch, and their labels
:move:      ``tensor.to(device)``, to where the network is
:use it:    a set that fits in memory is kept there, decoded, and a batch cut out as one
            tensor: ``utils.BatchLoader``. For one that does not, try worker processes.
"""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.utils.data import DataLoader, default_collate
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    BadInput,
    BatchLoader,
    MyDataset,
    arguments,
    check,
    check_less,
    load_image,
    needs,
    pick_device,
    refused,
    result_dir,
)

RESULT = result_dir(__file__)
data = arguments(__doc__).parse_args().dataset
needs("mean_std", data)
mean, std = (data.record("mean_std")[key] for key in ("mean", "std"))
device = pick_device()

# %%
# Step by step
# ------------
resize, to_float = v2.Resize((32, 32)), v2.ToDtype(torch.float32, scale=True)
transform = v2.Compose([resize, v2.ToImage(), to_float, v2.Normalize(mean, std)])
dataset = MyDataset(data.home / "train.txt", transform)


def describe(image):
    """Return type, shape, dtype and range of values of a PIL image or a tensor."""
    values = np.asarray(image.cpu() if isinstance(image, torch.Tensor) else image)
    kind = f"{type(image).__module__.split('.')[0]}.{type(image).__name__}"
    low, high = values.min(), values.max()
    return f"{kind} {values.shape} {values.dtype}, {low:.3g} to {high:.3g}"


content = Path(dataset.paths[0]).read_bytes()
print(f"read: {len(content)} bytes, {content[:4]}")  # → read: … bytes, b'\x89PNG'
image = load_image(dataset.paths[0])
print("decode:", describe(image))  # → decode: PIL.Image (32, 32, 3) uint8, 0 to 247
tensor = image
for step in transform.transforms:
    tensor = step(tensor)
    print(f"{type(step).__name__}:", describe(tensor))
# → Resize: PIL.Image (32, 32, 3) uint8, 0 to 247
# → ToImage: torchvision.Image (3, 32, 32) uint8, 0 to 247
# → ToDtype: torchvision.Image (3, 32, 32) float32, 0 to 0.969
# → Normalize: torchvision.Image (3, 32, 32) float32, -0.888 to 1.89
samples = [dataset[i] for i, _ in enumerate(dataset.paths[:2])]
images, labels = default_collate(samples)
print("collate:", describe(images), "and", labels.dtype)
# → collate: torch.Tensor (2, 3, 32, 32) float32, -0.888 to 1.98 and torch.int64
moved = images.to(device)
print("move:", describe(moved))  # → move: torch.Tensor …

# %%
# By hand
# -------
check("read: the whole file", Path(dataset.paths[0]).stat().st_size, len(content))
pixels = np.asarray(resize(image))
by_hand = ((pixels / 255 - mean) / std).transpose(2, 0, 1)
check("transform: over 255, - mean, / std, channels first", by_hand, tensor)
check("a sample: all this, and the label", (by_hand, dataset.labels[0]), samples[0])
by_hand = torch.stack([image for image, _ in samples]), torch.tensor(dataset.labels[:2])
check("collate: images stacked, and labels", by_hand, (images, labels))
check("move: the same numbers", by_hand[0], moved)
check("  and on the CPU the same tensor", device.type == "cpu", moved is images)
batch = next(iter(DataLoader(dataset, batch_size=2)))
check("DataLoader: a batch, not moved", by_hand, batch)
loader = BatchLoader(torch.tensor(pixels)[None], labels[:1], 2, mean, std)
batch, _ = next(iter(loader))
check("BatchLoader: the same, from pixels in memory", by_hand[0][:1], batch)

# %%
# Pitfall: images of different sizes
# ----------------------------------
with refused(RuntimeError, "each tensor to be equal size"):
    default_collate([torch.zeros(3, 32, 32), torch.zeros(3, 48, 32)])

# %%
# Where the time goes
# -------------------
# A helper measures it: worker processes need a script that does nothing when imported.
# In memory, a whole batch is cut out and normalised as one tensor.
script = Path(__file__).with_name("loader_speed.py")
command = [sys.executable, script, "--dataset", data.given, "--seconds", "0.25"]
done = subprocess.run(command, capture_output=True, text=True, errors="replace")
if done.returncode:
    raise (BadInput if done.returncode == 2 else RuntimeError)(done.stderr)
print(done.stdout, end="")
found = [json.loads(line) for line in done.stdout.splitlines()]
steps = {line["step"]: line["microseconds"] for line in found if "step" in line}
ways = {line["way"]: 1e6 / line["images_per_second"] for line in found if "way" in line}
slow, fast = ways["0 workers"], ways["in memory"]
check_less("time an image: in memory at most half of one by one", fast, slow / 2)

# %%
# The picture
# -----------
longest = max(steps, key=steps.get)
title = f"one by one: {longest} takes {steps[longest] / sum(steps.values()):.0%}"
titles = {title: steps, f"in memory: {slow / fast:.0f} times as fast": ways}
fig, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for ax, (title, costs), color in zip(axes, titles.items(), ["C0", "C1"], strict=True):
    bars = ax.barh(list(costs), costs.values(), color=color)
    ax.bar_label(bars, fmt="%.0f", padding=2)
    ax.set(title=title, xlabel="µs an image")
    ax.invert_yaxis()
    ax.margins(x=0.15)
fig.suptitle(f"{data.name}: from the disk to a batch")
fig.savefig(RESULT / "time_per_step.png")
