"""The valley that the optimizer lessons walk down."""

import pytest
import torch
from torch import optim

from utils import animate_paths, descend, descend_by_hand, draw_paths, rosenbrock


def bowl(w):
    return (w**2).sum(-1)


def test_rosenbrock():
    assert rosenbrock(torch.tensor([1.0, 1.0])) == 0
    assert rosenbrock(torch.tensor([-1.2, 1.0])).item() == pytest.approx(24.2)
    grid = torch.zeros(3, 4, 2)
    assert torch.equal(rosenbrock(grid), torch.ones(3, 4))


def test_both_ways_down_a_bowl():
    by_hand = descend_by_hand(lambda w, g: w - 0.25 * g, steps=3, surface=bowl)
    expected = torch.tensor([[-1.2, 1.0]]) * torch.tensor([[1], [0.5], [0.25], [0.125]])
    assert torch.allclose(by_hand, expected)
    by_torch = descend(lambda w: optim.SGD(w, lr=0.25), steps=3, surface=bowl)
    assert torch.equal(by_hand, by_torch)
    assert by_hand.dtype == by_torch.dtype == torch.float32


def test_the_gradient_is_that_of_the_surface():
    path = descend(lambda w: optim.SGD(w, lr=1e-3), steps=1)
    slope = torch.tensor([-215.6, -88.0])  # of Rosenbrock's valley at the start
    assert torch.allclose((path[0] - path[1]) / 1e-3, slope, rtol=1e-4)


def test_sparse_gradients():
    def make(w):
        return optim.SparseAdam(w, lr=0.1)

    assert descend(make, steps=2, sparse=True).shape == (3, 2)
    with pytest.raises(RuntimeError, match="dense gradients"):
        descend(make, steps=2)


def test_start_and_closure():
    path = descend(lambda w: optim.LBFGS(w), steps=2, start=(3.0, -2.0), surface=bowl)
    assert path[0].tolist() == [3, -2]
    assert torch.allclose(path[-1], torch.zeros(2), atol=1e-6)


def test_draws(tmp_path):
    paths = {"a": descend_by_hand(lambda w, g: w - 1e-3 * g, steps=5)}
    fig = draw_paths(paths, "a title", tmp_path / "paths.png")
    assert (tmp_path / "paths.png").stat().st_size > 0
    assert fig.get_suptitle() == "a title"
    assert fig.axes[0].lines[0].get_xydata().tolist() == [[1, 1]]  # the lowest point
    heights = fig.axes[1].lines[0].get_ydata()
    assert heights[0] == pytest.approx(24.2)
    assert len(heights) == 6


def test_animates(tmp_path):
    from PIL import Image

    steps = torch.linspace(0, 1, 10)  # wide: frames that look alike become one
    path = torch.stack([2 * steps - 1, steps**2], 1)
    walks = {"red one": path, "another": path.flip(0)}
    maps = {
        "left": (rosenbrock, (1.0, 1.0), walks),
        "right": (bowl, (0.0, 0.0), walks),
    }
    animate_paths(maps, tmp_path / "walks.gif", every=3)
    with Image.open(tmp_path / "walks.gif") as animation:
        assert animation.n_frames == 4  # steps 0, 3, 6, 9
        frames = []
        for i in range(4):
            animation.seek(i)
            frames.append(animation.convert("RGB").tobytes())
        wait = (animation.info["duration"], animation.info["loop"])
    assert len(set(frames)) == 4
    assert wait == (2000, 0)  # the last one stays a while; without end
    pixels = {frames[0][i : i + 3] for i in range(0, len(frames[0]), 3)}
    assert bytes([31, 119, 180]) in pixels  # tab:blue, the first walk's color, as it is
