r"""
2.2.3 default_init · 权值初始化杂谈
===================================

What a layer holds before you touch it: uniform weights and biases, too small for many
layers of ReLU.

.. math:: w, b \sim U(-c, c), \quad c = 1 / \sqrt{\text{fan\_in}}, \quad
          \text{std}(w) = 1 / \sqrt{3 \, \text{fan\_in}}

:where:     in ``reset_parameters``, which the constructor calls; ``Conv2d`` inherits it
            from ``_ConvNd``. The source says ``kaiming_uniform_(weight, a=√5)``: no
            slope is meant, its gain :math:`\sqrt{2 / (1 + 5)}` just makes that bound.
:use it:    in networks of a few layers. For deeper ones choose (lesson 2.2.1).
:the notes: ``isinstance(m, nn,Conv2d)`` wants a dot. What they do by hand is
            ``kaiming_normal_`` with ``mode="fan_out"``.
:then → now: write to a weight under ``torch.no_grad()``, not through ``.data``.
"""

import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import activations_through, check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# A new layer is not empty
# ------------------------
linear = nn.Linear(300, 100)
print(f"weights to ±{linear.weight.abs().max():.4f}")  # → weights to ±0.0577
inherited = nn.Conv2d.reset_parameters.__qualname__
check("Conv2d fills itself by", "_ConvNd.reset_parameters", inherited)

# %%
# By hand, bit for bit
# --------------------
# With the same seed the same numbers: first the weight, then the bias, of one bound.


def default_by_hand(shape):
    """Return weight and bias of a new layer, weight (out, in / groups, *kernel)."""
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    weight = torch.empty(shape).uniform_(-bound, bound)
    return weight, torch.empty(shape[0]).uniform_(-bound, bound)


convolutions = nn.Conv2d(64, 32, kernel_size=3), nn.Conv2d(64, 32, 3, groups=4)
for layer in (linear, *convolutions):
    torch.manual_seed(0)
    layer.reset_parameters()
    torch.manual_seed(0)
    weight, bias = default_by_hand(layer.weight.shape)
    name, std = tuple(weight.shape), 1 / math.sqrt(3 * weight[0].numel())
    check(f"{name}: U(±1/√fan_in)", weight, layer.weight, rtol=0, atol=0)
    check("  the bias as well", bias, layer.bias, rtol=0, atol=0)
    check("  std = 1 / √(3 fan_in)", std, layer.weight.std(), rtol=2e-2)
    torch.manual_seed(0)
    kaiming = nn.init.kaiming_uniform_(torch.empty_like(weight), a=math.sqrt(5))
    check("  kaiming_uniform_, a=√5", kaiming, layer.weight, rtol=0, atol=0)

# %%
# What it does to a signal
# ------------------------
# A layer leaves a third of the power p in its sums, and ReLU half of that. At last the
# biases alone are left, p = p/6 + 1/(6n) with n inputs: all samples get one answer.
depth = range(1, 21)
inits = {
    "kaiming_uniform_": nn.init.kaiming_uniform_,
    "the default": lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)),
}
signals = [activations_through(init, torch.relu) for init in inits.values()]
rate = signals[1][-1].square().mean() ** (1 / 20)
check("20 layers: a sixth of the power in each", 1 / 6, rate, rtol=0.05)
net = nn.Sequential(*(m for _ in depth for m in (nn.Linear(512, 512), nn.ReLU())))
output = net(torch.randn(128, 512)).detach()
rms = output.square().mean().sqrt()
check("what is left: 1 / √(5 · 512)", (5 * 512) ** -0.5, rms, rtol=0.15)
check_less("the 128 samples differ by", output.std(dim=0).max(), 1e-6)

# %%
# The notes' example, mended
# --------------------------


def init_conv(module):
    """Fill the weight of a Conv2d for ReLU; leave every other module as it is."""
    if isinstance(module, nn.Conv2d):
        n = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
        with torch.no_grad():
            module.weight.normal_(0, math.sqrt(2 / n))


conv = nn.Conv2d(16, 32, kernel_size=(3, 5))
torch.manual_seed(0)
nn.Sequential(conv, nn.ReLU(), linear).apply(init_conv)
torch.manual_seed(0)
fan_out = nn.init.kaiming_normal_(torch.empty(32, 16, 3, 5), mode="fan_out")
check("kaiming_normal_, fan_out", fan_out, conv.weight, rtol=0, atol=0)

# %%
# Pitfalls
# --------
# Without ``no_grad`` the change is refused. ``.data`` hides it, and a gradient is wrong
# without a word: that of w² at 3 is 6. What happens under ``no_grad`` is noticed.
with refused(RuntimeError, "a leaf Variable that requires grad"):
    conv.weight.normal_(0, 0.1)
w = nn.Parameter(torch.tensor([3.0]))
loss = w.square().sum()
w.data.fill_(5)
loss.backward()
print("gradient:", w.grad.item())  # → gradient: 10.0
loss = w.square().sum()
with torch.no_grad():
    w.fill_(3)
with refused(RuntimeError, "modified by an inplace operation"):
    loss.backward()

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(linear.weight.detach().flatten().numpy(), bins=60, color="tab:blue")
left.vlines([-(300**-0.5), 300**-0.5], 0, left.get_ylim()[1], "k", "dashed")
left.set(title="a new Linear(300, 100) and ±c", xlabel="weight", ylabel="count")
for name, signal, color in zip(inits, signals, ("tab:blue", "tab:red"), strict=True):
    mean, std = (torch.stack([f(x) for x in signal]) for f in (torch.mean, torch.std))
    right.plot(depth, mean, color=color)
    right.fill_between(depth, mean - std, mean + std, fc=color, alpha=0.4, label=name)
right.set(title="ReLU: by default the signal dies", xlabel="layer", ylim=(-0.5, 2.5))
right.set(ylabel="activations, mean ± std", xticks=[1, 5, 10, 15, 20])
right.legend(loc="upper right")
fig.savefig(RESULT / "weights_and_signal.png")
