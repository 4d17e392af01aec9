r"""
3.3.0 Optimizers, overview · 十个优化器
=======================================

All ten walk down the same two surfaces and train the same small network, each at the
learning rate that suits it best.

:use it:    AdamW first; LBFGS or Rprop for small problems without batches
:the notes: their preface counts six optimizers, their chapter ten. Ten it is; the
            younger AdamW, NAdam, RAdam, Adafactor and Muon are lessons 3.3.11 and 12.
"""

import sys
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import animate_paths, check, check_less, descend, draw_map, result_dir
from utils.surface import rosenbrock

RESULT = result_dir(__file__)
torch.manual_seed(0)

# %%
# Two surfaces and a network
# --------------------------
# A narrow valley that bends. A saddle, from a start almost on its ridge, where hardly
# any gradient points across. 500 digits in one batch, as Rprop and LBFGS want it.
kinds = {
    "SGD": partial(optim.SGD, momentum=0.9),
    "ASGD": optim.ASGD,
    "Rprop": optim.Rprop,
    "Adagrad": optim.Adagrad,
    "Adadelta": optim.Adadelta,
    "RMSprop": optim.RMSprop,
    "Adam": optim.Adam,
    "Adamax": optim.Adamax,
    "SparseAdam": optim.SparseAdam,
    "LBFGS": partial(optim.LBFGS, max_iter=1),  # one gradient a step, as the others
}


def saddle(w):
    """Return the height (...) at w, (..., 2): lowest, -1, at (0, ±√2)."""
    return w[..., 0] ** 2 - w[..., 1] ** 2 + w[..., 1] ** 4 / 4


def network_loss(w1, b1, w2, images, labels):
    """Return the loss of n networks, (n,): w1 (n, 64, 16), w2 (n, 16, 10)."""
    scores = torch.relu(images @ w1 + b1) @ w2
    labels = labels.expand(len(w1), -1)
    return nn.functional.cross_entropy(scores.mT, labels, reduction="none").mean(1)


pixels, target = load_digits(return_X_y=True)
digits = torch.tensor(pixels[:500] / 16).float(), torch.tensor(target[:500])
network = [torch.randn(64, 16) / 8, torch.zeros(1, 16), torch.randn(16, 10) / 4]
tasks = {
    "valley": (rosenbrock, [torch.tensor([-1.2, 1.0])], 80),
    "saddle": (saddle, [torch.tensor([-1.5, 0.01])], 80),
    "network": (partial(network_loss, images=digits[0], labels=digits[1]), network, 40),
}
lowest = {"valley": (1.0, 1.0), "saddle": (0.0, 2**0.5)}
places = torch.tensor([lowest["saddle"], (1.5, 1.0)])
check("the saddle: its lowest point, and another", [-1, 1.5], saddle(places))

# %%
# The same search for each
# ------------------------
# Nine learning rates from 0.001 to 10, and a copy of the weights for each. The best is
# the one that is lowest on the average of its steps; a run that flies away loses.


def best_of(kind, rates, loss_of, weights, steps, sparse=False):
    """Return the best rate, its losses (steps + 1,) and its first weight's path."""
    copies = [[nn.Parameter(w.clone()) for w in weights] for _ in rates]
    optimizers = [kind(c, lr=rate) for c, rate in zip(copies, rates, strict=True)]
    history, path = [], []
    for _ in range(steps + 1):
        stacked = [torch.stack(parts) for parts in zip(*copies, strict=True)]
        losses = loss_of(*stacked)
        history.append(losses.detach())
        path.append(stacked[0].detach())
        losses.sum().backward()  # each copy gets the gradient of its own loss
        for copy, optimizer, loss in zip(copies, optimizers, losses, strict=True):
            for w in copy if sparse else []:
                w.grad = w.grad.to_sparse()
            optimizer.step(lambda loss=loss: loss)  # LBFGS asks for it
            optimizer.zero_grad()
    history, path = torch.stack(history), torch.stack(path)
    i = history.mean(0).nan_to_num(float("inf")).argmin()
    return rates[i], history[:, i], path[:, i]


rates = [10 ** (power / 2) for power in range(-6, 3)]
found = {task: {} for task in tasks}
for name, kind in kinds.items():
    for task, settings in tasks.items():
        found[task][name] = best_of(kind, rates, *settings, name == "SparseAdam")
    ends = [(run[name][1][-1], run[name][0]) for run in found.values()]
    print(f"{name:10}", *(f"{end:8.4f} (lr {rate:<7.2g})" for end, rate in ends))
# → SGD          0.2193 (lr 0.001  )  -0.9999 (lr 0.32   )   0.01… (lr 1      )
ends = {name: losses[-1] for name, (_rate, losses, _path) in found["network"].items()}
check_less("LBFGS learns the batch best", ends.pop("LBFGS"), [*ends.values()])
alone = descend(lambda w: kinds["SGD"](w, lr=found["valley"]["SGD"][0]), 80)
check("SGD walks the same path alone", alone, found["valley"]["SGD"][2], 1e-3, 1e-3)

# %%
# The picture, and an animation
# -----------------------------
fig, grid = plt.subplots(3, 10, figsize=(15, 5))
fig.subplots_adjust(0.05, 0.1, 0.99, 0.83, wspace=0.1, hspace=0.4)
for column, name in enumerate(kinds):
    for row, task in enumerate(tasks):
        ax, (rate, losses, path) = grid[row, column], found[task][name]
        if task == "network":
            for other in kinds:
                ax.semilogy(found[task][other][1], color="0.85", linewidth=1)
            ax.semilogy(losses, color="tab:red")
            ax.set(ylim=(2e-3, 4), xticks=[0, 40], xlabel="step")
        else:
            draw_map(ax, tasks[task][0], lowest[task], box=(-2, 2, -0.8, 2))
            ax.plot(*path.T, ".-", color="tab:red", markersize=2, linewidth=0.8)
            ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
        ax.set_title(f"{name}\nlr {rate:.2g}" if row == 0 else f"lr {rate:.2g}")
        ax.set_ylabel(task)
        ax.label_outer()
fig.suptitle("Ten characters, each at its best learning rate")
fig.savefig(RESULT / "ten_optimizers.png")

maps = {
    task: (tasks[task][0], lowest[task], {n: run[2] for n, run in found[task].items()})
    for task in lowest
}
animate_paths(maps, RESULT / "walks.gif", box=(-2, 2, -0.8, 2))
