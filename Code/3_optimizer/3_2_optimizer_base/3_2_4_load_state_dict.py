r"""
3.2.4 load_state_dict · 恢复优化器状态
======================================

Put back what ``state_dict`` saved, buffers and settings, so that an interrupted
training goes on as if nothing had happened.

:signature: ``optimizer.load_state_dict(state_dict)``
:expects:   an optimizer of the same kind, with as many groups of as many parameters, in
            the same order
:returns:   nothing. The dict's settings, ``lr`` among them, replace the optimizer's.
:use it:    to resume, with the net's own ``load_state_dict`` for the weights
:the notes: it loads nothing into the network. Fine-tuning wants a fresh optimizer.
"""

import copy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# A run of 300 steps, saved after 150
# -----------------------------------
# Every run starts with the same weights and fits the same curve, :math:`\sin 2x`.
x = torch.linspace(-3, 3, 32, dtype=torch.float64)[:, None]


def start(lr=0.01):
    """Return a small net, always the same one, and Adam for it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    return net, optim.Adam(net.parameters(), lr)


def train(net, optimizer, x):
    """Return the losses of 150 steps."""
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), torch.sin(2 * x))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


net, optimizer = start()
first_half = train(net, optimizer, x)
both = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
torch.save(both, RESULT / "checkpoint.pt")
after = train(net, optimizer, x)

# %%
# Resumed: with the optimizer's state, and without
# ------------------------------------------------
# With it every loss agrees to the last bit. Without it Adam begins anew, with steps as
# long as its first: the loss jumps, and the run stays behind.
checkpoint = torch.load(RESULT / "checkpoint.pt")
net, optimizer = start()
net.load_state_dict(checkpoint["net"])
optimizer.load_state_dict(copy.deepcopy(checkpoint["optimizer"]))
resumed = train(net, optimizer, x)
check("with its state: bit for bit", after, resumed, rtol=0, atol=0)
net, optimizer = start()
net.load_state_dict(checkpoint["net"])
forgotten = train(net, optimizer, x)
check_less("without: the first step costs a tenth", 1.1 * after[0], forgotten[1])
print(f"at last: {resumed[-1]:.4f}, {forgotten[-1]:.4f}")  # → at last: 0.0025, 0.0078

# %%
# By hand
# -------
# The saved ``lr`` wins over the 1.0 of the new optimizer. To change it, set it after
# loading.


def load_by_hand(optimizer, state_dict):
    """Put copies of the buffers and settings of a state_dict into an optimizer."""
    everyone = [p for group in optimizer.param_groups for p in group["params"]]
    for place, buffers in state_dict["state"].items():
        optimizer.state[everyone[place]] = copy.deepcopy(buffers)
    for i, group in enumerate(optimizer.param_groups):
        group.update({**state_dict["param_groups"][i], "params": group["params"]})


net, optimizer = start(lr=1.0)
net.load_state_dict(checkpoint["net"])
load_by_hand(optimizer, checkpoint["optimizer"])
by_hand = train(net, optimizer, x)
check("by hand: bit for bit", by_hand, resumed, rtol=0, atol=0)
_, optimizer = start(lr=1.0)
optimizer.load_state_dict(checkpoint["optimizer"])
print("lr:", optimizer.param_groups[0]["lr"])  # → lr: 0.01

# %%
# Pitfalls
# --------
# Loading copies no buffer. Optimizers that get the same dict share its buffers, and a
# step of one changes what the other remembers: load a ``copy.deepcopy``.
a, b = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
a.grad, b.grad = torch.ones(2), 5 * torch.ones(2)
first, second = (optim.SGD([a, b], lr=0.1, momentum=0.9) for _ in range(2))
first.step()
second.load_state_dict(first.state_dict())
first.step()
print(second.state[a]["momentum_buffer"])  # → tensor([1.9000, 1.9000])

# Buffers go by place: here a gets b's, and as the shapes agree nothing tells.
swapped = optim.SGD([b, a], lr=0.1, momentum=0.9)
swapped.load_state_dict(first.state_dict())
print(swapped.state[a]["momentum_buffer"])  # → tensor([9.5000, 9.5000])

# %%
# SGD takes Adam's dict without a word, and fails at its first step.
other = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
other.load_state_dict(checkpoint["optimizer"])
with refused(KeyError, "momentum"):
    other.step()

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.semilogy(first_half + after, color="0.75", linewidth=6, label="never interrupted")
ax.semilogy(range(150, 300), resumed, "tab:blue", label="resumed with Adam's state")
ax.semilogy(range(150, 300), forgotten, "tab:red", label="resumed without it")
ax.set(title="Without its state Adam stumbles, and stays behind", xlim=(100, 300))
ax.set(xlabel="step", ylabel="loss", ylim=(2e-3, 0.1))
ax.legend(loc="lower left")
fig.savefig(RESULT / "resumed.png")
