r"""
2.1.3 Sequential · 顺序容器
===========================

A container that calls its layers one after the other. Like every module it can be a
part of another one:

.. math:: \text{Sequential}(f_1, \ldots, f_n)(x) = f_n( \ldots f_2(f_1(x)))

:signature: ``Sequential(*modules)`` or ``Sequential(OrderedDict(name=module, …))``
:input:     what the first layer takes; each layer takes one value and gives one
:use it:    for a chain without branches. ModuleList and ModuleDict hold layers as well,
            but leave it to your ``forward`` which of them it calls.
:the notes: ``Sequtntial`` is spelled Sequential.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import SAMPLE_CREDIT, check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)
torch.manual_seed(0)
images = torch.randn(4, 3, 8, 8)

# %%
# By position, and by hand
# ------------------------
# ``Flatten`` and ``ReLU`` exist as layers so that they can stand in the chain.
net = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(96, 10))
scores = net(images)
x = images
for layer in net:
    x = layer(x)
check("one after the other", x, scores)
print(*net.state_dict())  # → 0.weight 0.bias 3.weight 3.bias

# %%
# By name
# -------
layers = {"conv": nn.Conv2d(3, 6, 5), "relu": nn.ReLU()}
layers |= {"flat": nn.Flatten(), "fc": nn.Linear(96, 10)}
named = nn.Sequential(OrderedDict(layers))
check("the last layer by name and by position", True, named.fc is named[3])

# %%
# In parts; from a list, from a dictionary
# ----------------------------------------
# ``ModuleList`` and ``ModuleDict`` register their layers, as a plain list does not
# (lesson 2.1.1). They call none of them: ``forward`` does.


class InParts(nn.Module):
    """Features, then a classifier, each a chain."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU())
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(96, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, (B, 10)."""
        return self.classifier(self.features(x))


class FromList(nn.Module):
    """A list: ``forward`` says what comes between its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 6, 5), nn.Linear(96, 10)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, (B, 10)."""
        conv, fc = self.layers
        return fc(torch.relu(conv(x)).flatten(1))


class FromDict(nn.Module):
    """A dictionary: choose a layer by its name."""

    def __init__(self, act: str = "relu") -> None:
        super().__init__()
        self.acts = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.conv, self.fc, self.act = nn.Conv2d(3, 6, 5), nn.Linear(96, 10), act

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, (B, 10)."""
        return self.fc(self.acts[self.act](self.conv(x)).flatten(1))


# %%
# The weights have other names in each, and the same order.
for other in (named, InParts(), FromList(), FromDict()):
    values = net.state_dict().values()
    other.load_state_dict(dict(zip(other.state_dict(), values, strict=True)))
    check(f"{type(other).__name__}: the same scores", scores, other(images))
    print(*other.state_dict())
# → conv.weight conv.bias fc.weight fc.bias
# → features.0.weight features.0.bias classifier.1.weight classifier.1.bias
# → layers.0.weight layers.0.bias layers.1.weight layers.1.bias
# → conv.weight conv.bias fc.weight fc.bias

# %%
# A slice is a Sequential
# -----------------------
check("two slices, one after the other", scores, net[2:](net[:2](images)))
check("they share the layers of the whole", True, net[:2][0] is net[0])

# %%
# Pitfalls
# --------
# A layer in between moves the positions on: ``3.weight`` is looked for as ``4.weight``.
longer = nn.Sequential(net[0], nn.BatchNorm2d(6), *net[1:])
with refused(RuntimeError, '"4.weight"'):
    longer.load_state_dict(net.state_dict())
with refused(NotImplementedError, 'missing the required "forward" function'):
    nn.ModuleList([nn.ReLU()])(images)
with refused(TypeError, "takes 2 positional arguments but 3 were given"):
    net(images, images)

# %%
# The picture
# -----------
# What a chain has computed half-way is one slice away.
edges = nn.Conv2d(3, 1, 3, bias=False)
edges.weight.data[:] = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 3
chain = nn.Sequential(edges, nn.ReLU(), nn.MaxPool2d(2))
photo = v2.functional.to_dtype(v2.functional.to_image(sample_image()), scale=True)
stages = [photo, *(chain[:n](photo).detach() / 2 for n in (1, 2, 3))]
stages[1] += 0.5  # so that grey stands for 0
titles = ["the photograph", "chain[:1]: edges", "chain[:2]: ReLU", "chain[:3]: pooled"]
show_row(stages, titles, RESULT / "half_way.png", "A slice shows the work half-way")
print(SAMPLE_CREDIT)
