r"""
2.1.1 define a model · 模型定义的三要
=====================================

A network is a class: inherit from ``nn.Module``, build its layers in ``__init__``, and
assemble them in ``forward``. A convolution or pooling makes of a side of ``in`` pixels

.. math:: \text{out} = \lfloor (\text{in} + 2p - d\,(k - 1) - 1) \,/\, s \rfloor + 1

:symbols: kernel size :math:`k`, stride :math:`s`, padding :math:`p`; dilation :math:`d`
          is the distance between the pixels that a kernel reads
:returns: of images, float (B, 3, 32, 32), the LeNet here makes scores, (B, classes)
:the notes: the formula of their cheat sheet lacks the dilation and the floor.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import Net, check, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Inherit, build, assemble
# ------------------------
# ``super().__init__()`` comes first: it makes the place where layers are noted.


class LeNet(nn.Module):  # 1. inherit
    """Two convolutions and three linear layers, for (B, 3, 32, 32) images."""

    def __init__(self, classes: int = 10) -> None:  # 2. build
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool2 = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # 3. assemble
        """Return the scores, (B, classes)."""
        x = self.pool1(torch.relu(self.conv1(x)))
        x = self.pool2(torch.relu(self.conv2(x)))
        x = x.flatten(1)  # (B, 16, 5, 5) becomes (B, 400)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


net, images = LeNet(), torch.randn(4, 3, 32, 32)
print(net(images).shape)  # → torch.Size([4, 10])

# %%
# ``utils.Net``, which the other chapters train, pools before it rectifies. That is less
# work and changes nothing: the largest of four stays the largest under ReLU.
other = Net()
other.load_state_dict(net.state_dict())
check("same weights, same scores", net(images), other(images))

# %%
# The shape after every layer, by hand
# ------------------------------------
# A hook is a function that a layer calls with what goes in and what comes out.


def side_after(side: int, kernel: int, stride=1, padding=0, dilation=1) -> int:
    """Return the side, in pixels, of what a convolution or pooling gives."""
    return (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


shapes = []
for layer in net.children():
    layer.register_forward_hook(lambda *hook: shapes.append(tuple(hook[2].shape[1:])))
net(images)
side, by_hand = 32, []
for channels, kernel, stride in ((6, 5, 1), (6, 2, 2), (16, 5, 1), (16, 2, 2)):
    side = side_after(side, kernel, stride)
    by_hand.append((channels, side, side))
check("every layer", [*by_hand, (120,), (84,), (10,)], shapes)
print(*shapes[:4])  # → (6, 28, 28) (6, 14, 14) (16, 10, 10) (16, 5, 5)
for setting in ((3, 2, 0, 1), (3, 1, 0, 2), (3, 2, 1, 1), (5, 3, 4, 2)):
    side = nn.Conv2d(1, 1, *setting)(torch.zeros(1, 1, 8, 8)).shape[-1]
    claim = f"kernel, stride, padding, dilation {setting}"
    check(claim, side_after(8, *setting), side)

# %%
# Parameters, by hand
# -------------------
# Between every input and every output a weight, or a kernel; at every output a bias.
by_hand = {"conv1": 6 * (3 * 25 + 1), "conv2": 16 * (6 * 25 + 1)}
by_hand |= {"fc1": 120 * (400 + 1), "fc2": 84 * (120 + 1), "fc3": 10 * (84 + 1)}
count = {k: sum(p.numel() for p in getattr(net, k).parameters()) for k in by_hand}
check("parameters of each layer", by_hand, count)
print(f"{sum(p.numel() for p in net.parameters()):,} in all")  # → 62,006 in all

# %%
# What registers a parameter, and what does not
# ---------------------------------------------
# A module notes which of its attributes are parameters or modules. A list is neither,
# nor is a plain tensor: an optimizer and ``state_dict`` never hear of them.
holder = nn.Module()
holder.layer, holder.scale = nn.Linear(2, 1), nn.Parameter(torch.ones(1))
holder.hidden, holder.plain = [nn.Linear(2, 1)], torch.ones(1)
print(*dict(holder.named_parameters()))  # → scale layer.weight layer.bias
print(*holder.state_dict())  # → scale layer.weight layer.bias

# %%
# Pitfalls: no ``super().__init__()``, images of another size
# -----------------------------------------------------------
with refused(AttributeError, "before Module.__init__() call"):
    LeNet.__new__(LeNet).conv1 = nn.Conv2d(3, 6, 5)  # as without super().__init__()
with refused(RuntimeError, "mat1 and mat2 shapes cannot be multiplied"):
    LeNet()(torch.zeros(1, 3, 40, 40))  # 7 x 7 pixels reach fc1, made for 5 x 5

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
names, left = ["image", *dict(net.named_children())], 0
for name, shape in zip(names, [(3, 32, 32), *shapes], strict=True):
    depth, height, width = shape if len(shape) == 3 else (1, shape[0] * 0.3, 2)
    for d in reversed([0.7 * i for i in range(depth)]):
        ax.bar(left + d, height, width, d - height / 2, color="lightblue", ec="C0")
    text = f"{name}\n{'×'.join(map(str, shape))}\n{count.get(name, 0):,}"
    color = "tab:red" if name == "fc1" else "black"
    ax.text(left, -22, text, color=color, ha="center", va="top")
    left += max(width + 0.7 * depth, 24) + 8
ax.text(-26, -22, "\nshape\nparameters", ha="right", va="top", color="gray")
ax.set(xlim=(-58, left - 14), ylim=(-42, 22), aspect="equal")
ax.set_title("The picture shrinks, its channels multiply; fc1 holds most parameters")
ax.set_axis_off()
fig.savefig(RESULT / "lenet.png")
