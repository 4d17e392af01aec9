"""A valley to walk down, by hand and by ``torch.optim``, for the optimizer lessons.

Paths are computed in float64, so that two ways of writing one rule part by nothing but
the last digits, and handed out in float32.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from utils.images import pyplot
from utils.paths import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Surface = Callable[[torch.Tensor], torch.Tensor]
START = (-1.2, 1.0)


def rosenbrock(w: torch.Tensor) -> torch.Tensor:
    """Return the height (...) of Rosenbrock's valley at the points w, (..., 2).

    The floor of the valley is the parabola w2 = w1²; its lowest point is (1, 1).
    """
    w1, w2 = w.unbind(-1)
    return (1 - w1).square() + 100 * (w2 - w1.square()).square()


def descend(
    make_optimizer: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    steps: int = 200,
    start: Sequence[float] = START,
    surface: Surface = rosenbrock,
    sparse: bool = False,
) -> torch.Tensor:
    """Walk down the surface with an optimizer of torch.

    :param make_optimizer: makes the optimizer of a list with one parameter, (2,)
    :param sparse: give the gradient as a sparse tensor
    :return: the path, float32 (steps + 1, 2), from the start on
    """
    w = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = make_optimizer([w])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        height = surface(w)
        height.backward()
        if sparse:
            w.grad = w.grad.to_sparse()
        return height

    path = [w.detach().clone()]
    for _ in range(steps):
        optimizer.step(closure)
        path.append(w.detach().clone())
    return torch.stack(path).float()


def descend_by_hand(
    step: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    steps: int = 200,
    start: Sequence[float] = START,
    surface: Surface = rosenbrock,
) -> torch.Tensor:
    """Walk down the surface with a rule written by hand.

    :param step: returns the next weights, (2,), of the weights and the gradient there
    :return: the path, float32 (steps + 1, 2), from the start on
    """
    w = torch.tensor(start, dtype=torch.float64)
    path = [w]
    for _ in range(steps):
        at = w.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(surface(at), at)
        w = step(w, gradient)
        path.append(w)
    return torch.stack(path).float()


def draw_paths(
    paths: dict[str, torch.Tensor],
    title: str,
    file: Path,
    surface: Surface = rosenbrock,
    minimum: Sequence[float] = (1.0, 1.0),
    box: tuple[float, float, float, float] = (-2.2, 2.2, -1.2, 3.2),
) -> Figure:
    """Draw walks over a map of the surface and, beside it, their height at each step.

    :param paths: name to path, (steps + 1, 2)
    :param box: what the map shows: w1 from, to, w2 from, to
    :return: the figure, saved in ``file`` and still open
    """
    fig, (left, right) = pyplot().subplots(
        1, 2, figsize=(9, 3.6), width_ratios=(1.15, 1)
    )
    # Fixed margins: a layout that is computed takes a fifth of a lesson's time.
    fig.subplots_adjust(0.075, 0.14, 0.985, 0.83, wspace=0.23)
    draw_map(left, surface, minimum, box)
    floor = surface(torch.tensor(minimum, dtype=torch.float64))
    for name, path in paths.items():
        (line,) = left.plot(*path.T, ".-", markersize=3, linewidth=1, label=name)
        left.plot(*path[-1], "o", color=line.get_color(), markeredgecolor="white")
        heights = surface(path.double()) - floor
        right.plot(heights.clamp(min=1e-12), color=line.get_color(), label=name)
    right.set_yscale("log")
    start = next(iter(paths.values()))[0]
    left.plot(*start, "ks", markersize=5)
    left.annotate("start", start, (-4, 6), textcoords="offset points", ha="right")
    right.set(xlabel="step", title="height above the lowest point")
    right.legend(fontsize="small")
    fig.suptitle(title)
    fig.savefig(file)
    return fig


def draw_map(
    ax: Axes,
    surface: Surface = rosenbrock,
    minimum: Sequence[float] = (1.0, 1.0),
    box: tuple[float, float, float, float] = (-2.2, 2.2, -1.2, 3.2),
) -> None:
    """Draw a map of the surface with a star at its lowest point.

    :param box: what the map shows: w1 from, to, w2 from, to
    """
    w1 = torch.linspace(box[0], box[1], 300, dtype=torch.float64)
    w2 = torch.linspace(box[2], box[3], 300, dtype=torch.float64)
    points = torch.stack(torch.meshgrid(w1, w2, indexing="xy"), dim=-1)
    floor = surface(torch.tensor(minimum, dtype=torch.float64))
    height = (surface(points) - floor).clamp(min=1e-3).log10()
    bands = (height * 3).floor()  # three for each factor of ten
    ax.imshow(bands, "Greys_r", alpha=0.6, extent=box, origin="lower", aspect="auto")
    ax.plot(*minimum, "*", color="gold", markersize=14, markeredgecolor="black")
    ax.set(xlim=box[:2], ylim=box[2:], xlabel="$w_1$", ylabel="$w_2$")


def animate_paths(
    maps: dict[str, tuple[Surface, Sequence[float], dict[str, torch.Tensor]]],
    file: Path,
    box: tuple[float, float, float, float] = (-2.2, 2.2, -1.2, 3.2),
    every: int = 2,
) -> None:
    """Write an animated GIF of walks, on one map beside the other.

    :param maps: title to a surface, its lowest point, and the walks: name to path,
        (steps + 1, 2); all have the same steps, and the same names in each map
    :param every: show each second, third … step
    """
    fig, axes = pyplot().subplots(
        1, len(maps), figsize=(9, 4.2), layout="constrained", dpi=80
    )
    movers = []
    for ax, (title, (surface, minimum, walks)) in zip(axes, maps.items(), strict=True):
        draw_map(ax, surface, minimum, box)
        ax.set_title(title)
        for i, (name, path) in enumerate(walks.items()):
            color = f"C{i % 10}"
            (tail,) = ax.plot([], [], color=color, linewidth=1, animated=True)
            (head,) = ax.plot([], [], "o", color=color, mec="white", animated=True)
            movers.append((path, tail, head))
            ax.plot([], [], "o", color=color, label=name)
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5
    )
    fig.canvas.draw()
    background = fig.canvas.copy_from_bbox(fig.bbox)
    palette = _palette([head.get_color() for _path, _tail, head in movers] + ["gold"])
    steps, frames = len(movers[0][0]), []
    for step in sorted({*range(0, steps, every), steps - 1}):
        fig.canvas.restore_region(background)
        for path, tail, head in movers:
            tail.set_data(*path[max(0, step - 20) : step + 1].T)
            head.set_data(*path[step : step + 1].T)
            tail.axes.draw_artist(tail)
            head.axes.draw_artist(head)
        picture = Image.fromarray(np.array(fig.canvas.buffer_rgba())[..., :3])
        frames.append(picture.quantize(palette=palette, dither=Image.Dither.NONE))
    pauses = [80] * (len(frames) - 1) + [2000]  # milliseconds
    options = {"duration": pauses, "loop": 0, "optimize": False}
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], **options)
    write_whole(file, content.getvalue())
    pyplot().close(fig)


def _palette(colors: Sequence[str]) -> Image.Image:
    """Return a palette of greys and of these colors, pure and halfway to white."""
    from matplotlib.colors import to_rgb

    pure = [np.array(to_rgb(color)) for color in dict.fromkeys(colors)]
    greys = [np.full(3, level) for level in np.linspace(0, 1, 64)]
    entries = np.array([*greys, *pure, *((1 + color) / 2 for color in pure)])
    image = Image.new("P", (1, 1))
    image.putpalette((entries * 255).round().astype(np.uint8).tobytes())
    return image
