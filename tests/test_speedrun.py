"""speedrun.py learns, ends in time, repeats itself, and its parts do what they say."""

import argparse
import importlib.util
import itertools
import json

import pytest
import torch

from scripts import SPEEDRUN, must_run, refuses
from test_pace import Clock
from utils import (
    Pace,
    ablate,
    find_dataset,
    read_all,
    read_weights,
)

SMALL = ((8,), (16, 16), (16,))


@pytest.fixture(scope="module")
def speedrun():
    spec = importlib.util.spec_from_file_location("main_training_speedrun", SPEEDRUN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def digits(speedrun):
    return read_all(find_dataset("digits"), False)


def recipe_of(speedrun, **changes):
    plain = dict(half=None, compile=False, flip=None, batch=64)
    return {**speedrun.RECIPE, **plain, **changes}


def train(speedrun, digits, pace, seed=0, **changes):
    (images, labels), _, classes = digits
    recipe = recipe_of(speedrun, **changes)
    data = (images, labels, len(classes))
    return speedrun.train(data, SMALL, recipe, pace, seed)


# The whole script


def test_it_learns_the_digits(speedrun, digits):
    net = train(speedrun, digits, Pace(1, steps=60))
    _, (images, labels), _ = digits
    plain, viewed = speedrun.judge(net, images, labels, recipe_of(speedrun))
    assert plain > 0.9
    assert viewed > 0.9


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two seeds, and the second one again."""
    root = tmp_path_factory.mktemp("speedrun")
    options = ("--dataset", "digits", "--threads", 1, "--steps", 2, "--seed")
    out = must_run(SPEEDRUN, *options, 0, "--runs", 2, root=root)
    must_run(SPEEDRUN, *options, 1, "--name", "again", root=root)
    return root / "result/main_training/digits", out


def test_what_it_leaves(runs):
    folder, out = runs
    report = json.loads((folder / "speedrun/report.json").read_text())
    assert [run["seed"] for run in report["runs"]] == [0, 1]
    for run in report["runs"]:
        assert run["steps"] == 2
        assert run["curve"][-1] == [run["seconds"], run["plain"]]
    lines = out.splitlines()
    assert "1,618 images to train on, judged on 179 images kept from" in lines[0]
    assert lines[-2].startswith("mean of 2: ")
    names = {path.name for path in (folder / "speedrun").iterdir()}
    assert names == {"net_params.pt", "report.json", "seconds.png"}


def test_the_same_seed_gives_the_same_weights(runs):
    folder, _ = runs
    one, info = read_weights(folder / "speedrun/net_params.pt")
    two, _ = read_weights(folder / "again/net_params.pt")
    assert info["blocks"] == [[32, 32], [96, 96], [128, 128]]
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--budget", "0"], ["--budget 0", "above zero"]),
        (["--network", "huge"], "invalid choice: 'huge'"),
        (["--dataset", "."], "cifar10 or digits"),
        (["--device", "abacus"], "--device abacus"),
    ],
)
def test_bad_input_in_one_line(tmp_path, options, words):
    refuses(SPEEDRUN, *options, root=tmp_path, words=words)


def test_the_table_has_all_ideas(speedrun, digits, capsys):
    args = argparse.Namespace(budget=1, steps=1, seed=0, runs=1, device="cpu")
    (images, labels), test, classes = digits
    few = ((images[:64], labels[:64]), [part[:20] for part in test], classes)
    recipe = recipe_of(speedrun)
    table = ablate(few, SMALL, recipe, speedrun.run, speedrun.LEFT_OUT, args)
    rows = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    assert rows == ["nothing", *speedrun.LEFT_OUT, "test-time views"]
    assert capsys.readouterr().out == table
    changed = set().union(*speedrun.LEFT_OUT.values())
    assert changed < set(speedrun.RECIPE)
    for name, change in speedrun.LEFT_OUT.items():
        assert any(speedrun.RECIPE[k] != v for k, v in change.items()), name


# The clock


def test_stages_are_frozen_from_below(speedrun, digits):
    net = train(speedrun, digits, Pace(12, clock=Clock()))
    assert not any(p.requires_grad for p in net.stages[1].parameters())  # frozen
    assert net.head.weight.requires_grad


def test_the_watcher_is_called_nine_times(speedrun, digits):
    (images, labels), _, classes = digits
    data, calls = (images, labels, len(classes)), []
    speedrun.train(
        data,
        SMALL,
        recipe_of(speedrun),
        Pace(1, steps=20),
        watch=lambda net, seconds: calls.append(seconds),
    )
    assert len(calls) == 9
    assert calls == sorted(calls)


def test_a_longer_budget_takes_a_larger_network(speedrun, digits):
    (images, labels), _, classes = digits
    data, picked = (images, labels, len(classes)), []
    for budget in (1e-9, 1e9):
        pace = Pace(budget)
        recipe = recipe_of(speedrun)
        picked.append(speedrun.pick_network(data, recipe, pace, "cpu"))
    assert picked == [speedrun.NETWORKS["small"], speedrun.NETWORKS["large"]]


def test_picking_a_network_takes_no_more_than_its_share(speedrun, digits):
    (images, labels), _, classes = digits
    data = (images, labels, len(classes))
    for budget, steps in ((10, 1), (50, 3), (1000, 6)):
        clock = Clock()  # a step takes a second
        pace = Pace(budget, clock=clock)
        speedrun.pick_network(data, recipe_of(speedrun), pace, "cpu")
        assert clock.now == 2 + steps


# The batches


def numbered(count=6, side=8):
    """Images whose pixels are all different."""
    images = torch.arange(count * side * side * 3) % 251
    return images.view(count, side, side, 3).byte()


def test_a_crop_is_a_window_of_the_padded_image(speedrun):
    images = numbered()
    recipe = recipe_of(speedrun, padding=2, flip="random", grow=False, batch=6)
    batches = speedrun.Batches(images, torch.arange(6), recipe, 0, "cpu")
    padded = torch.nn.functional.pad(
        images.movedim(3, 1).float(), (2, 2, 2, 2), "reflect"
    )
    seen = set()
    for pixels, labels in itertools.islice(batches, 90):
        assert pixels.dtype == torch.uint8
        assert pixels.is_contiguous(memory_format=torch.channels_last)
        for image, label in zip(pixels, labels, strict=True):
            windows = {}
            for down, right in itertools.product(range(5), repeat=2):
                window = padded[label, :, down : down + 8]
                windows[down, right] = window[..., right : right + 8].byte()
                window = window.flip(-1)  # the mirror image, then its window
                windows[down, right, "turned"] = window[..., right : right + 8].byte()
            found = [k for k, v in windows.items() if torch.equal(v, image)]
            assert found
            seen.update(found)
    assert len(seen) == 50


def test_crops_grow_by_a_pixel_an_epoch(speedrun):
    images = numbered(300)
    recipe = recipe_of(speedrun, padding=2, batch=300)
    batches = speedrun.Batches(images, torch.arange(300), recipe, 0, "cpu")
    padded, furthest = speedrun.pad(images, 2).movedim(3, 1), []
    for pixels, labels in itertools.islice(batches, 4):
        seen = set()
        for image, label in zip(pixels, labels, strict=True):
            for down, right in itertools.product(range(5), repeat=2):
                window = padded[label, :, down : down + 8, right : right + 8]
                if torch.equal(window, image):
                    seen.add((down - 2, right - 2))
        furthest.append(max(max(map(abs, place)) for place in seen))
        assert len(seen) == (2 * furthest[-1] + 1) ** 2
    assert furthest == [0, 1, 2, 2]


def test_alternating_flips_show_both_sides_in_two_epochs(speedrun):
    images = numbered()
    recipe = recipe_of(speedrun, padding=0, flip="alternating", batch=6)
    batches = speedrun.Batches(images, torch.arange(6), recipe, 0, "cpu")
    epochs = [
        dict(zip(labels.tolist(), pixels, strict=True))
        for pixels, labels in itertools.islice(batches, 4)
    ]
    turned = 0
    for k in range(6):
        assert torch.equal(epochs[0][k], epochs[1][k].flip(-1))
        assert torch.equal(epochs[0][k], epochs[2][k])
        assert torch.equal(epochs[1][k], epochs[3][k])
        turned += not torch.equal(epochs[0][k], images[k].movedim(2, 0))
    assert 0 < turned < 6


def test_each_image_once_an_epoch(speedrun):
    recipe = recipe_of(speedrun, batch=4)
    batches = speedrun.Batches(numbered(9), torch.arange(9), recipe, 0, "cpu")
    for _ in range(3):
        epoch = itertools.islice(batches, 2)
        labels = torch.cat([labels for _, labels in epoch])
        assert len(set(labels.tolist())) == 8


# The network and the optimizer


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (9, 9)])
def test_orthogonal_against_the_singular_values(speedrun, shape):
    torch.manual_seed(0)
    u, s, vt = torch.linalg.svd(torch.randn(shape).double(), full_matrices=False)
    matrix = u @ torch.diag(s.clamp(min=s[0] / 3)) @ vt
    result = speedrun.orthogonal(matrix, steps=5)
    values = torch.linalg.svdvals(result)
    assert result.dtype == matrix.dtype
    assert 0.65 < values.min() <= values.max() < 1.25
    within = u.T @ result @ vt.T  # diagonal: the singular vectors are kept
    assert (within - torch.diag(within.diag())).abs().max() < 1e-6
    by_hand = s.clamp(min=s[0] / 3)
    by_hand = by_hand / by_hand.norm()
    for _ in range(5):
        by_hand = 3.4445 * by_hand - 4.775 * by_hand**3 + 2.0315 * by_hand**5
    assert torch.allclose(within.diag(), by_hand, atol=1e-5)


def test_muon_by_hand(speedrun):
    torch.manual_seed(0)
    w = torch.nn.Parameter(torch.randn(4, 3, 3, 3))
    optimizer, by_hand, b = speedrun.Muon([w], 0.1), w.detach().clone(), 0
    for _ in range(3):
        w.grad = torch.randn(4, 3, 3, 3)
        b = 0.8 * b + w.grad
        update = speedrun.orthogonal((w.grad + 0.8 * b).view(4, 27)).view_as(w)
        by_hand = by_hand * 2 / by_hand.norm() - 0.1 * update
        optimizer.step()
    assert torch.allclose(w, by_hand, atol=1e-6)


def test_whitened_patches_are_uncorrelated(speedrun):
    torch.manual_seed(0)
    images = torch.randn(50, 3, 16, 16).cumsum(-1).cumsum(-2) + torch.randn(50, 3, 1, 1)
    filters = speedrun.whitening(images, 24)
    assert torch.equal(filters[:12], -filters[12:])
    out = torch.nn.functional.conv2d(images, filters[:12]).movedim(1, 0).flatten(1)
    assert torch.allclose(out @ out.T / out.shape[1], torch.eye(12), atol=0.05)


def test_the_views_by_hand(speedrun):
    image = numbered(1, 4)
    seen = list(speedrun.views(image, True))
    assert sum(weight for _, weight in seen) == 1
    assert [weight for _, weight in seen] == [0.25, 0.25, 0.125, 0.125, 0.125, 0.125]
    assert torch.equal(seen[0][0], image)
    assert torch.equal(seen[2][0][:, 1:, 1:], image[:, :-1, :-1])
    assert torch.equal(seen[4][0][:, :-1, :-1], image[:, 1:, 1:])
    for (window, _), (mirrored, _) in zip(seen[::2], seen[1::2], strict=True):
        assert torch.equal(window.flip(2), mirrored)
    alone = list(speedrun.views(image, False))
    assert [weight for _, weight in alone] == [0.5, 0.25, 0.25]


def test_the_work_of_a_network(speedrun):
    blocks = ((4,), (6, 8))
    net = speedrun.Net(blocks, 3, numbered(20, 32), recipe_of(speedrun))
    counted = []
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda conv, _, out: counted.append(
                    conv.weight.numel() * out.shape[-1] * out.shape[-2]
                )
            )
    net(numbered(1, 32).movedim(3, 1))
    assert speedrun.work(blocks) == sum(counted)


def test_warm_up_leaves_the_weights_as_they_were(speedrun, digits, monkeypatch, capsys):
    (images, labels), _, _ = digits
    recipe, compiled = recipe_of(speedrun), []
    monkeypatch.setattr(speedrun.Net, "compile", lambda net: compiled.append(net))
    net = speedrun.Net(SMALL, 10, images[:100], recipe)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    batches = speedrun.Batches(images, labels, recipe, 0, "cpu")
    speedrun.warm_up(net, batches, recipe)
    assert compiled == [net]
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert "compile and warm-up" in capsys.readouterr().out
