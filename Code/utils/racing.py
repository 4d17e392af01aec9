"""The command line of ``speedrun.py``: its data, its seeds, its tables and reports."""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from utils.archive import fetch_archive, read_batches
from utils.console import BadInput
from utils.images import pyplot
from utils.pace import Pace, half_precision, keep_memory
from utils.paths import write_whole
from utils.prepare import DataSet, arguments, only_one, weights_path
from utils.train import pick_device, save_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def race(
    doc: str, run: Callable, networks: dict, recipe: dict, left_out: dict[str, dict]
) -> None:
    """Do what the command line says: train, judge, and leave everything in its place.

    :param doc: the script's docstring, for ``--help``
    :param run: ``run(data, blocks, recipe, pace, seed, device, looks)`` trains once and
        returns a report (a dict) and the network
    :param networks: what ``--network`` may name
    :param recipe: the settings; ``half`` and ``compile`` are set here
    :param left_out: what ``--ablate`` changes in the recipe, by name
    :raises BadInput: an option that makes no sense, data that can't be read
    """
    args = _read_arguments(doc, networks)
    recipe = {**recipe, "compile": args.compile}
    recipe["half"] = half_precision(args.device) if recipe["half"] else None
    if args.compile:
        recipe["freeze"] = ()  # each change would be compiled anew, by the clock
    if args.dataset.name == "digits":
        recipe["flip"] = None  # a mirrored 2 is none
    keep_memory()
    torch.set_num_threads(args.threads)
    data = read_all(args.dataset, args.validate)
    official = args.dataset.name == "cifar10" and not args.validate
    kind = "test images" if official else "images kept from training"
    print(
        f"{args.dataset.name}: {len(data[0][0]):,} images to train on, judged on "
        f"{len(data[1][0]):,} {kind}; {args.device}, {recipe['half'] or torch.float32}"
    )
    out = weights_path(args.dataset, args.name).parent
    blocks = networks.get(args.network)
    with only_one(out):
        if args.ablate:
            table = ablate(data, blocks, recipe, run, left_out, args)
            write_whole(out / "ablation.md", table)
        else:
            _train_seeds(data, blocks, recipe, run, args, out)
    print(f"look at {out}")


def _train_seeds(data, blocks, recipe, run, args, out: Path) -> None:
    """Train with each seed; write the report, the picture and the last weights."""
    results = []
    for seed in range(args.seed, args.seed + args.runs):
        pace = Pace(args.budget, args.steps)
        result, net = run(data, blocks, recipe, pace, seed, args.device)
        results.append(result)
        print(
            "seed {seed}: {epochs:.2f} epochs in {seconds:.1f} s, {plain:.2%} plain"
            ", {views:.2%} with views, blocks {blocks}".format(**result),
            flush=True,
        )
    mean = {k: statistics.mean(r[k] for r in results) for k in ("plain", "views")}
    text = "{plain:.2%} plain, {views:.2%} with views".format(**mean)
    print(f"mean of {args.runs}: {text}")
    settings = {**recipe, "half": str(recipe["half"]), "threads": args.threads}
    report = dict(settings=settings, mean=mean, runs=results)
    write_whole(out / "report.json", json.dumps(report, indent=1) + "\n")
    draw_seconds(results, out / "seconds.png", f"{args.dataset.name}: {text}")
    info = dict(classes=data[2], blocks=results[-1]["blocks"])
    save_weights(out / "net_params.pt", net, info)


def ablate(data, blocks, recipe, run, left_out, args) -> str:
    """Train with all ideas, then without each; return the table as Markdown."""
    rows = ["| left out | epochs | plain, % | views, % | it buys |", "|" + 5 * "---|"]
    print(*rows, sep="\n")
    whole = None
    for name, change in {"nothing": {}, **left_out}.items():
        results = []
        for seed in range(args.seed, args.seed + args.runs):
            pace, changed = Pace(args.budget, args.steps), {**recipe, **change}
            result, _ = run(data, blocks, changed, pace, seed, args.device, False)
            results.append(result)
            blocks = result["blocks"]  # all have the network of the first
        keys = ("epochs", "plain", "views")
        epochs, plain, viewed = (statistics.mean(r[k] for r in results) for k in keys)
        whole = whole or (plain, viewed)
        row = f"| {name} | {epochs:.1f} | {100 * plain:.2f} | {100 * viewed:.2f} |"
        rows.append(f"{row} {100 * (whole[0] - plain):+.2f} |")
        print(rows[-1], flush=True)
    plain, viewed = whole
    gain = f"{100 * plain:.2f} | | {100 * (viewed - plain):+.2f} |"
    rows.append(f"| test-time views | | {gain}")
    print(rows[-1])
    return "\n".join([*rows, ""])


