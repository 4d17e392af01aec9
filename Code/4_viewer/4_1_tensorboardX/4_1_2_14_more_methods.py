r"""
4.1.2.14 more methods · 其他记录方法
====================================

Five more methods of ``SummaryWriter``: they log a table of experiments, a chart of
several curves, a batch of images, a body to turn with the mouse, and a sound.

:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_14_more_methods``, the
    panels *HParams*, *Custom Scalars*, *Images*, *Mesh* and *Audio*
"""

import io
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.tri import Triangulation
from sklearn.datasets import load_digits
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data
from tensorboard.util.tensor_util import make_ndarray
from tensorboardX import SummaryWriter
from torch.utils import tensorboard

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir

RESULT = result_dir(__file__)
LOG, TRAPS = fresh_dir(RESULT / "log"), fresh_dir(RESULT / "traps")
writer, trap = SummaryWriter(str(LOG)), SummaryWriter(str(TRAPS))

# %%
# ``add_hparams``: which setting works best?
# ------------------------------------------
# Each training becomes a row of a table, and a run of its own in the folder ``name``.
# Without ``name`` the clock gives the name: to run again adds rows and replaces none.
x, y = (torch.tensor(array) for array in load_digits(return_X_y=True))
for lr in (0.0001, 0.001, 0.01):
    w, recalls = torch.zeros(64, 10, dtype=x.dtype, requires_grad=True), []
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(x[:1200] @ w, y[:1200])
        w.data -= lr * torch.autograd.grad(loss, w)[0]
        right = ((x[1200:] @ w).argmax(1) == y[1200:]).double()
        recalls.append(y[1200:].bincount(right) / y[1200:].bincount())
    accuracy = right.mean().item()
    writer.add_hparams({"lr": lr}, {"accuracy": accuracy}, f"lr_{lr}", global_step=40)
    run = read_events(LOG / f"lr_{lr}")
    content = run.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    read = parse_session_start_info_plugin_data(content).hparams["lr"].number_value
    (event,) = run.Scalars("accuracy")
    found = [read, event.value, event.step]
    check(f"lr={lr}, accuracy, step", [lr, accuracy, 40], found)
with mock.patch("time.time", return_value=1.7e9):  # without a name, the clock names it
    trap.add_hparams({"lr": 0.1}, {"accuracy": 0.5})
print([path.name for path in TRAPS.iterdir() if path.is_dir()])  # → ['1700000000.0']

# %%
# ``add_custom_scalars``: several tags in one chart
# -------------------------------------------------
# *Margin* draws the first tag, and a band from the second to the third; *Multiline*,
# all tags. The recall of a digit is the share of its images that are recognised.
tags = ["recall/mean", "recall/lowest", "recall/highest"]
logged = [[r.mean(), r.min(), r.max()] for r in recalls]
for step, values in enumerate(logged):
    for tag, value in zip(tags, values, strict=True):
        writer.add_scalar(tag, value, step)
charts = {"ten digits": ["Margin", tags], "ends": ["Multiline", tags[1:]]}
writer.add_custom_scalars({"recall": charts})

# %%
# ``add_images``: a batch as one image, eight in a row
# ----------------------------------------------------
writer.add_images("digits", x[:16].view(16, 8, 8, 1) / 16, 0, dataformats="NHWC")

# %%
# ``add_mesh``: a saddle to turn with the mouse
# ---------------------------------------------
# Points, colours from 0 to 255, triangles as three point numbers: each (1, …, 3).
a, b = np.mgrid[-1:1:17j, -1:1:17j].reshape(2, -1)
points = np.stack([a, b, a**2 - b**2], -1)[None]
colours = 255 * plt.cm.viridis((points[..., 2] + 1) / 2)[..., :3]
mesh = points, colours, Triangulation(a, b).triangles[None]
writer.add_mesh("saddle", *mesh, {"material": {"cls": "MeshPhongMaterial"}}, 0)

# %%
# ``add_audio``: a tone that rises
# --------------------------------
# tensorboardX wants soundfile, which is hidden here; torch's own writer needs nothing.
tone = np.sin(2 * np.pi * np.linspace(0, 20, 8000) ** 2)
with mock.patch.dict(sys.modules, soundfile=None):
    with refused(ModuleNotFoundError, "soundfile"):
        trap.add_audio("tone", tone)
kinds = [tensorboard.SummaryWriter] + [SummaryWriter] * bool(find_spec("soundfile"))
for kind in kinds:
    log = LOG / kind.__module__
    with kind(str(log)) as other:
        other.add_audio("tone", tone, 0, sample_rate=8000)
    wav = read_events(log).Audio("tone")[0].encoded_audio_string
    rate, read = np.frombuffer(wav, "<i4", 1, 24), np.frombuffer(wav, "<i2", -1, 44)
    check(f"{log.name}: rate, tone", [8000, *tone], [*rate, *read / 32767], 0, 1e-4)

# %%
# Read the others back
# --------------------
writer.close()
trap.close()
events = read_events(LOG)
(layout,) = events.Tensors("custom_scalars__config__")
band, ends = Layout.FromString(layout.tensor_proto.string_val[0]).category[0].chart
read = [[m.value, m.lower, m.upper] for m in band.margin.series]
check("charts", [tags, tags[1:]], [*read, list(ends.multiline.tag)])
curves = [[event.value for event in events.Scalars(tag)] for tag in tags]
check("the curves", np.transpose(logged), curves)
pixels = plt.imread(io.BytesIO(events.Images("digits")[0].encoded_image_string))
rows = (x[:16] / 16).view(2, 8, 8, 8).transpose(1, 2).reshape(16, 64)
check("digits: two rows of eight", rows, pixels[..., 0], rtol=0, atol=1 / 255)
drawn = [make_ndarray(events.Tensors(f"saddle_{i}")[0].tensor_proto) for i in (1, 3, 2)]
check("points, colours, triangles", mesh, drawn)
content = events.SummaryMetadata("saddle_1").plugin_data.content
check("the settings for three.js", True, b"MeshPhongMaterial" in content)
print(f"step 9: lowest recall {curves[1][9]:.2f}")  # → step 9: lowest recall 0.00

# %%
# The picture
# -----------
fig = plt.figure(figsize=(8, 3), layout="constrained")
solid = fig.add_subplot(131, projection="3d", title="Mesh: a saddle")
solid.plot_trisurf(*drawn[0][0].T, triangles=drawn[2][0], cmap="viridis")
solid.set(xticks=[], yticks=[], zticks=[])
ax = fig.add_subplot(1, 3, (2, 3), xlabel="step", ylabel="recall")
ax.fill_between(range(40), *curves[1:], alpha=0.3, label="worst to best digit")
ax.plot(curves[0], label="mean of ten digits")
ax.set(title="Custom Scalars: the mean hides that a digit is lost")
ax.legend(loc="lower right")
fig.savefig(RESULT / "saddle_and_band.png")
