r"""
4.1.1 logger · 构建 Logger 类
=============================

A class of three operations to copy into any project: numbers, images and histograms of
a training run go into a file that TensorBoard shows.

:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_1_logger``: *Scalars*,
    *Images*, *Histograms*
:the names: TensorBoard, the viewer, came with TensorFlow, whose
    ``tf.summary.FileWriter`` wrote its files. The package that writes them for PyTorch
    was at first imported as ``tensorboard`` too: hence the new name, tensorboardX.
:the notes: their Logger stands on ``tf.summary.FileWriter``; this one needs no
    TensorFlow. They uninstall tensorboardX and install tensorboard: you want both, one
    writes, the other shows. tensorboardX writes all, they say, but for the beholder, a
    live video of the weights: TensorBoard has dropped it since.
:then → now: PyTorch has a writer of its own, ``torch.utils.tensorboard``.
"""

import io
import sys
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tensorboard
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tensorboardX import SummaryWriter
from torch.utils.tensorboard import SummaryWriter as WriterOfTorch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, result_dir, sample_image

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# The class
# ---------


class Logger:
    """Log a run into the folder ``log_dir``; every run needs a folder of its own."""

    def __init__(self, log_dir):
        self.writer = SummaryWriter(str(log_dir))

    def scalar_summary(self, tag, value, step):
        """Log one number."""
        self.writer.add_scalar(tag, value, step)

    def image_summary(self, tag, images, step):
        """Log arrays (H, W) or (H, W, 3), uint8 or in [0, 1], as tag/0, tag/1 …"""
        for i, image in enumerate(images):
            if image.dtype != np.uint8:
                image = (255 * image.clip(0, 1)).round().astype(np.uint8)
            self.writer.add_image(f"{tag}/{i}", image, step, None, "HWC"[: image.ndim])

    def histo_summary(self, tag, values, step, bins=1000):
        """Log how many values, of any shape, lie in each of ``bins`` equal bins."""
        self.writer.add_histogram(tag, values, step, bins=bins)

    def close(self):
        """Write to the file what is still in memory."""
        self.writer.close()


# %%
# Log a training run
# ------------------
# A linear classifier of digits. Every 50 steps it shows the six digits that it finds
# hardest, and its weights.
digits, photo = load_digits(), np.asarray(sample_image())
x, y = torch.tensor(digits.data / 16), torch.tensor(digits.target)
w = torch.zeros(10, 64, dtype=torch.float64, requires_grad=True)
losses, logger = [], Logger(LOG)
for step in range(101):
    scores = x @ w.T
    loss_of_each = torch.nn.functional.cross_entropy(scores, y, reduction="none")
    losses.append(loss_of_each.mean().item())
    logger.scalar_summary("loss", losses[-1], step)
    if step % 50 == 0:
        logged, hardest = w.detach().clone(), loss_of_each.topk(6).indices
        logger.image_summary("hardest", 1 - digits.images[hardest] / 16, step)
        logger.histo_summary("weight", logged, step, bins=40)
    w.data -= torch.autograd.grad(loss_of_each.mean(), w)[0]
logger.image_summary("photo", [photo, photo / 127.5], 0)  # the second too bright
logger.close()

# %%
# Read it back
# ------------
# With TensorBoard's own reader: every step, pixel and count.
events = read_events(LOG)
scalars = [(event.step, event.value) for event in events.Scalars("loss")]
check("steps and losses", list(enumerate(losses)), scalars)
last = [events.Images(tag)[-1] for tag in events.Tags()["images"]]
images = [Image.open(io.BytesIO(image.encoded_image_string)) for image in last]
grey = np.rint(255 - 255 * digits.images[hardest] / 16)
check("the digits", grey[..., None].repeat(3, -1), np.stack(images[:6]))
bright = np.minimum(2 * photo.astype(int), 255)  # above 1 is white
check("the photographs", np.stack([photo, bright]), np.stack(images[6:]))
histogram = events.Histograms("weight")[-1].histogram_value
counts, edges = np.histogram(logged, bins=40)  # logged with one more, empty, bin
check("counts", [0, *counts], histogram.bucket)
check("right edges", edges, histogram.bucket_limit)

# %%
# PyTorch's own writer
# --------------------
# Its file says the same. The viewer has no writer, and no longer a beholder.
log = fresh_dir(RESULT / "log_of_torch")
with WriterOfTorch(str(log)) as writer:
    for step, loss in enumerate(losses):
        writer.add_scalar("loss", loss, step)
theirs = [(event.step, event.value) for event in read_events(log).Scalars("loss")]
check("torch.utils.tensorboard logs the same", scalars, theirs)
print("writer:", hasattr(tensorboard, "SummaryWriter"))  # → writer: False
print("beholder:", find_spec("tensorboard.plugins.beholder"))  # → beholder: None

# %%
# The picture
# -----------
fig = plt.figure(figsize=(9, 3), layout="constrained")
axes = fig.subplot_mosaic("l012w;l345w", width_ratios=[3, 1, 1, 1, 3])
axes["l"].plot([value for _, value in scalars])
axes["l"].set(title="scalar_summary", xlabel="step", ylabel="loss")
for i, sample in enumerate(hardest):
    axes[str(i)].imshow(images[i])
    axes[str(i)].set(title=f"{y[sample]}, read {scores[sample].argmax()}")
    axes[str(i)].axis("off")
axes["w"].stairs(histogram.bucket[1:], histogram.bucket_limit, fill=True)
axes["w"].set(title="histo_summary", xlabel="weight", ylabel="count")
fig.suptitle("a logged run: its loss, the digits it finds hardest, its weights")
fig.savefig(RESULT / "logged.png")
