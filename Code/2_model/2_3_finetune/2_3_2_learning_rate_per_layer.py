r"""
2.3.2 learning rate per layer · 不同层设置不同的学习率
======================================================

An optimizer takes its parameters in groups, each with settings of its own. So a network
with the weights of another (lesson 2.3.1) keeps what it knows and learns what is new:
its new last layer moves far, the rest a little.

.. math:: w \leftarrow w - \eta_{\text{group}} \, \nabla_w

:argument: instead of the parameters a list of dicts ``{"params": …, "lr": …}``; what a
           dict leaves out comes from the optimizer's other arguments
:the notes: their scripts take the rest by ``filter``, which gives its items once only
:then → now: a group may hold ``named_parameters()``, and then knows the names (2.6)
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import Net, check, check_less, refused, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)
images, labels = torch.randn(16, 3, 32, 32), torch.randint(10, (16,))  # noise will do

# %%
# Two groups: the last layer and the rest
# ---------------------------------------
net = Net()
head = [(name, p) for name, p in net.named_parameters() if name.startswith("fc3.")]
rest = [(name, p) for name, p in net.named_parameters() if not name.startswith("fc3.")]
optimizer = optim.SGD([{"params": rest}, {"params": head, "lr": 0.1}], lr=0.01)
for group in optimizer.param_groups:
    print(sum(p.numel() for p in group["params"]), "numbers, lr", group["lr"])
# → 61156 numbers, lr 0.01
# → 850 numbers, lr 0.1
print(group["param_names"])  # → ['fc3.weight', 'fc3.bias']

# %%
# By hand
# -------
# One step moves each weight by its group's learning rate times its gradient. (In double
# precision, so that a small step is seen.)
net.double()
before = {name: p.detach().clone() for name, p in net.named_parameters()}
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
nn.functional.cross_entropy(net(images.double()), labels).backward()
optimizer.step()
for name, p in net.named_parameters():
    lr = 0.1 if name.startswith("fc3.") else 0.01
    check(f"{name}: lr {lr}", before[name] - lr * p.grad, p, rtol=1e-10, atol=0)

# %%
# ``StepLR`` multiplies the rates of all groups by one factor: their ratio stays.
scheduler.step()
print(scheduler.get_last_lr())  # → [0.005, 0.05]

# %%
# Pitfall: ``filter`` gives its items once
# ----------------------------------------
# The second optimizer gets an empty group, nothing complains, and nothing but fc3 is
# trained. A list can be read again and again.
ids = [id(p) for p in net.fc3.parameters()]
base_params = filter(lambda p: id(p) not in ids, net.parameters())
for kind in (optim.SGD, optim.Adam):
    groups = [{"params": base_params}, {"params": net.fc3.parameters(), "lr": 0.1}]
    optimizer = kind(groups, lr=0.01)
    print(kind.__name__, [len(group["params"]) for group in optimizer.param_groups])
# → SGD [8, 2]
# → Adam [0, 2]

# %%
# Pitfall: a parameter in two groups, or in none
# ----------------------------------------------
with refused(ValueError, "some parameters appear in more than one parameter group"):
    optim.SGD([{"params": rest + head}, {"params": head, "lr": 0.1}])
before = net.fc2.weight.detach().clone()
optimizer.step()  # its groups hold fc3 alone; fc2 has a gradient
check("in no group: it stands still", before, net.fc2.weight)

# %%
# How far each layer moves
# ------------------------
# Adam's steps are about ``lr`` long, whatever the gradient (lesson 3.3.7).


def distances(net: nn.Module, rates: dict[str, float], images, labels) -> list[float]:
    """Take 20 steps, each layer at its own rate; return the weights' way, rms."""
    layers = [net.get_submodule(name) for name in rates]
    start = [layer.weight.detach().clone() for layer in layers]
    groups = zip(layers, rates.values(), strict=True)
    optimizer = optim.Adam([{"params": m.parameters(), "lr": lr} for m, lr in groups])
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
    moved = [m.weight.detach() - old for m, old in zip(layers, start, strict=True)]
    return [difference.square().mean().sqrt().item() for difference in moved]


settings = {
    "one rate for all": [1e-3, 1e-3, 1e-3, 1e-3, 1e-3],
    "ten times for fc3": [1e-4, 1e-4, 1e-4, 1e-4, 1e-3],
    "three times more per layer": [1e-5, 3e-5, 1e-4, 3e-4, 1e-3],
}
names = ["conv1", "conv2", "fc1", "fc2", "fc3"]
fig, axes = plt.subplots(1, 3, figsize=(8, 3), layout="constrained", sharey=True)
for ax, (title, rates) in zip(axes, settings.items(), strict=True):
    torch.manual_seed(0)
    moved = distances(Net(), dict(zip(names, rates, strict=True)), images, labels)
    ratio = torch.tensor(moved) / torch.tensor(rates)
    check_less(f"{title}: in 20 steps more than 5 lr", 5, ratio)
    check_less("  and less than 20 lr", ratio, 20)
    ax.semilogy(names, 20 * torch.tensor(rates), "k_", ms=18, label="20 steps of lr")
    ax.plot(names, moved, "o", color="tab:red", label="distance moved")
    ax.set_title(title)
    ax.tick_params("x", labelsize=9)
axes[0].set_ylabel("per weight (rms)")
axes[0].legend(loc="lower left")
fig.suptitle("In 20 steps each layer moves 5 to 20 times its learning rate")
fig.savefig(RESULT / "distance_and_rate.png")
