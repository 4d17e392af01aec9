r"""
4.1.2.6 add_embedding · 高维数据可视化
======================================

Log vectors, one for each sample: TensorBoard's Projector shows them as points in space,
and one sees which samples a network takes for alike.

:signature: ``add_embedding(mat, metadata=None, label_img=None, global_step=None,
            tag="default", metadata_header=None)``
:mat:       ``(N, D)``, a vector for each of N samples
:metadata:  a list of N labels; or, with ``metadata_header``, the names of the columns,
            a list of N rows
:label_img: ``(N, C, H, W)`` with H = W, floats in [0, 1]: shown as the points
:in the event file: nothing. Beside it: ``STEP/TAG/tensors.tsv``, ``metadata.tsv`` and
            ``sprite.png``, all pictures in one; and ``projector_config.pbtxt``, a list
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_06_add_embedding``,
    the panel *Projector*
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from google.protobuf import text_format
from PIL import Image
from sklearn.datasets import load_digits
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, fresh_dir, read_events, refused, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
torch.manual_seed(0)

# %%
# Log what a network makes of the digits
# --------------------------------------
# Each of 400 digits is a vector of 16 numbers in the hidden layer, before and after
# training. A second column numbers them. 20 rows of 20 pictures fill the square sprite.
digits = load_digits()
x, y = torch.tensor(digits.data[:400] / 16), torch.tensor(digits.target[:400])
pictures = np.kron(digits.images[:400, None] / 16, np.ones((2, 2)))  # (400, 1, 16, 16)
rows = [[digit, f"number {i}"] for i, digit in enumerate(y.tolist())]
first = torch.randn(64, 16, dtype=torch.float64).div_(8).requires_grad_()
second = torch.zeros(16, 10, dtype=torch.float64, requires_grad=True)
logged = {}
with SummaryWriter(str(LOG)) as writer:
    for step in range(101):
        hidden = torch.tanh(x @ first)
        if step in (0, 100):
            logged[step], header = hidden.detach(), ["digit", "picture"]
            writer.add_embedding(logged[step], rows, pictures, step, "hidden", header)
        loss = torch.nn.functional.cross_entropy(hidden @ second, y)
        gradients = torch.autograd.grad(loss, (first, second))
        for weight, gradient in zip((first, second), gradients, strict=True):
            weight.data -= gradient

# %%
# Read it back
# ------------
# The Projector starts from ``projector_config.pbtxt``, and so do we.


def read_config(log):
    """Return what the Projector finds in the folder ``log``, one entry an embedding."""
    text = Path(log, "projector_config.pbtxt").read_text()
    return text_format.Parse(text, ProjectorConfig()).embeddings


entries = read_config(LOG)
print([e.tensor_name for e in entries])  # → ['hidden:00000', 'hidden:00100']
back = {}
for (step, vectors), entry in zip(logged.items(), entries, strict=True):
    sprite = entry.sprite
    paths = [entry.tensor_path, entry.metadata_path, sprite.image_path]
    names = ("tensors.tsv", "metadata.tsv", "sprite.png")
    check(f"step {step}: paths", [f"{step:05d}/hidden/{n}" for n in names], paths)
    check("  size of a picture", [16, 16], list(sprite.single_image_dim))
    back[step] = np.loadtxt(LOG / entry.tensor_path)
    check("  every number, exactly", vectors, back[step], rtol=0, atol=0)
    lines = "".join(f"{y[i]}\tnumber {i}\n" for i in range(400))
    found = (LOG / entry.metadata_path).read_text()
    check("  header and labels", "digit\tpicture\n" + lines, found)
check("the event file holds nothing", False, any(read_events(LOG).Tags().values()))

# %%
# By hand: the sprite
# -------------------
# Row by row, from the left: the 21st picture is the first of the second row.
by_hand = np.zeros((320, 320, 3), np.uint8)
for i, (picture,) in enumerate(pictures):
    top, left = 16 * (i // 20), 16 * (i % 20)
    by_hand[top : top + 16, left : left + 16] = (255 * picture)[:, :, None]
check("sprite.png", by_hand, np.asarray(Image.open(LOG / sprite.image_path)))

# %%
# Pitfall: labels that read ``tensor(0)``, and the same step twice
# ----------------------------------------------------------------
# An element of a tensor is a tensor, and is written as it prints: give ``.tolist()``.
# And the second call at a step, or a script's second run into one folder, replaces the
# vectors of the first, and the list names their file twice.
log = fresh_dir(RESULT / "traps")
with SummaryWriter(str(log)) as writer:
    for vectors, labels in ((logged[0], y), (logged[100], y.tolist())):
        writer.add_embedding(vectors, labels)
        print((log / "00000/default/metadata.tsv").read_text().split()[:3])
    with refused(AssertionError, "#labels should equal"):
        writer.add_embedding(logged[0], ["too", "few"], global_step=1)
# → ['tensor(0)', 'tensor(1)', 'tensor(2)']
# → warning: Embedding dir exists, did you set global_step for add_embedding()?
# → ['0', '1', '2']
paths = [entry.tensor_path for entry in read_config(log)]
print(paths)  # → ['00000/default/tensors.tsv', '00000/default/tensors.tsv']
check("only the last are left", logged[100], np.loadtxt(log / paths[0]), rtol=0, atol=0)

# %%
# The picture
# -----------
# The Projector shows three principal components; here are two, coloured by label.
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
alike = []
for ax, (step, vectors) in zip(axes, back.items(), strict=True):
    distances = np.square(vectors[:, None] - vectors).sum(2) + np.diag([np.inf] * 400)
    alike.append(np.mean(digits.target[distances.argmin(1)] == digits.target[:400]))
    centred = vectors - vectors.mean(0)
    flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    for digit in range(10):
        points = flat[y == digit].T
        ax.scatter(*points, s=28, marker=f"${digit}$", lw=0.2, color=f"C{digit}")
    ax.set(title=f"hidden, step {step}", xlabel="first component", xticks=[], yticks=[])
check_less("share whose nearest neighbour is the same digit, before, after", *alike)
axes[0].set(ylabel="second component")
fig.suptitle("Training pulls the digits apart")
fig.savefig(RESULT / "embedding.png")
