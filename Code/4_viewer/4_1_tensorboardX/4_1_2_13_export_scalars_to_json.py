r"""
4.1.2.13 export_scalars_to_json · 将标量导出为JSON
==================================================

Write the curves that ``add_scalars`` has logged into a JSON file: text that a plotting
script, a spreadsheet or a web page reads without TensorBoard.

:signature: ``export_scalars_to_json(path)``
:path:      the file to write; its folder must exist
:in the JSON file: ``{folder: [[walltime, step, value], ...], ...}``; each curve has a
            folder, ``<run>/<main_tag>/<key>``, as lesson 4.1.2.2 shows
:memory:    the writer keeps every value of ``add_scalars`` until an export
:see it:
    ``tensorboard --logdir
    Result/4_viewer/4_1_tensorboardX/4_1_2_13_export_scalars_to_json``, the panel
    *Scalars*; and ``scalars.json`` there
:then → now: torch.utils.tensorboard has no such method. ``scalars_of`` below needs the
            event files alone, and finds what ``add_scalar`` has logged as well
"""

import json
import sys
from logging import NullHandler, getLogger
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter
from torch.nn.functional import cross_entropy
from torch.utils import tensorboard

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, refused, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# Log a training run, and export it
# ---------------------------------
# Both losses by ``add_scalars``, the learning rate by ``add_scalar``.
digits = load_digits()
x, y = torch.tensor(digits.data / 16), torch.tensor(digits.target)
parts = {"train": slice(0, 1200), "valid": slice(1200, 1797)}
w = torch.zeros(64, 10, dtype=torch.float64, requires_grad=True)
by_hand = {"loss/train": [], "loss/valid": []}
with SummaryWriter(str(LOG)) as writer:
    for step in range(120):
        losses = {k: cross_entropy(x[part] @ w, y[part]) for k, part in parts.items()}
        lr = 0.5 ** (step // 40)
        writer.add_scalars("loss", losses, step, walltime=1e9 + step)
        writer.add_scalar("lr", lr, step, walltime=1e9 + step)
        for name, loss in losses.items():
            by_hand[f"loss/{name}"].append([1e9 + step, step, loss.item()])
        w.data -= lr * torch.autograd.grad(losses["train"], w)[0]
    writer.export_scalars_to_json(RESULT / "scalars.json")

# %%
# Read it back
# ------------
# The keys are folders of this computer; relative to the run they make sense elsewhere.
content = json.loads((RESULT / "scalars.json").read_text())
exported = {Path(k).relative_to(LOG).as_posix(): v for k, v in content.items()}
print(sorted(exported))  # → ['loss/train', 'loss/valid']
check("every time, step and value", by_hand, exported, rtol=1e-15, atol=0)

# %%
# Pitfall: the second export is empty
# -----------------------------------
# An export clears the writer's memory: export once, at the end. To the same path, the
# second erases the first.
path = fresh_dir(RESULT / "traps") / "scalars.json"
writer = SummaryWriter(str(LOG), write_to_disk=False)  # no event file, but exports
writer.add_scalars("loss", {"train": 1.0}, 0)
for _ in range(2):
    writer.export_scalars_to_json(path)
    print(len(json.loads(path.read_text())), "curves")
# → 1 curves
# → 0 curves

# %%
# Pitfall: what JSON can't hold
# -----------------------------
# NaN is written as ``NaN``, a word that JSON does not have. Without ``global_step`` the
# step is null. A step of NumPy's integers leaves half a file.
getLogger("tensorboardX").addHandler(NullHandler())  # it warns of the NaN
writer.add_scalars("loss", {"train": float("nan")}, walltime=7)
writer.export_scalars_to_json(path)
print(path.read_text().split(": ")[1])  # → [[7, null, NaN]]}
writer.add_scalars("loss", {"train": 1.0}, np.int64(3))
with refused(TypeError, "int64 is not JSON serializable"):
    writer.export_scalars_to_json(path)
check("half a file", True, "}" not in path.read_text())

# %%
# By hand: from the event files
# -----------------------------
# They are there when the writer is gone, and hold both kinds of scalars; the values are
# rounded to float32. The same layout, with keys that hold on any computer:


def scalars_of(log):
    """Return all scalars below a folder: {"run/tag": [[time, step, value], ...]}."""
    curves = {}
    for run in sorted({file.parent for file in Path(log).rglob("events.out.*")}):
        events = EventAccumulator(str(run), size_guidance={"scalars": 0}).Reload()
        for tag in events.Tags()["scalars"]:
            key = (run.relative_to(log) / tag).as_posix()
            curves[key] = [[e.wall_time, e.step, e.value] for e in events.Scalars(tag)]
    return curves


found = scalars_of(LOG)
print(sorted(found))  # → ['loss/train/loss', 'loss/valid/loss', 'lr']
for name, curve in by_hand.items():
    rounded = [[t, step, np.float32(value)] for t, step, value in curve]
    check(f"{name}: float32", rounded, found[f"{name}/loss"], rtol=1e-15, atol=0)
methods = dir(tensorboard.SummaryWriter)
check("torch's writer lacks it", True, "export_scalars_to_json" not in methods)
check("lr", [0.5 ** (step // 40) for step in range(120)], [v for *_, v in found["lr"]])

# %%
# The picture
# -----------
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for name, curve in exported.items():
    left.plot(*np.transpose(curve)[1:], label=name)
left.set(title="In the JSON file: two curves", xlabel="step", ylabel="cross-entropy")
left.legend()
right.step(*np.transpose(found["lr"])[1:], "tab:red", where="post")
right.set(
    title="Left out: the curve of add_scalar", xlabel="step", ylabel="learning rate"
)
fig.savefig(RESULT / "exported_and_left_out.png")
