r"""
4.6 Grad-CAM · 类激活热力图
===========================

Which part of an image speaks for a class? Add up the feature maps :math:`A_k` of a
convolution, each times the mean slope, over its places :math:`p`, of the class's score
:math:`y_c`; keep what is positive:

.. math:: \text{heat} = \text{ReLU} \Big( \sum_k \alpha_k A_k \Big), \quad
          \alpha_k = \frac{1}{HW} \sum_p \frac{\partial y_c}{\partial A_{kp}}

:layer:   one whose output still has places: the last convolution, as a rule
:use it:  to see whether a network looks at the object, or at what stands beside it
:then → now: ``register_backward_hook`` gave way to ``register_full_backward_hook``
:source:  Selvaraju et al., *Grad-CAM*, 2017
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import Net, check, load_all, needs, read_weights, result_dir, warned

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Two hooks
# ---------
# A forward hook gets a layer's output, a full backward hook the gradient of it. The
# ``with`` removes both. ``autograd.grad`` leaves each ``.grad`` alone, unlike backward.


def grad_cam(net, layer, image, class_index=None):
    """Return the heat map of ``image``, (1, C, H, W), and the class that it is for.

    ``layer`` is one of the net's; without ``class_index``, the predicted class counts.
    """
    seen = {}
    with (
        layer.register_forward_hook(lambda _, x, out: seen.update(maps=out)),
        layer.register_full_backward_hook(lambda _, x, g: seen.update(slopes=g[0])),
    ):
        image = image.detach().requires_grad_()  # for networks with frozen weights
        scores = net(image)
        if class_index is None:  # "if not class_index" would lose class 0
            class_index = scores.argmax().item()
        torch.autograd.grad(scores[0, class_index], image)
    weights = seen["slopes"].mean(dim=(2, 3), keepdim=True)
    return (weights * seen["maps"]).sum(dim=1)[0].relu().detach(), class_index


# %%
# The network of main.py, and by hand
# -----------------------------------
# By hand: the forward pass in two parts, and ``torch.autograd.grad`` between them.
state, info = read_weights(needs("weights"))
net = Net(len(info["classes"]))
net.load_state_dict(state)
photo = load_all(needs("index") / "test.txt", info["side"])[0][-1]
mean, std = torch.tensor([info["mean"], info["std"]])[:, :, None, None]
image = (photo.permute(2, 0, 1)[None] / 255 - mean) / std
heat, predicted = grad_cam(net, net.conv2, image)
print(f"class {predicted}: {tuple(heat.shape)}")  # → class 9: (10, 10)
hooks = [*net.conv2._forward_hooks, *net.conv2._backward_hooks]
check("no hook is left, no .grad", [0, True], [len(hooks), net.fc3.weight.grad is None])
maps = net.conv2(torch.relu(net.pool1(net.conv1(image))))
x = torch.relu(net.pool2(maps)).flatten(1)
scores = net.fc3(torch.relu(net.fc2(torch.relu(net.fc1(x)))))[0]
by_hand = []
for score in scores:
    (slopes,) = torch.autograd.grad(score, maps, retain_graph=True)
    by_hand.append(torch.einsum("k,khw->hw", slopes[0].mean((1, 2)), maps[0]).relu())
check("the predicted class", by_hand[scores.argmax()], heat)
digit = [grad_cam(net, net.conv2, image, index)[0] for index in range(len(scores))]
check("any class, 0 too", torch.stack(by_hand), torch.stack(digit))

# %%
# Where the answer is known
# -------------------------
# Noise, and in it patches of three kinds of stripes, each there with 50 %: a small
# network learns which kinds are there. The heat for a kind must lie on its patch.
holds, where = torch.randint(2, (1100, 3)).float(), torch.randint(25 * 25, (1100, 3))
dots = torch.zeros(1100, 3, 25 * 25).scatter_(2, where[..., None], holds[..., None])
y, x = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
patterns = (torch.stack([x, y, x + y])[:, None] % 4 < 2).float()  # stripes
images = nn.functional.conv_transpose2d(dots.unflatten(2, (25, 25)), patterns)
images += 0.3 * torch.randn(images.shape)
last = nn.Sequential(nn.Conv2d(8, 16, 5, padding=2), nn.ReLU())
small = [nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), last]
small = nn.Sequential(*small, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(small.parameters(), lr=0.01)
for batch in torch.randint(1000, (120, 50)):
    loss = nn.BCEWithLogitsLoss()(small(images[batch]), holds[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
new, holds, where = images[1000:], holds[1000:] > 0, where[1000:]
heats = [[grad_cam(small, last, image[None], k)[0] for k in range(3)] for image in new]
heats = torch.stack([torch.stack(row) for row in heats])
hottest = 2 * torch.stack(torch.unravel_index(heats.flatten(2).argmax(2), (16, 16)))
corners = torch.stack([where // 25, where % 25])
inside = ((hottest >= corners - 1) & (hottest < corners + 8)).all(0).double()
check("the hottest place is on the patch", 1.0, inside[holds].mean(), atol=0.05)

# %%
# Pitfall: the old backward hook
# ------------------------------
# Of a module of several operations it sees the last one only: its "gradient of the
# input" is that of the ReLU's input, 6 maps, and not that of the image, 3 channels.
given = []
with warned(FutureWarning, "Please use register_full_backward_hook"):
    for name in ("register_full_backward_hook", "register_backward_hook"):
        pair = nn.Sequential(net.conv1, nn.ReLU())
        getattr(pair, name)(lambda _, g, out: given.append(tuple(g[0].shape)))
        pair(image.requires_grad_()).sum().backward()
print(given)  # → [(1, 3, 32, 32), (1, 6, 28, 28)]

# %%
# The picture
# -----------
chosen = [*scores.topk(2).indices.tolist(), 0]
n = int(holds.all(1).nonzero()[0])
pictures = [photo, *[digit[i] for i in chosen], new[n, 0], *heats[n]]
names = [*(info["classes"][i] for i in chosen), "columns", "rows", "slants"]
titles = [f"heat for {name}" for name in names]
titles = ["a test image", *titles[:3], "stripes in noise", *titles[3:]]
fig, axes = plt.subplots(2, 4, figsize=(8, 4.2), layout="constrained")
for ax, picture, title in zip(axes.flat, pictures, titles, strict=True):
    ax.imshow(picture)
    ax.set(title=title, xticks=[], yticks=[])
axes[1, 0].images[0].set_cmap("gray")
for ax, (top, left) in zip(axes[1, 1:], corners[:, n].T / 2 - 0.5, strict=True):
    ax.add_patch(plt.Rectangle((left, top), 4, 4, fill=False, edgecolor="red"))
fig.savefig(RESULT / "heat.png")
