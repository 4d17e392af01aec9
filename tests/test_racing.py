"""The speedrun's command line: settings, seeds, tables and what is left on the disk."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from utils import BadInput, ablate, find_dataset, prepare, race, racing, read_all

NETWORKS = {"small": ((8,),), "large": ((16,), (32,))}
RECIPE = dict(half=True, flip="alternating", freeze=(0.1,), batch=4, padding=2)


@pytest.fixture
def results(monkeypatch, tmp_path):
    """Results go to a folder of the test; what concerns the process is only noted."""
    monkeypatch.setattr(prepare, "RESULT_ROOT", tmp_path)
    monkeypatch.delenv("TUTORIAL_DATASET", raising=False)
    noted = SimpleNamespace(root=tmp_path, threads=[], kept=0)

    def keep():
        noted.kept += 1

    monkeypatch.setattr(torch, "set_num_threads", noted.threads.append)
    monkeypatch.setattr(racing, "keep_memory", keep)
    monkeypatch.setattr(racing, "half_precision", lambda device: torch.bfloat16)
    return noted


def start(monkeypatch, *options):
    """Race with a training that only notes what it gets; return the notes."""
    calls = []

    def run(data, blocks, recipe, pace, seed, device, looks=True):
        calls.append(SimpleNamespace(**locals()))
        plain, seconds = 0.5 + seed / 100, 2.0 + seed
        result = dict(seed=seed, seconds=seconds, steps=7, epochs=seed + 0.25)
        result |= dict(plain=plain, views=plain + 0.1, blocks=blocks or [[24]])
        result["curve"] = [(1.0, 0.25), (seconds, plain)]
        net = nn.Linear(1, 1, bias=False)
        nn.init.constant_(net.weight, seed)
        return result, net

    monkeypatch.setattr(sys, "argv", ["speedrun.py", *map(str, options)])
    left_out = {"crops": dict(padding=0), "two ideas": dict(flip=None, batch=2)}
    race("speedrun · 竞速\n=====\n\nText.", run, NETWORKS, RECIPE, left_out)
    return calls


def cifar10(archive):
    """Two batches to train on and one of test images, as an archive has them."""
    for k, (part, count) in enumerate((("train", 3), ("train", 2), ("test", 4))):
        images = torch.full((count, 32, 32, 3), 10 * k, dtype=torch.uint8).numpy()
        yield part, ["cat", "dog"], images, [k % 2] * count


def test_every_seed_is_trained_and_reported(results, monkeypatch, capsys):
    options = ("--dataset", "digits", "--seed", 3, "--runs", 2, "--budget", 5)
    calls = start(monkeypatch, *options, "--threads", 2, "--name", "mine")
    assert [call.seed for call in calls] == [3, 4]
    for call in calls:
        assert (call.pace.budget, call.pace.steps) == (5, None)
        assert (call.blocks, call.looks) == (None, True)
        assert call.device == torch.device("cpu")
        assert [len(part[0]) for part in call.data[:2]] == [1618, 179]
        assert call.data[2] == [str(digit) for digit in range(10)]
    assert calls[0].pace is not calls[1].pace
    assert (results.threads, results.kept) == ([2], 1)

    out = results.root / "main_training/digits/mine"
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "digits: 1,618 images to train on, judged on 179 images kept from training; "
        "cpu, torch.bfloat16",
        "seed 3: 3.25 epochs in 5.0 s, 53.00% plain, 63.00% with views, blocks [[24]]",
        "seed 4: 4.25 epochs in 6.0 s, 54.00% plain, 64.00% with views, blocks [[24]]",
        "mean of 2: 53.50% plain, 63.50% with views",
        f"look at {out}",
    ]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [run["seed"] for run in report["runs"]] == [3, 4]
    assert report["mean"] == pytest.approx({"plain": 0.535, "views": 0.635})
    assert report["settings"] == {
        **RECIPE,
        "half": "torch.bfloat16",
        "freeze": [0.1],
        "flip": None,  # a mirrored 2 is none
        "compile": False,
        "threads": 2,
    }
    saved = torch.load(out / "net_params.pt")
    assert saved["net"]["weight"].item() == 4  # of the last seed
    assert saved["info"] == {"classes": calls[0].data[2], "blocks": [[24]]}
    names = {path.name for path in out.iterdir()}
    assert names == {"net_params.pt", "report.json", "seconds.png"}


def test_what_nobody_asks_for(results, monkeypatch, capsys):
    asked = []

    def fetched(data):
        asked.append(data.name)

    monkeypatch.setattr(racing, "fetch_archive", fetched)
    monkeypatch.setattr(racing, "read_batches", cifar10)
    monkeypatch.setattr(racing.os, "cpu_count", lambda: 6)
    (call,) = start(monkeypatch)
    assert (call.seed, call.pace.budget, call.pace.steps) == (0, 60, None)
    assert (results.threads, asked) == ([6], ["cifar10"])
    settings = {**RECIPE, "half": torch.bfloat16, "compile": False}
    assert call.recipe == settings  # and RECIPE itself is as it was
    assert (RECIPE["half"], "compile" in RECIPE) == (True, False)
    out = capsys.readouterr().out
    assert out.startswith("cifar10: 5 images to train on, judged on 4 test images; cpu")
    assert (results.root / "main_training/cifar10/speedrun/report.json").is_file()
    monkeypatch.setattr(racing.os, "cpu_count", lambda: None)
    start(monkeypatch, "--validate")
    assert results.threads == [6, 1]
    assert "judged on 0 images kept from training" in capsys.readouterr().out
    monkeypatch.setenv("TUTORIAL_DATASET", "digits")
    start(monkeypatch)
    assert asked == ["cifar10", "cifar10", "digits"]


def test_what_the_options_change(results, monkeypatch):
    options = ("--dataset", "digits", "--steps", 9)
    (call,) = start(monkeypatch, *options)
    assert call.pace.steps == 9
    assert call.blocks == NETWORKS["small"]  # a clock would give other weights
    (call,) = start(monkeypatch, *options, "--network", "large", "--compile")
    assert call.blocks == NETWORKS["large"]
    assert (call.recipe["compile"], call.recipe["freeze"]) == (True, ())
    monkeypatch.setitem(RECIPE, "half", None)
    (call,) = start(monkeypatch, *options)
    assert call.recipe["half"] is None


def test_ideas_are_left_out_one_at_a_time(results, monkeypatch, capsys):
    options = ("--dataset", "digits", "--ablate", "--runs", 2)
    calls = start(monkeypatch, *options)
    assert [(c.recipe["padding"], c.recipe["batch"]) for c in calls] == [
        *[(2, 4)] * 2,
        *[(0, 4)] * 2,
        *[(2, 2)] * 2,
    ]
    assert [call.seed for call in calls] == [0, 1] * 3
    assert calls[0].blocks is None  # the clock decides,
    assert {str(call.blocks) for call in calls[1:]} == {"[[24]]"}  # once for all
    assert not any(call.looks for call in calls)
    out = results.root / "main_training/digits/speedrun"
    table = (out / "ablation.md").read_text(encoding="utf-8")
    assert [path.name for path in out.iterdir()] == ["ablation.md"]
    assert table.splitlines() == [
        "| left out | epochs | plain, % | views, % | it buys |",
        "|---|---|---|---|---|",
        "| nothing | 0.8 | 50.50 | 60.50 | +0.00 |",
        "| crops | 0.8 | 50.50 | 60.50 | +0.00 |",
        "| two ideas | 0.8 | 50.50 | 60.50 | +0.00 |",
        "| test-time views | | 50.50 | | +10.00 |",
    ]
    assert table in capsys.readouterr().out


def test_what_an_idea_buys_is_what_is_lost_without_it():
    shares = iter([0.75, 0.5, 0.8])

    def run(data, blocks, recipe, pace, seed, device, looks):
        plain = next(shares)
        return dict(epochs=1, plain=plain, views=plain, blocks=[[8]]), None

    args = SimpleNamespace(budget=1, steps=None, seed=0, runs=1, device="cpu")
    table = ablate(None, None, {}, run, {"good": {}, "bad": {}}, args)
    bought = [row.split("|")[-2].strip() for row in table.splitlines()[2:5]]
    assert bought == ["+0.00", "+25.00", "-5.00"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--budget", "inf"], "--budget inf: give a number of seconds above zero"),
        (["--budget", "-1"], "--budget -1: give"),
        (["--budget", "nan"], "--budget nan: give"),
        (["--runs", "0"], "--runs, --threads, --steps: give at least 1"),
        (["--threads", "0"], "--runs, --threads, --steps: give at least 1"),
        (["--steps", "0"], "give at least 1"),
        (["--name", "a b"], "--name a b: give letters"),
        (["--name", ".a"], "--name .a: give letters"),
        (["--name", "../x"], "--name ../x: give letters"),
        (["--name", "default"], "which is main.py's"),
    ],
)
def test_options_that_make_no_sense(results, monkeypatch, options, line):
    with pytest.raises(BadInput, match=line):
        start(monkeypatch, "--dataset", "digits", *options)
    assert list(results.root.iterdir()) == []


def test_the_kept_images_are_the_others(monkeypatch):
    digits = find_dataset("digits")
    (images, labels), (kept, theirs), classes = read_all(digits, True)
    assert (len(images), len(kept), len(classes)) == (1618, 179, 10)
    assert (len(labels), len(theirs)) == (1618, 179)
    again = read_all(digits, False)  # they have no test images: the same are kept
    assert torch.equal(images, again[0][0]) and torch.equal(kept, again[1][0])

    def numbered(archive):
        for part, first, count in (
            ("train", 0, 30),
            ("train", 30, 25),
            ("test", 90, 5),
        ):
            numbers = torch.arange(first, first + count)
            pixels = numbers.view(-1, 1, 1, 1).byte().expand(-1, 32, 32, 3)
            yield part, ["a"], pixels.numpy(), numbers.tolist()

    monkeypatch.setattr(racing, "fetch_archive", lambda data: None)
    monkeypatch.setattr(racing, "read_batches", numbered)
    cifar = find_dataset("cifar10")
    (images, labels), (kept, theirs), _ = read_all(cifar, True)
    assert (len(labels), len(theirs)) == (50, 5)
    assert sorted([*labels.tolist(), *theirs.tolist()]) == list(range(55))
    assert sorted(theirs.tolist()) != theirs.tolist()  # in a random order
    assert torch.equal(images[:, 0, 0, 0].long(), labels)
    assert torch.equal(kept[:, 0, 0, 0].long(), theirs)
    (_, labels), (_, theirs), _ = read_all(cifar, False)
    assert labels.tolist() == list(range(55))
    assert theirs.tolist() == list(range(90, 95))


def test_the_picture_shows_each_run(tmp_path):
    results = [
        dict(seed=seed, curve=[(1, 0.25), (2 + seed, 0.5)], views=0.5 + seed / 10)
        for seed in (0, 1)
    ]
    fig = racing.draw_seconds(results, tmp_path / "seconds.png", "a title")
    assert (tmp_path / "seconds.png").stat().st_size > 0
    (ax,) = fig.axes
    assert (ax.get_title(), ax.get_ylabel()) == ("a title", "accuracy, %")
    assert ax.get_xlabel() == "seconds of training"
    drawn = [[list(xy) for xy in line.get_xydata()] for line in ax.lines]
    assert drawn[:2] == [[[1, 25], [2, 50]], [[2, 50]]]
    assert drawn[2:] == [[[1, 25], [3, 50]], [[3, 60]]]
    assert ax.lines[0].get_color() == ax.lines[1].get_color()
    assert ax.lines[0].get_color() != ax.lines[2].get_color()
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["seed 0, dot: with views", "seed 1, dot: with views"]
