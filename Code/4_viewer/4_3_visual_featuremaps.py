r"""
4.3 visual feature maps · 特征图可视化
======================================

See an image on its way through the network: a forward hook, a function that a layer
calls with what goes in and what comes out, keeps the maps of every layer.

:signature: ``layer.register_forward_hook(hook)`` returns a handle with ``remove()``;
            ``hook(layer, inputs, output)``. What it returns, if anything, takes the
            place of the output.
:maps:      (B, C, H, W) of convolutions and poolings, (B, N) of linear layers
:use it:    to see which strokes a layer reacts to, and where a signal dies
:the notes: the original calls the layers one after the other instead: what ``forward``
            does between them must be done again by hand, and ReLUs were forgotten.
"""

import sys
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision.transforms import v2
from torchvision.utils import make_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import MyDataset, Net, check, needs, read_weights, result_dir

RESULT = result_dir(__file__)

# %%
# The trained network and a test image
# ------------------------------------
state, info = read_weights(needs("weights"))
net = Net(len(info["classes"])).eval()
net.load_state_dict(state)
steps = [v2.Resize([info["side"]] * 2), v2.ToImage(), v2.ToDtype(torch.float32, True)]
to_tensor = v2.Compose([*steps, v2.Normalize(info["mean"], info["std"])])
picture, _ = MyDataset(needs("index") / "test.txt")[0]
image = to_tensor(picture)[None]

# %%
# A hook on every layer, for one real pass
# ----------------------------------------
# Hooks stay until they are removed: so they are, even if the pass fails.


def maps_of(net, images):
    """Return ({layer: its output}, {layer: its input}, what the network returns)."""
    outputs, inputs = {}, {}

    def keep(name, layer, given, output):
        inputs[name], outputs[name] = given[0].clone(), output.clone()

    layers = [(n, layer) for n, layer in net.named_modules() if not [*layer.children()]]
    handles = [layer.register_forward_hook(partial(keep, n)) for n, layer in layers]
    try:
        with torch.no_grad():
            return outputs, inputs, net(images)
    finally:
        for handle in handles:
            handle.remove()


maps, inputs, scores = maps_of(net, image)
print(*(f"{name} {tuple(kept.shape[1:])}" for name, kept in maps.items()))
# → conv1 (6, 28, 28) pool1 (6, 14, 14) conv2 (16, 10, 10) pool2 (16, 5, 5) …
check("no hook is left", 0, sum(len(part._forward_hooks) for part in net.modules()))

# %%
# By hand
# -------
# What goes into ``conv2`` is not what came out of ``pool1``: ``forward`` has a ReLU
# between them. It is a function, not a layer, and has no hook of its own.
patch = image[0, :, 12:17, 8:13]
by_hand = (patch * net.conv1.weight[3]).sum() + net.conv1.bias[3]
check("conv1, map 3, at (12, 8)", by_hand, maps["conv1"][0, 3, 12, 8])
largest = maps["conv1"][0, 3].reshape(14, 2, 14, 2).amax((1, 3))
check("pool1, map 3: the largest of 2 x 2", largest, maps["pool1"][0, 3])
pairs = ("pool1", "conv2"), ("pool2", "fc1"), ("fc1", "fc2"), ("fc2", "fc3")
for before, after in pairs:
    by_hand = maps[before].clamp(min=0).reshape(inputs[after].shape)
    check(f"{before}, a ReLU, then {after}", by_hand, inputs[after])

# %%
# Proof: put a map back
# ---------------------
# What a hook returns replaces the output. The network looks at a blank image; a kept
# map is put in its layer's place, and the scores are those of the digit.
blank = torch.zeros_like(image)
with torch.no_grad():
    check("blank has other scores", True, (net(blank) - scores).abs().max() > 1)
    for name, kept in maps.items():
        handle = getattr(net, name).register_forward_hook(lambda *_, kept=kept: kept)
        check(f"from {name} on", net(blank), scores)
        handle.remove()

# %%
# Pitfall: a replay forgets what ``forward`` does between the layers
# ------------------------------------------------------------------
# Maps computed by calling one layer after the other are those of another network.
x, same, differ = image, [], []
with torch.no_grad():
    for name, layer in net.named_children():
        x = layer(x.flatten(1) if name == "fc1" else x)
        (same if torch.allclose(x, maps[name], atol=1e-3) else differ).append(name)
print("replayed, right:", *same)  # → replayed, right: conv1 pool1
print("replayed, wrong:", *differ)  # → replayed, wrong: conv2 pool2 fc1 fc2 fc3

# %%
# Pitfall: without ``clone`` an in-place ReLU writes over what the hook keeps
# ---------------------------------------------------------------------------
block, kept = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(inplace=True)), []
block[0].register_forward_hook(lambda layer, given, output: kept.append(output))
after_relu = block(image)
check("the convolution's map is the ReLU's", after_relu, kept[0].clone())
check("maps_of keeps what it was", block[0](image), maps_of(block, image)[0]["0"])

# %%
# The picture
# -----------
fig = plt.figure(figsize=(8, 5.6), layout="constrained")
places = fig.add_gridspec(
    7, 2, width_ratios=(1, 6), height_ratios=(5, 5, 2, 2, 1, 1, 1)
)
fig.add_subplot(places[:2, 0], xticks=[], yticks=[], title="image").imshow(picture)
for row, (name, kept) in enumerate(maps.items()):
    ax, sheet, m = fig.add_subplot(places[row, 1]), kept, kept.abs().max()
    if kept.ndim == 4:
        sheet = make_grid(kept[0][:, None], 16, 1, pad_value=torch.nan)[0]
    aspect = "equal" if kept.ndim == 4 else "auto"
    ax.imshow(sheet, "RdBu_r", vmin=-m, vmax=m, aspect=aspect)
    ax.set(yticks=[], xticks=[], facecolor="0.3")
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
ax.set_xticks(range(kept.shape[1]), info["classes"])
fig.suptitle("the way to the scores: red is above 0; a ReLU turns blue into 0")
fig.savefig(RESULT / "maps.png")
