"""A photograph to try things on, and sheets of pictures."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    Picture = Image.Image | torch.Tensor | np.ndarray

SAMPLE_CREDIT = "photograph: flickr.com/photos/vultilion/6056698931, CC BY 2.0"


def pyplot():
    """Return matplotlib.pyplot, loaded now: not every script draws."""
    import matplotlib.pyplot

    import utils

    utils.settle()
    return matplotlib.pyplot


def sample_image(size: int = 160) -> Image.Image:
    """Return a photograph of a dahlia, RGB, ``size`` x ``size`` pixels.

    It is a part of scikit-learn's ``flower.jpg`` (:data:`SAMPLE_CREDIT`). The large
    flower stands left of the middle, a small one at the lower right: flips are seen.
    """
    home = importlib.util.find_spec("sklearn").submodule_search_locations[0]
    with Image.open(Path(home, "datasets", "images", "flower.jpg")) as photograph:
        return photograph.crop((150, 0, 577, 427)).resize((size, size))


def to_pixels(image: Picture) -> np.ndarray:
    """Return uint8 pixels (H, W, 3) of a PIL image, an array or a tensor.

    :param image: PIL image of any mode; uint8, or floats in [0, 1] (beyond is cut off):
        a tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W); C is 1 or 3
    :raises ValueError: another shape
    """
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    if isinstance(image, np.ndarray):
        pixels = image
    else:
        pixels = image.detach().cpu().numpy()
        pixels = np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 else pixels
    if pixels.dtype != np.uint8:
        pixels = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(f"not an image: shape {tuple(image.shape)}")
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def show_row(
    images: Sequence[Picture], titles: Sequence[str], path: str | Path, title: str = ""
) -> Figure:
    """Draw pictures side by side, each under its title; see :func:`show_grid`."""
    return show_grid(images, titles, path, columns=len(images), title=title)


def show_grid(
    images: Sequence[Picture],
    titles: Sequence[str],
    path: str | Path,
    columns: int = 6,
    title: str = "",
    to_scale: bool = True,
    inches: float = 1.6,
) -> Figure:
    """Draw pictures in rows of ``columns``, save them as ``path``, return the figure.

    :param images: whatever :func:`to_pixels` takes
    :param titles: one for each image; a line break makes two lines of it
    :param title: of the whole sheet
    :param to_scale: one pixel is equally large in all pictures; otherwise every picture
        fills its place
    :param inches: the side of one place
    :raises ValueError: the numbers of images and of titles differ
    """
    plt = pyplot()

    if len(images) != len(titles):
        raise ValueError(f"{len(images)} images, {len(titles)} titles")
    pixels = [to_pixels(image) for image in images]
    rows = math.ceil(len(pixels) / columns)
    lines = 1 + max((text.count("\n") for text in titles), default=0)
    height = (inches + 0.2 * lines) * rows + (0.35 if title else 0.1)
    size = (inches * columns, height)
    fig, axes = plt.subplots(
        rows, columns, figsize=size, layout="constrained", squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    side = max(max(picture.shape[:2]) for picture in pixels)
    for ax, picture, text in zip(axes.flat, pixels, titles, strict=False):
        draw_picture(ax, picture, text, side if to_scale else None)
    if title:
        fig.suptitle(title)
    fig.savefig(path)
    return fig


def show_classes(
    rows: dict[str, Sequence[Picture]], path: str | Path, title: str, side: int = 32
) -> Figure:
    """Draw one row of small pictures for each class, save it, return the figure.

    :param rows: the pictures of each class
    :param side: every picture is scaled to ``side`` x ``side`` pixels
    """
    plt = pyplot()

    gap, columns = 2, max(len(pictures) for pictures in rows.values())
    step = side + gap
    sheet = np.full((step * len(rows) - gap, step * columns - gap, 3), 255, np.uint8)
    for i, pictures in enumerate(rows.values()):
        for j, picture in enumerate(pictures):
            small = Image.fromarray(to_pixels(picture)).resize((side, side))
            sheet[i * step : i * step + side, j * step : j * step + side] = small
    size = (0.5 * columns + 1.4, 0.5 * len(rows) + 0.5)
    fig, ax = plt.subplots(figsize=size, layout="constrained")
    ax.imshow(sheet, interpolation="nearest")
    ax.set_yticks([i * step + side / 2 for i in range(len(rows))], list(rows))
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    fig.savefig(path)
    return fig


def draw_picture(ax, picture: np.ndarray, title: str, side: int | None = None) -> None:
    """Draw pixels (H, W, 3) in ``ax``, framed in grey, so that a black border is seen.

    :param side: in pixels: the square in whose middle the picture stands, to scale
    """
    from matplotlib.patches import Rectangle

    height, width = picture.shape[:2]
    ax.imshow(picture, interpolation="nearest" if max(height, width) < 100 else None)
    frame = Rectangle((-0.5, -0.5), width, height, fill=False, color="0.6", lw=1.2)
    ax.add_patch(frame).set(clip_on=False, snap=False)
    if side is not None:
        ax.set_xlim((width - side) / 2 - 0.5, (width + side) / 2 - 0.5)
        ax.set_ylim((height + side) / 2 - 0.5, (height - side) / 2 - 0.5)
    ax.set_title(title, fontsize=9)
    ax.set_axis_off()