def read_all(data: DataSet, validate: bool) -> tuple[list, list, list[str]]:
    """Return uint8 images (N, H, W, 3) and labels to train on, to judge, and classes.

    CIFAR-10's test images are the official ones. With ``validate``, or where there are
    none, every tenth image, in a fixed random order, is kept from training instead.

    :raises BadInput: there is no archive, or it can't be read
    """
    if data.archive is None:
        raise BadInput(f"{data.given}: the speedrun reads archives: cifar10 or digits")
    fetch_archive(data)
    parts = {"train": [], "test": []}
    for part, names, images, labels in read_batches(data.archive):
        classes = names
        parts[part].append((torch.tensor(images), torch.tensor(labels)))
    train, test = (
        [torch.cat(tensors) for tensors in zip(*batches, strict=True)]
        for batches in parts.values()
    )
    if validate or not test:
        generator = torch.Generator().manual_seed(0)
        order = torch.randperm(len(train[0]), generator=generator)
        kept, rest = order.split([len(order) // 10, len(order) - len(order) // 10])
        train, test = [x[rest] for x in train], [x[kept] for x in train]
    return train, test, classes


def draw_seconds(results: list[dict], path: Path, title: str) -> Figure:
    """Draw the accuracy of each run over its seconds; return the figure.

    :param results: for each run ``seed``, ``curve``: (seconds, accuracy) pairs, and
        ``views``: the accuracy with test-time views
    """
    fig, ax = pyplot().subplots(figsize=(6, 3.5), layout="constrained")
    for result in results:
        seconds, shares = zip(*result["curve"], strict=True)
        label = f"seed {result['seed']}, dot: with views"
        (drawn,) = ax.plot(seconds, [100 * share for share in shares], label=label)
        ax.plot(seconds[-1], 100 * result["views"], "o", color=drawn.get_color())
    ax.set(xlabel="seconds of training", ylabel="accuracy, %", title=title)
    ax.legend(loc="lower right")
    fig.savefig(path)
    return fig


def _read_arguments(doc: str, networks: dict) -> argparse.Namespace:
    """Return what the command line says.

    :raises BadInput: a value that makes no sense
    """
    parser = arguments(doc)
    add = parser.add_argument
    add("--budget", type=float, default=60, metavar="SECONDS", help="of training")
    add("--seed", type=int, default=0, metavar="N")
    add("--runs", type=int, default=1, metavar="N", help="with seeds from --seed on")
    add("--steps", type=int, metavar="N", help="so many, whatever time they take")
    add("--network", choices=networks, help="default: what the budget allows")
    add("--validate", action="store_true", help="judge on a tenth of the training set")
    add("--ablate", action="store_true", help="leave out one idea at a time")
    add("--compile", action="store_true", help="by torch.compile; for GPUs")
    add("--device", help="cpu, cuda … (default: the fastest)")
    add("--threads", type=int, default=os.cpu_count() or 1, help="default: all cores")
    add("--name", default="speedrun", help="of the folder below main_training/")
    if "TUTORIAL_DATASET" not in os.environ:
        parser.set_defaults(dataset="cifar10")
    args = parser.parse_args()
    if not 0 < args.budget < float("inf"):
        raise BadInput(f"--budget {args.budget:g}: give a number of seconds above zero")
    if min(args.runs, args.threads, 1 if args.steps is None else args.steps) < 1:
        raise BadInput("--runs, --threads, --steps: give at least 1")
    if not re.fullmatch(r"[\w-][\w.-]*", args.name) or args.name == "default":
        raise BadInput(
            f"--name {args.name}: give letters, digits, '-', '_' and '.' only, and not "
            "'default', which is main.py's"
        )
    if args.steps and not args.network:
        args.network = "small"  # a clock would give other weights on other days
    args.device = pick_device(args.device)
    return args
