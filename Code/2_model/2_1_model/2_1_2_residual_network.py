r"""
2.1.2 residual network · 模型定义多说两句
=========================================

A real network is read like LeNet (lesson 2.1.1): inherit, build, assemble. A ResNet is
assembled from blocks, themselves modules, that add their input to what they compute:

.. math:: y = \text{ReLU}(x + f(x)), \; f(x) = \text{conv}(\text{ReLU}(\text{conv}(x)))

:block:   takes float (B, inputs, H, W), gives (B, outputs, H / stride, W / stride)
:use it:  where a network grows deep: the shortcut carries the gradient to the bottom.
:source:  He et al., *Deep Residual Learning for Image Recognition*, 2015
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# The block
# ---------
# Each convolution is followed by BatchNorm, which brings a bias of its own. Where
# channels or size change, a 1 x 1 convolution makes the shortcut fit.


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, each followed by ``norm``, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride=1, norm=nn.BatchNorm2d):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = norm(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, norm(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ReLU(shortcut + f(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(shortcut + self.bn2(self.conv2(x)))


# %%
# A small ResNet
# --------------


class SmallResNet(nn.Module):
    """Two residual blocks, for images (B, 3, H, W) of any size."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = ResidualBlock(16, 16)
        self.layer2 = ResidualBlock(16, 32, stride=2)
        self.fc = nn.Linear(32, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, (B, classes)."""
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.layer1(x))
        return self.fc(x.mean(dim=(2, 3)))


# %%
# Its blocks are torchvision's ``BasicBlock``
# -------------------------------------------
# ``load_state_dict`` refuses other names and other shapes (lesson 2.3.1). BatchNorm
# takes mean and spread from the batch, or, after ``eval()``, those it has noted.
ours, theirs = SmallResNet(), SmallResNet()
fit = nn.Sequential(nn.Conv2d(16, 32, 1, 2, bias=False), nn.BatchNorm2d(32))
theirs.layer1, theirs.layer2 = BasicBlock(16, 16), BasicBlock(16, 32, 2, fit)
theirs.load_state_dict(ours.state_dict())
first = theirs.conv1, theirs.bn1, nn.ReLU(), theirs.layer1, theirs.layer2
theirs = nn.Sequential(*first, nn.AdaptiveAvgPool2d(1), nn.Flatten(), theirs.fc)
images = torch.randn(8, 3, 40, 24)  # any size will do
for mode in (True, False):
    a, b = (net.train(mode)(images) for net in (ours, theirs))
    check(f"the same scores, train({mode})", a, b, atol=1e-5)

# %%
# Pitfall: a block that halves the picture, and a shortcut that does not
# ----------------------------------------------------------------------
with refused(RuntimeError, "must match the size of tensor b"):
    BasicBlock(16, 16, stride=2)(torch.zeros(1, 16, 8, 8))

# %%
# Why the shortcut helps
# ----------------------
# The gradient at the bottom is a product over all blocks: of :math:`f'` in a plain
# network, of :math:`1 + f'` with shortcuts. Here a block is one weight, without ReLU.
w = 0.1 * torch.randn(25, dtype=torch.float64)
for kind, shortcut in (("plain", 0), ("residual", 1)):
    x = bottom = torch.ones((), dtype=torch.float64, requires_grad=True)
    for weight in w:
        x = shortcut * x + weight * x
    x.backward()
    print(f"{kind}: gradient {bottom.grad.item():.2g}")  # → residual: gradient 1.4
    check(f"{kind}: the product", (shortcut + w).prod(), bottom.grad, rtol=1e-9, atol=0)

# %%
# The picture
# -----------
# 20 blocks. A shortcut of zeros makes a plain one of a residual block.
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
bottom = {}
for norm, style in ((nn.BatchNorm2d, "-"), (nn.Identity, "--")):
    for kind, color in (("plain", "tab:red"), ("residual", "tab:blue")):
        inputs = [torch.randn(4, 16, 8, 8, requires_grad=True)]
        for block in [ResidualBlock(16, 16, norm=norm) for _ in range(20)]:
            block.downsample = torch.zeros_like if kind == "plain" else None
            inputs.append(block(inputs[-1]))
        gradients = torch.autograd.grad(inputs[-1].sum(), inputs)
        sizes = torch.stack([g.norm() / gradients[-1].norm() for g in gradients])
        label = f"{kind}, {'no ' * (norm is nn.Identity)}BatchNorm"
        bottom[label] = sizes[0].item()
        ax.semilogy(sizes, style, color=color, label=label)
check_less("plain: it explodes with BatchNorm", 100, bottom["plain, BatchNorm"])
check_less("and vanishes without", bottom["plain, no BatchNorm"], 1e-10)
for b in (bottom["residual, BatchNorm"], bottom["residual, no BatchNorm"]):
    check_less("residual: neither", torch.tensor([b, 1 / b]), 30)
ax.set_title("Without shortcuts the gradient explodes, or vanishes, on its way down")
ax.set(xlabel="block", ylabel="size of the gradient", xticks=range(0, 21, 5))
ax.legend(loc="lower right")
fig.savefig(RESULT / "gradient_at_depth.png")
