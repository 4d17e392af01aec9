r"""
4.2 visual weights · 卷积核可视化
=================================

Draw the kernels of a convolution as small pictures: untrained ones are noise, trained
ones show strokes and edges.

:weights:   of ``Conv2d``: (feature maps, input channels, height, width). One kernel
            joins one input channel to one feature map.
:use it:    above all on the first layer, whose kernels look at pixels.
:see it:    ``tensorboard --logdir Result/4_viewer/4_2_visual_weights``, the panel
            *Images*: the slider goes from untrained (step 0) to trained (step 1)
"""

import io
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from tensorboardX import SummaryWriter
from torch import nn
from torchvision.utils import make_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import Net, check, fresh_dir, needs, read_events, read_weights, result_dir

RESULT = result_dir(__file__)

# %%
# The same network before and after training
# ------------------------------------------
# main.py trains from seed 0 unless told otherwise; so begins the untrained one here.
state, info = read_weights(needs("weights"))
torch.manual_seed(0)
net, kernels = Net(len(info["classes"])), {}
for layer, part in net.named_modules():
    if isinstance(part, nn.Conv2d):
        before, after = part.weight.detach().clone(), state[f"{layer}.weight"]
        kernels[layer] = before, after
        print(f"{layer}: maps, channels, height, width:", *after.shape)
net.load_state_dict(state)
# → conv1: maps, channels, height, width: 6 3 5 5
# → conv2: maps, channels, height, width: 16 6 5 5

# %%
# What a kernel computes at one place
# -----------------------------------
# It is laid on the image, not turned: weights times pixels, added up, plus the bias.
image, weight, bias = torch.randn(3, 32, 32), state["conv1.weight"], state["conv1.bias"]
by_hand = (image[:, 7:12, 20:25] * weight[4]).sum() + bias[4]
check("map 4 of conv1, at (7, 20)", by_hand, net.conv1(image[None])[0, 4, 7, 20])

# %%
# All kernels of a layer on one sheet, on one scale
# -------------------------------------------------
# With as many columns as there are input channels, each feature map has a row of its
# own. ``value_range=(-m, m)``, m the largest weight before and after, makes every 0 the
# same grey and leaves weak kernels pale.


def sheet_by_hand(images, columns, gap):
    """Return images (rows * columns, 1, H, W) as one, (3, height, width)."""
    pad = nn.functional.pad
    framed = pad(images[:, 0], (gap, 0, gap, 0), value=1.0).unflatten(0, (-1, columns))
    sheet = framed.transpose(1, 2).flatten(2).flatten(0, 1)  # rows H, columns W
    return pad(sheet, (0, gap, 0, gap), value=1.0).expand(3, -1, -1)


log, sheets = fresh_dir(RESULT / "log"), {}
with SummaryWriter(str(log)) as writer:
    for layer, pair in kernels.items():
        m = max(weight.abs().max().item() for weight in pair)
        look = dict(padding=1, normalize=True, value_range=(-m, m), pad_value=1.0)
        for step, weight in enumerate(pair):
            nrow, every = weight.shape[1], weight.flatten(0, 1)[:, None]
            sheet = sheet_by_hand((every / m + 1) / 2, nrow, 1)
            check(f"{layer}, step {step}: all", sheet, make_grid(every, nrow, **look))
            one = make_grid(weight[2][:, None], nrow, **look)
            check(f"{layer}, step {step}: map 2", sheet[:, 12:19], one)
            sheets[layer, step] = sheet.repeat_interleave(8, 1).repeat_interleave(8, 2)
            writer.add_image(f"kernels/{layer}", sheets[layer, step], step)
events = read_events(log)
for (layer, step), sheet in sheets.items():
    png = events.Images(f"kernels/{layer}")[step].encoded_image_string
    pixels = (255 * sheet).byte().permute(1, 2, 0) / 255
    check(f"{layer}, step {step}, as logged", pixels, plt.imread(io.BytesIO(png)))

# %%
# Pitfall: a scale for each kernel
# --------------------------------
# ``scale_each=True`` stretches every kernel from 0 to 1. Noise a hundred times weaker
# gives the same picture, as full of contrast as that of a trained kernel.
noise, alone = kernels["conv1"][0][:, :1], dict(normalize=True, scale_each=True)
check("faint noise", make_grid(noise / 100, **alone), make_grid(noise, **alone))

# %%
# A number that tells them apart
# ------------------------------
# Neighbours' mean product over the mean square: 0 ± 1/√pairs in noise, more in strokes.


def likeness(weight):
    """Return the mean product of neighbours over the mean square, and the pairs."""
    across = weight[..., 1:] * weight[..., :-1]
    down = weight[..., 1:, :] * weight[..., :-1, :]
    products = torch.cat([across.flatten(), down.flatten()])
    return (products.mean() / weight.square().mean()).item(), len(products)


check("a chessboard", (-1, 4), likeness(torch.tensor([[1.0, -1.0], [-1.0, 1.0]])))
for layer, pair in kernels.items():
    (before, pairs), (after, _) = map(likeness, pair)
    print(f"{layer}: {before:.2f} before, {after:.2f} after, noise ± {pairs**-0.5:.2f}")
    check(f"{layer}: untrained kernels are noise", 0.0, before, atol=4 * pairs**-0.5)
    check(f"{layer}: trained ones are not", True, after > 4 * pairs**-0.5)
# → conv1: 0.02 before, 0.49 after, noise ± 0.04
# → conv2: -0.01 before, 0.40 after, noise ± 0.02

# %%
# The pictures: a row for each feature map
# ----------------------------------------
for layer, (before, after) in kernels.items():
    maps, channels = before.shape[:2]
    m = max(before.abs().max(), after.abs().max())
    panels = {"untrained: noise": before / m, "trained: strokes, edges": after / m}
    panels["untrained, each stretched"] = before / before.abs().amax((2, 3), True)
    fig, axes = plt.subplots(1, 3, figsize=(8, 1 + 2.3 * maps / channels), sharey=True)
    for ax, (title, w) in zip(axes, panels.items(), strict=True):
        sheet = make_grid(w.reshape(-1, 1, 5, 5), channels, 1, pad_value=torch.nan)[0]
        ax.imshow(sheet, "RdBu_r", vmin=-1, vmax=1)
        ax.set(title=title, xlabel="input channel", facecolor="0.3")
        ax.set_xticks(range(3, 6 * channels, 6), range(channels))
    axes[0].set_yticks(range(3, 6 * maps, 6), [f"map {i}" for i in range(maps)])
    fig.suptitle(f"{layer}: what excites a map is red, what quiets it blue")
    fig.subplots_adjust(0.07, 0.09, 0.99, 0.89, wspace=0.05)
    fig.savefig(RESULT / f"{layer}.png")
