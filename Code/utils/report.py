"""Pictures of a finished training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utils.images import pyplot, show_grid
from utils.index import load_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_curves(history: Sequence[dict], best: int, path: Path, title: str) -> Figure:
    """Draw loss, accuracy and learning rate over the epochs; return the figure.

    :param history: for each epoch the keys train_loss, valid_loss, train_accuracy,
        valid_accuracy (in [0, 1]) and lr
    :param best: the epoch, from 1, whose weights were kept
    """
    epochs = range(1, len(history) + 1)
    fig, axes = pyplot().subplots(1, 3, figsize=(10, 3), layout="constrained")
    for part, color in (("train", "tab:blue"), ("valid", "tab:orange")):
        for ax, what, unit in ((axes[0], "loss", 1), (axes[1], "accuracy", 100)):
            values = [unit * epoch[f"{part}_{what}"] for epoch in history]
            ax.plot(epochs, values, ".-", color=color, label=part)
    axes[1].axvline(best, color="0.6", linestyle="dashed", label=f"kept: epoch {best}")
    axes[1].legend(loc="lower right")
    axes[0].legend(loc="upper right")
    axes[2].plot(epochs, [epoch["lr"] for epoch in history], ".-", color="tab:green")
    for ax, name in zip(axes, ("loss", "accuracy, %", "learning rate"), strict=True):
        ax.set(xlabel="epoch", title=name)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[2].set_title("learning rate, last of the epoch")
    fig.suptitle(title)
    fig.savefig(path)
    return fig


def draw_confusion(
    counts: np.ndarray, classes: Sequence[str], path: Path, title: str
) -> Figure:
    """Draw a confusion matrix, shaded by the share of each true class; return it.

    :param counts: (classes, classes): row: the true class, column: the predicted one
    """
    share = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    side = max(4.5, min(12, 1.8 + 0.45 * len(classes)))
    fig, ax = pyplot().subplots(figsize=(side + 0.8, side), layout="constrained")
    shades = ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    fig.colorbar(shades, label="share of the true class", shrink=0.8)
    ticks = range(len(classes))
    long = max(map(len, classes)) > 2
    ax.set_xticks(ticks, classes, rotation=90 if long else 0)
    ax.set_yticks(ticks, classes)
    if len(classes) <= 20:
        for row, column in np.argwhere(counts):
            color = "white" if share[row, column] > 0.5 else "black"
            text = dict(ha="center", va="center", color=color, fontsize=8)
            ax.text(column, row, counts[row, column], **text)
    ax.set(title=title, xlabel="predicted class", ylabel="true class")
    fig.savefig(path)
    return fig


def draw_mistakes(
    paths: Sequence[str | Path],
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    path: Path,
    name: str,
) -> Figure | None:
    """Draw up to 18 wrong predictions, those that the network is most sure of.

    Without any, an old picture is removed and None returned.

    :param paths: of the N images
    :param labels: the true classes, (N,)
    :param probabilities: (N, classes)
    :param name: of the set, for the title
    """
    sure, seen = probabilities.max(axis=1), probabilities.argmax(axis=1)
    wrong = np.flatnonzero(seen != labels)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:18]
    if len(worst) == 0:
        path.unlink(missing_ok=True)
        return None
    titles = [
        f"{classes[seen[i]]}, {100 * sure[i]:.0f} %\nis {classes[labels[i]]}"
        for i in worst
    ]
    title = f"{len(wrong)} of {len(labels)} {name} images are misread; the surest ones"
    columns = max(4, min(6, len(worst)))
    images = [load_image(paths[i], largest=400) for i in worst]
    return show_grid(images, titles, path, columns, title=title, to_scale=False)
