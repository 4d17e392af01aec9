r"""
5.7 tensorboardX · SummaryWriter 速查
=====================================

What the methods of ``SummaryWriter`` log, and where it lands (lessons 4.1.2.1 to 14).

:see it:    ``tensorboard --logdir Result/5_cheatsheet/5_7_tensorboardX``
:the notes: have one line, ``config['tensorboard_writer'].add_scalar()``
:then → now: PyTorch has a writer of its own, ``torch.utils.tensorboard``
"""

import io
import json
import sys
import warnings
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import torch
from tensorboard.util.tensor_util import make_ndarray
from tensorboardX import SummaryWriter
from torch.utils import tensorboard

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)  # of add_graph
writers = {"tensorboardX": SummaryWriter, "torch": tensorboard.SummaryWriter}
x, t = ({n for n in dir(w) if n[:3] in ("add", "exp")} for w in writers.values())
print(*sorted(x - t), "|", *sorted(t - x))  # → add_openvino_graph … | add_tensor

# %%
# Log with both writers
# ---------------------
# ``add_tensor`` is in torch's writer alone, the other two above in tensorboardX's.
values, labels, scores = np.array([[0.5, 1.5, 2.5], [0, 1, 1], [0.2, 0.4, 0.9]])
counted = [0.5, 2.5, 3, 4.5, 8.75, [1, 3], [1, 2]]  # min, max, N, Σ, Σ², edges, counts
pr = np.array([[2, 1, 0], [1, 0, 0], [0, 1, 1], [0, 1, 2], [2 / 3, 1, 0], [1, 0.5, 0]])
grey, film, box = np.full((3, 20, 30), 0.5), torch.zeros(1, 2, 3, 8, 8), [5, 5, 15, 15]
points, tone = torch.eye(3)[None], np.array([0, 0.5, -0.5])
hidden = mock.patch.dict(sys.modules, moviepy=None, soundfile=None)
for name, kind in writers.items():
    config = {"tensorboard_writer": kind(str(LOG / name))}
    config["tensorboard_writer"].add_scalar("scalar", 0.1, 3)
    with config["tensorboard_writer"] as writer:  # which closes it, to write all
        writer.add_scalars("scalars", {"train": 0.5, "valid": 0.75}, 3)
        run = {"run_name" if name == "torch" else "name": "lr"}
        writer.add_hparams({"lr": 0.1}, {"hparams": 0.25}, **run)
        writer.add_histogram("histogram", values, 3, bins=[0, 1, 3])
        writer.add_histogram_raw("histogram_raw", *counted, 3)
        writer.add_image("image", 3 * grey, 3)
        writer.add_images("images", np.stack([grey, grey]), 3)
        writer.add_image_with_boxes("image_with_boxes", grey, torch.tensor([box]), 3)
        writer.add_figure("figure", plt.figure(figsize=(2, 1), dpi=50), 3)
        with hidden, mock.patch("tensorboardX.summary.logger"):
            writer.add_video("video", film, 3)
        writer.add_text("text", "**bold**", 3)
        writer.add_pr_curve("pr_curve", labels, scores, 3, num_thresholds=3)
        writer.add_pr_curve_raw("pr_curve_raw", *pr, 3, num_thresholds=3)
        writer.add_mesh("mesh", points, global_step=3)
        writer.add_custom_scalars({"chapter": {"chart": ["Multiline", ["scalar"]]}})
        writer.add_graph(torch.nn.Linear(2, 3), torch.ones(1, 2))
        writer.add_embedding(np.eye(4), list("abcd"), tag="e")
        if name == "torch":
            writer.add_audio("audio", tone, 3)
        else:
            writer.export_scalars_to_json(str(RESULT / "scalars.json"))
            with hidden, refused(ModuleNotFoundError, "soundfile"):
                writer.add_audio("audio", tone, 3)
both = {name: read_events(LOG / name) for name in writers}

