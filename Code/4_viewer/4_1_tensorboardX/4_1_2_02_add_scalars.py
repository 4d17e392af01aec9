r"""
4.1.2.2 add_scalars · 多条曲线画在一张图
========================================

Log several numbers that belong in one chart, such as the loss on training and on
validation data.

:signature: ``add_scalars(main_tag, tag_scalar_dict, global_step=None, walltime=None)``
:main_tag:  the name of the chart
:tag_scalar_dict: the name of each curve, with its number
:in the event file: in one file per curve, in a folder of its own below the run's:
            ``<run>/<main_tag>/<key>``; container ``scalars``, tag ``main_tag``
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_02_add_scalars``, the
    panel *Scalars*
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from tensorboardX import SummaryWriter
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, fresh_dir, read_events, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
torch.manual_seed(0)

# %%
# Log an overfit
# --------------
# A network learns 60 digits, a fifth of them with a wrong label, by heart. The two
# curves say little alone; in one chart the gap between them is the message.
digits = load_digits()
x, y = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
y[:12] = (y[:12] + 1) % 10
parts = {"train": slice(0, 60), "valid": slice(60, 560)}
net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
cross_entropy = nn.CrossEntropyLoss()
logged = {name: [] for name in parts}
with SummaryWriter(str(LOG)) as writer:
    for step in range(150):
        losses = {name: cross_entropy(net(x[p]), y[p]) for name, p in parts.items()}
        writer.add_scalars("loss", losses, step)
        for name, loss in losses.items():
            logged[name].append(loss.item())
        optimizer.zero_grad()
        losses["train"].backward()
        optimizer.step()

# %%
# Pitfall: the run's own folder holds no curve
# --------------------------------------------
# Whoever reads the folder of the run finds nothing: every curve is a run of its own.
print("root:", read_events(LOG).Tags()["scalars"])  # → root: []
files = LOG.rglob("events.out.tfevents.*")
runs = sorted(file.parent.relative_to(LOG).as_posix() for file in files)
print("runs:", runs)  # → runs: ['.', 'loss/train', 'loss/valid']
print("tag:", read_events(LOG / "loss/train").Tags()["scalars"])  # → tag: ['loss']

# %%
# Read it back
# ------------
curves = {name: read_events(LOG / "loss" / name).Scalars("loss") for name in parts}
for name, curve in curves.items():
    check(f"{name}: every step", list(range(150)), [event.step for event in curve])
    check(f"{name}: every loss", logged[name], [event.value for event in curve])
values = torch.tensor([event.value for event in curves["valid"]])
best = values.argmin().item()
check_less("the validation loss ends above its minimum", 1.2 * values[best], values[-1])

# %%
# By hand: one writer per curve
# -----------------------------
# TensorBoard draws curves of the same tag in one chart. Two runs that log ``loss`` with
# ``add_scalar`` give the same chart.
log = fresh_dir(RESULT / "by_hand")
for name, losses in logged.items():
    with SummaryWriter(str(log / "loss" / name)) as writer:
        for step, loss in enumerate(losses):
            writer.add_scalar("loss", loss, step)
for name, curve in curves.items():
    by_hand = read_events(log / "loss" / name).Scalars("loss")
    same = [(event.step, event.value) for event in curve]
    check(f"{name}: as add_scalars", [(e.step, e.value) for e in by_hand], same)

# %%
# ``walltime`` overrides the clock, for all curves of the call.
log = fresh_dir(RESULT / "names")
with SummaryWriter(str(log)) as writer:
    writer.add_scalars("loss", {"a": 1.0, "b": 2.0}, 7, walltime=1_000_000_000)
    writer.add_scalars("a/b c", {"lr 0.1/sgd": 1.0})
for key in "ab":
    (event,) = read_events(log / "loss" / key).Scalars("loss")
    check(f"{key}: step and time", [7, 1e9], [event.step, event.wall_time], rtol=0)

# %%
# Pitfall: names become folders
# -----------------------------
# A slash in a key makes one more folder. In the tag a blank becomes an underscore, in
# the folder it stays. And every key has a file of its own: don't log hundreds.
print(read_events(log / "a/b c/lr 0.1/sgd").Tags()["scalars"])  # → ['a/b_c']

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for name, curve in curves.items():
    ax.plot(
        [event.step for event in curve], [event.value for event in curve], label=name
    )
ax.axvline(best, color="k", linestyle="dotted")
ax.annotate("best on new digits", (best, 2.2), (5, 0), textcoords="offset points")
ax.set(title="loss: past the dotted line the network learns by heart")
ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
ax.legend(loc="lower right")
fig.savefig(RESULT / "train_and_valid.png")
