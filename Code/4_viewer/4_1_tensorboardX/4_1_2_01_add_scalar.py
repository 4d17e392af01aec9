r"""
4.1.2.1 add_scalar · 记录标量
=============================

Log one number per step, the loss, the accuracy, the learning rate: TensorBoard draws
the curve while the training still runs.

:signature: ``add_scalar(tag, scalar_value, global_step=None, walltime=None,
            display_name="", summary_description="")``
:value:     a number, or a tensor or array of one element; stored as float32
:in the event file: the container ``scalars``, under ``tag``
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_01_add_scalar``, the
    panel *Scalars* or *Time Series*
"""

import sys
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import torch
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
torch.manual_seed(0)

# %%
# Log a training run
# ------------------
# A line through 100 noisy points, by gradient descent. A slash in a tag groups charts.
# ``global_step`` is the x-axis. At the end of ``with`` all is on the disk.
x = torch.linspace(-1, 1, 100)
y = 3 * x + 0.5 + 0.2 * torch.randn(100)
w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.1)
losses, slopes = [], []
with SummaryWriter(str(LOG)) as writer:
    for step in range(100):
        loss = (w * x + b - y).square().mean()
        writer.add_scalar("train/loss", loss, step)
        writer.add_scalar("train/slope", w, step)
        losses.append(loss.item())
        slopes.append(w.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %%
# Read it back
# ------------
# What TensorBoard will draw, read by TensorBoard's own reader.
scalars = {tag: read_events(LOG).Scalars(tag) for tag in ("train/loss", "train/slope")}
for (tag, events), values in zip(scalars.items(), (losses, slopes), strict=True):
    check(f"{tag}: every step", list(range(100)), [event.step for event in events])
    check(f"{tag}: every value", values, [event.value for event in events])
print(f"slope: {scalars['train/slope'][-1].value:.1f}")  # → slope: 3.0

# %%
# ``walltime`` overrides the clock
# --------------------------------
# To log what happened earlier, at its own time, in seconds since 1970.
log = fresh_dir(RESULT / "walltime")
with SummaryWriter(str(log)) as writer:
    writer.add_scalar("yesterday", 0.1, 0, walltime=1_000_000_000)
(event,) = read_events(log).Scalars("yesterday")
check("the event bears the given time", 1_000_000_000, event.wall_time, rtol=0)
print(f"0.1 is stored as {event.value:.10f}")  # → 0.1 is stored as 0.1000000015

# %%
# ``display_name`` and ``summary_description`` are for people
# -----------------------------------------------------------
# A title to show instead of the tag, and a text behind the chart's information sign.
log = fresh_dir(RESULT / "described")
with SummaryWriter(str(log)) as writer:
    text = {"display_name": "learning rate", "summary_description": "halved at 30"}
    writer.add_scalar("lr", 0.1, 0, **text)
(path,) = log.iterdir()
loaded = [v for event in EventFileLoader(str(path)).Load() for v in event.summary.value]
(found,) = loaded
print(found.tag, "is shown as", found.metadata.display_name)
# → lr is shown as learning rate
check("the text", "halved at 30", found.metadata.summary_description)

# %%
# Pitfall: without ``global_step`` all points stand at step 0
# -----------------------------------------------------------
log = fresh_dir(RESULT / "no_step")
with SummaryWriter(str(log)) as writer:
    for value in (3.0, 2.0, 1.0):
        writer.add_scalar("loss", value)
    with refused(AssertionError, "scalar should be 0D"):
        writer.add_scalar("loss", torch.tensor([2.0, 1.0]))  # one number at a time
    writer.add_scalar("top-1 (%)", 97.5)  # what may not stand in a tag becomes _
log = read_events(log)
print("steps:", [event.step for event in log.Scalars("loss")])  # → steps: [0, 0, 0]
print("tags:", log.Tags()["scalars"])  # → tags: ['loss', 'top-1____']

# %%
# Pitfall: two writers in one folder, in one second
# -------------------------------------------------
# A file's name holds whole seconds only: the second writer erases what the first wrote.
# Give every run a folder of its own, or every writer a ``filename_suffix``. (Here the
# clock stands still, so that it is always the same second.)
for name, suffixes in (("two_writers", ("", "")), ("two_suffixes", (".a", ".b"))):
    log = fresh_dir(RESULT / name)
    with mock.patch("time.time", return_value=1_700_000_000.0):
        for tag, suffix in zip(("first", "second"), suffixes, strict=True):
            with SummaryWriter(str(log), filename_suffix=suffix) as writer:
                writer.add_scalar(tag, 1.0, 0)
    print(f"{name} keep:", read_events(log).Tags()["scalars"])
# → two_writers keep: ['second']
# → two_suffixes keep: ['first', 'second']

# %%
# The picture
# -----------
fig, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for ax, (tag, events) in zip(axes, scalars.items(), strict=True):
    ax.plot([event.step for event in events], [event.value for event in events])
    ax.set(title=tag, xlabel="global_step")
axes[0].set(yscale="log", ylabel="mean square error")
axes[1].axhline(3, color="k", linestyle="dashed")
axes[1].annotate(
    "the true slope", (99, 3), (0, -12), ha="right", textcoords="offset points"
)
axes[1].set(ylabel="slope")
fig.savefig(RESULT / "scalars.png")
