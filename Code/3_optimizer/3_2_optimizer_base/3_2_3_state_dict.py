r"""
3.2.3 state_dict · 优化器的状态字典
===================================

All that an optimizer remembers, as a dict to save: its buffers (momentum, mean squares,
the number of steps) and its settings. No weights: those are in the module's.

:signature: ``optimizer.state_dict()``
:returns:   a dict of two: ``state``, {place of a parameter: {name: buffer}}, and
            ``param_groups``, the settings of each group, with places in ``params``
:use it:    in a checkpoint, beside ``net.state_dict()``; lesson 3.2.4 reads it back.
:memory:    nothing for plain SGD, one number per weight with momentum, two for Adam
:the notes: "the model's parameters, an ordered dict of layer names" is the *module's*
            ``state_dict``. The optimizer's knows neither names nor weights.
"""

import copy
import io
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Two dicts, side by side
# -----------------------
# The module's names every weight.
net = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
optimizer = optim.Adam(net.parameters(), lr=0.01)
print("not yet a step:", optimizer.state_dict()["state"])  # → not yet a step: {}
for _ in range(3):
    optimizer.zero_grad()
    net(torch.randn(16, 8)).square().mean().backward()
    optimizer.step()
for name, weight in net.state_dict().items():
    print(name, tuple(weight.shape))
# → 0.weight (4, 8)
# → 0.bias (4,)
# → 2.weight (2, 4)
# → 2.bias (2,)

# %%
# The optimizer's numbers the parameters in the order in which it got them.
state = optimizer.state_dict()
for place, buffers in state["state"].items():
    print(place, {name: tuple(buffer.shape) for name, buffer in buffers.items()})
# → 0 {'step': (), 'exp_avg': (4, 8), 'exp_avg_sq': (4, 8)}
# → 1 {'step': (), 'exp_avg': (4,), 'exp_avg_sq': (4,)}
# → 2 {'step': (), 'exp_avg': (2, 4), 'exp_avg_sq': (2, 4)}
# → 3 {'step': (), 'exp_avg': (2,), 'exp_avg_sq': (2,)}
(group,) = state["param_groups"]
print(group["params"], group["lr"], group["betas"])  # → [0, 1, 2, 3] 0.01 (0.9, 0.999)

# %%
# By hand
# -------
# The buffers lie in ``optimizer.state``, under the parameters themselves. A file can't
# keep that, so each parameter becomes its place.


def state_dict_by_hand(optimizer):
    """Return a copy of what the optimizer remembers, parameters as places."""
    everyone = [p for group in optimizer.param_groups for p in group["params"]]
    place = {p: i for i, p in enumerate(everyone)}
    groups = []
    for group in optimizer.param_groups:
        settings = {key: group[key] for key in group if key != "params"}
        groups.append({**settings, "params": [place[p] for p in group["params"]]})
    state = {place[p]: buffers for p, buffers in optimizer.state.items()}
    return copy.deepcopy({"state": state, "param_groups": groups})


by_hand = state_dict_by_hand(optimizer)
check("the buffers", by_hand["state"], state["state"])
check("the settings", str(by_hand["param_groups"]), str(state["param_groups"]))

# %%
# What it costs
# -------------
weights = sum(p.numel() for p in net.parameters())
plain, momentum = (optim.SGD, {}), (optim.SGD, {"momentum": 0.9})
for kind, arguments in (plain, momentum, (optim.Adam, {})):
    other = kind(net.parameters(), lr=0.0, **arguments)
    other.step()
    found = [b for kept in other.state.values() for b in kept.values()]
    numbers = sum(b.numel() for b in found if b is not None and b.ndim)
    print(f"{kind.__name__} {arguments}: {numbers / weights:.0f} per weight")
# → SGD {}: 0 per weight
# → SGD {'momentum': 0.9}: 1 per weight
# → Adam {}: 2 per weight

# %%
# Pitfall: it is half a copy
# --------------------------
# The buffers are the optimizer's own and go on changing; the settings are copies and do
# not. To keep a moment, take ``copy.deepcopy``, or write a file.
file = io.BytesIO()
torch.save(state, file)
optimizer.param_groups[0]["lr"] = 0.5
optimizer.step()
file.seek(0)
saved = torch.load(file)
check("the file keeps the buffers", by_hand["state"], saved["state"])
print("steps:", state["state"][0]["step"], "in the file", saved["state"][0]["step"])
# → steps: tensor(4.) in the file tensor(3.)
print("lr:", state["param_groups"][0]["lr"])  # → lr: 0.01

# %%
# The picture
# -----------
# One row for each parameter; red is positive, blue negative.
fig, axes = plt.subplots(
    4, 3, figsize=(8, 3.6), layout="constrained", height_ratios=[4, 1, 2, 1]
)
for row, (name, weight) in enumerate(net.state_dict().items()):
    shown = {f'["{name}"]': weight}
    for key in ("exp_avg", "exp_avg_sq"):
        shown[f'["state"][{row}]["{key}"]'] = saved["state"][row][key]
    for ax, (title, values) in zip(axes[row], shown.items(), strict=True):
        image = values if values.ndim == 2 else values[None]
        top = values.abs().max()
        ax.imshow(image, cmap="RdBu_r", vmin=-top, vmax=top)
        ax.set_title(title, fontsize=8, family="monospace")
        ax.set(xticks=[], yticks=[])
fig.suptitle(
    "The net's dict: weights, by name.   Adam's: two buffers for each, by number"
)
fig.savefig(RESULT / "two_dicts.png")
