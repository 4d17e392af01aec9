r"""
2.2.1 init_flow · 权值初始化流程
================================

Give a network its first weights: walk through its layers, and fill each by its type.

:Conv2d:    ``kaiming_normal_``, as ReLU follows it (lesson 2.2.2.4)
:Linear:    ``xavier_normal_``, as nothing follows it (lesson 2.2.2.2)
:bias:      zeros; none at all before BatchNorm, which takes it away again
:BatchNorm: weight 1, bias 0
:when:      once the network is built; not after loading trained weights
:the notes: rule first, then the call, is right. In their code ``self.name_modules()``
            is ``self.named_modules()``, and ``isinstance(m, nn,Conv2d)`` wants a dot.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# First the rule, then the walk
# -----------------------------
# It fits this network: ReLU comes after conv and BatchNorm, nothing after the linear.


def init_layer(module):
    """Fill one layer by its type; leave what has no rule as it is."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.xavier_normal_(module.weight)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.ones_(module.weight)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


features = nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16))
net = nn.Sequential(features, nn.ReLU(), nn.Flatten(), nn.Linear(16 * 30 * 30, 10))
for module in net.modules():
    init_layer(module)
check("conv: √(2 / 27)", (2 / 27) ** 0.5, features[0].weight.std(), rtol=0.14)
check("linear: √(2 / 14410)", (2 / 14410) ** 0.5, net[3].weight.std(), rtol=1e-2)
check("linear: its bias is 0", torch.zeros(10), net[3].bias)

# %%
# By hand: ``modules``
# --------------------
# The network itself comes first, then each of its layers with all that is inside it.


def modules_by_hand(module):
    """Yield a module, then all those inside it; a shared one as often as it occurs."""
    yield module
    for child in module.children():
        yield from modules_by_hand(child)


print(*(type(module).__name__ for module in net.modules()))
# → Sequential Sequential Conv2d BatchNorm2d ReLU Flatten Linear
check("modules, by hand", list(modules_by_hand(net)), list(net.modules()))
with refused(AttributeError, "no attribute 'name_modules'"):
    net.name_modules()

# %%
# ``apply`` walks as well; a module comes after what is inside it. For the layers that
# is the same order, and the same seed gives the same weights.
order = []
net.apply(lambda module: order.append(type(module).__name__))
print(*order)  # → Conv2d BatchNorm2d Sequential ReLU Flatten Linear Sequential
torch.manual_seed(1)
for module in net.modules():
    init_layer(module)
loop = [parameter.detach().clone() for parameter in net.parameters()]
torch.manual_seed(1)
applied = list(net.apply(init_layer).parameters())
check("apply: the same weights", loop, applied, rtol=0, atol=0)

# %%
# The bias, and BatchNorm
# -----------------------
# BatchNorm subtracts the mean of each channel, and with it the bias. Its own weight is
# a factor on the signal: one rule for all parameters would ruin it.
images, bias = torch.randn(8, 3, 32, 32), torch.randn(16, 1, 1)
with_bias = features[1](features[0](images) + bias)
check("no trace of the bias", features(images), with_bias, atol=1e-4)
nn.init.normal_(features[1].weight, std=0.01)
check_less("normal_ on BatchNorm: the signal's std", features(images).std(), 0.02)

# %%
# Pitfalls
# --------
# A comma for a dot, and a layer without bias.
with refused(NameError, "name 'Conv2d' is not defined"):
    eval("isinstance(net, nn,Conv2d)")
with refused(AttributeError, "'NoneType' object has no attribute"):
    nn.init.zeros_(features[0].bias)

# %%
# What is no layer has no type: a bare ``nn.Parameter`` is passed over in silence.
attention = nn.MultiheadAttention(8, num_heads=2)
before = attention.in_proj_weight.clone()
check("passed over", before, attention.apply(init_layer).in_proj_weight)

# %%
# The picture
# -----------
# Twelve convolutions with ReLU, before and after ``apply``.
depth = range(1, 13)
blocks = [nn.Sequential(nn.Conv2d(64, 64, 3), nn.ReLU()) for _ in depth]
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for name, color in (("before", "tab:red"), ("after", "tab:blue")):
    weights = blocks[0][0].weight.detach().flatten().numpy()
    left.hist(weights, torch.linspace(-0.2, 0.2, 81), color=color, alpha=0.5)
    signal, output = [], torch.randn(4, 64, 26, 26)
    for block in blocks:
        signal.append(output := block(output).detach())
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    right.plot(depth, mean, color=color)
    right.fill_between(depth, mean - std, mean + std, fc=color, alpha=0.4, label=name)
    print(f"{name}: layer 12 has std {std[-1]:.2f}")
    nn.Sequential(*blocks).apply(init_layer)
# → before: layer 12 has std 0.02
# → after: layer 12 has std 0.66
left.set(title="weights of one layer", xlabel="weight", ylabel="count")
right.set(title="the rule keeps the signal alive", xlabel="layer", ylim=(-0.5, 2.5))
right.set(ylabel="activations, mean ± std", xticks=[1, 4, 8, 12])
right.legend(loc="upper right")
fig.savefig(RESULT / "before_and_after.png")