# %%
# ``add_scalar``, ``add_scalars``, ``add_hparams``, ``export_scalars_to_json``
# ----------------------------------------------------------------------------
# Each curve of ``add_scalars`` is a run of its own, in a folder, and so are hparams.
curves = json.loads((RESULT / "scalars.json").read_text()).values()
check("JSON: step, value", [[3, 0.5], [3, 0.75]], sorted(c[0][1:] for c in curves))
for name, events in both.items():
    (e,) = events.Scalars("scalar")
    check(f"{name}: float32, step", [np.float32(0.1), 3], [e.value, e.step], 1e-12, 0)
    runs = sorted(file.parent for file in (LOG / name).glob("*/**/events*"))
    print(f"{name}:", *[run.relative_to(LOG / name).as_posix() for run in runs])
    read = [e.Scalars(t) for e in map(read_events, runs) for t in e.Tags()["scalars"]]
    check(f"{name}: runs", [0.25, 0.5, 0.75], [curve[0].value for curve in read])
# → tensorboardX: lr scalars/train scalars/valid
# → torch: lr scalars_train scalars_valid

# %%
# ``add_image``, ``add_images``, ``add_image_with_boxes``, ``add_figure``, ``add_video``
# --------------------------------------------------------------------------------------
# Above 1, tensorboardX starts again at black. Pitfall: without moviepy, no video.
for name, events in both.items():
    pngs = {t: events.Images(t)[0] for t in events.Tags()["images"]}
    files = [io.BytesIO(png.encoded_image_string) for png in pngs.values()]
    read = {t: 255 * plt.imread(file) for t, file in zip(pngs, files, strict=True)}
    print(*[f"{tag} {pixels.shape[:2]}" for tag, pixels in read.items()])
    # → image (20, 30) images (20, 60) image_with_boxes (20, 30) figure (50, 100)
    white = 255 if name == "torch" else int(1.5 * 255) % 256
    found = [read["image"][0, 0], *read["image_with_boxes"][[5, 10], [5, 10]]]
    check(f"{name}: 1.5, frame, inside", [[white] * 3, [255, 0, 0], [127] * 3], found)

# %%
# ``add_histogram``, ``add_pr_curve``, ``add_text``, ``add_mesh``, ``add_graph`` …
# --------------------------------------------------------------------------------
# A PR curve is six rows: TP, FP, TN, FN, precision, recall; at thresholds 0, ½ and 1.
for name, events in both.items():
    for tag in ("histogram", "histogram_raw"):
        h = events.Histograms(tag)[0].histogram_value
        found = [h.min, h.max, h.num, h.sum, h.sum_squares]
        found += [list(h.bucket_limit)[-2:], list(h.bucket)[-2:]]
        check(f"{name}, {tag}", counted, found)
    *tags, last = events.Tags()["tensors"]
    for tag, by_hand in zip(tags, ([b"**bold**"], pr, pr, points), strict=True):
        read = make_ndarray(events.Tensors(tag)[0].tensor_proto)
        check(f"{name}, {tag}", by_hand, read)
    (layout,) = events.Tensors(last)[0].tensor_proto.string_val
    check(f"{name}, {last}", True, b"chart" in layout and b"scalar" in layout)
    check(f"{name}: the graph", "aten::linear", events.Graph().node[-1].op)
    check(f"{name}: vectors", np.eye(4), np.loadtxt(LOG / name / "00000/e/tensors.tsv"))
wav = both["torch"].Audio("audio")[0].encoded_audio_string
check("torch: audio", tone, np.frombuffer(wav, "<i2", -1, 44) / 32767, atol=1e-4)

# %%
# The picture
# -----------
kinds, t = {"scalars": ["scalar", "scalars", "hparams"]}, both["torch"].Tags()
kinds |= {kind: t[kind] for kind in ("histograms", "images", "tensors", "audio")}
kinds |= {"graph": ["add_graph"], "files beside": ["add_embedding"]}
fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
for y, tags in enumerate(kinds.values()):
    for x, tag in enumerate(tags):
        ax.barh(-y, 0.97, 0.8, x, color=f"C{y}", alpha=0.3)
        ax.text(x + 0.485, -y, tag, ha="center", va="center", fontsize=8)
ax.set_yticks(range(0, -len(kinds), -1), kinds)
ax.set(title="Six containers hold all that is logged, but for embeddings", xticks=[])
fig.savefig(RESULT / "where_it_lands.png")
