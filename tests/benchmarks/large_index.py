"""What does an index of a million images cost, in seconds and in memory?

    python tests/benchmarks/large_index.py [--rounds 5] [--starts fork spawn]

Opens indices of 10,000 to 1.3 million lines, ImageNet's number, once as the list of
(path, label) that many programs keep, and once in flat arrays, as ``MyDataset`` does;
each time in a fresh process. Then each of eight workers of a DataLoader, forked (as on
Linux) or spawned (as on Windows; slow), looks at every line, and the memory is counted
that they do not share. Prints the medians and draws them into
Result/benchmarks/large_index.png. On Linux, best on an idle machine; needs no data set.
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

COUNTS = (10_000, 100_000, 1_000_000, 1_300_000)
FEW = 100  # lines: the workers' own memory with so few is not counted
GOAL = {"seconds": 3, "peak": 250}  # for the last count
KINDS = {"tuples": "list of tuples", "flat": "flat arrays"}
STARTS = {"fork": "forked", "spawn": "spawned"}
WORKERS, BATCH = 8, 10_000


def write_index(path, count):
    """Write lines like ``train/n01440764/n01440764_10026.JPEG<TAB>0``, 1000 classes."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for i in range(count):
            label = 1000 * i // count
            name = f"n{1_440_764 + 13_037 * label:08}"
            file.write(f"train/{name}/{name}_{7919 * i % 100_000}.JPEG\t{label}\n")


class Tuples:
    """The usual Dataset: a list of samples; without the images."""

    def __init__(self, index):
        home, self.samples = str(index.parent), []
        for line in index.read_text(encoding="utf-8").splitlines():
            path, tab, label = line.rpartition("\t")
            if not (tab and path and label.isascii() and label.isdecimal()):
                raise ValueError(line)
            self.samples.append((os.path.join(home, path), int(label)))  # noqa: PTH118

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        path, label = self.samples[i]
        return len(path) + label


class Flat:
    """What ``MyDataset`` keeps; without the images."""

    def __init__(self, index):
        from utils import read_index

        self.paths, self.labels = read_index(index)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return len(self.paths[i]) + self.labels[i]


class Batches:
    """A batch sampler by which each of the workers gets all lines."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        for start in range(0, self.count, BATCH):
            for _ in range(WORKERS):  # the loader deals batches out in turn
                yield range(start, min(start + BATCH, self.count))


def opening(kind, index):
    """Return how long an index takes to open here, and how many MB it needs at most."""
    import utils.index  # noqa: F401 (imports are not counted)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    kind(index)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "peak": peak / 1024}


def working(kind, index, start):
    """Return the MB that eight workers do not share once each has seen every line."""
    from torch.utils.data import DataLoader

    import utils.dataset  # noqa: F401 (by which spawned workers share)

    dataset = kind(index)
    loader = DataLoader(
        dataset,
        batch_sampler=Batches(len(dataset)),
        num_workers=WORKERS,
        persistent_workers=True,
        multiprocessing_context=start,
        collate_fn=len,
    )
    if sum(loader) != WORKERS * len(dataset):
        raise RuntimeError("the workers left lines out")
    own = 0
    for child in multiprocessing.active_children():
        text = Path(f"/proc/{child.pid}/smaps_rollup").read_text()
        own += int(re.search(r"Private_Dirty: +(\d+)", text)[1])
    return {start: own / 1024}


def afresh(*args):
    """Return what another process of this script measures."""
    command = [sys.executable, "-W", "ignore", __file__, "--measure", *map(str, args)]
    return json.loads(subprocess.run(command, check=True, stdout=-1).stdout)


def measure(count, rounds, starts):
    """Return {kind: {quantity: median}} for an index of so many lines."""
    found = {kind: {} for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "train.txt")
        write_index(index, count)
        measured = [("open",)] * rounds + [("work", start) for start in starts]
        for what, *start in measured:
            for kind in KINDS:
                for name, value in afresh(what, kind, index, *start).items():
                    found[kind].setdefault(name, []).append(value)
    return {
        kind: {name: statistics.median(values) for name, values in quantities.items()}
        for kind, quantities in found.items()
    }


def draw(found, path):
    """Draw {kind: {quantity: [a value for each count]}}, counts logarithmic."""
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    titles = (
        "seconds to open it",
        "MB at most, to open it",
        "MB not shared, 8 workers",
    )
    for ax, title in zip(axes, titles, strict=True):
        ax.set(title=title, xlabel="lines of the index", xscale="log")
        ax.grid(color="0.9")
    for kind, color in zip(KINDS, ("tab:red", "tab:blue"), strict=True):
        values, label = found[kind], KINDS[kind]
        for ax, name in zip(axes, GOAL, strict=False):
            ax.plot(COUNTS, values[name], "o-", color=color, label=label)
        for start in [start for start in STARTS if start in values]:
            name, line = f"{label}, {STARTS[start]}", "o-" if start == "fork" else "s--"
            axes[2].plot(COUNTS, values[start], line, color=color, label=name)
    for ax, value in zip(axes, GOAL.values(), strict=False):
        ax.plot(COUNTS[-1], value, "kv", label="goal: below")
        ax.set_yscale("log")
    axes[2].set_yscale("symlog")  # a few pages more or less: also 0
    for ax in axes:
        ax.legend()
    fig.suptitle("An index of many images: ImageNet has 1.3 million")
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path)


def main():
    """Measure, print a line for each count and kind, draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", nargs="+", choices=STARTS, default=["fork"])
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        what, kind, index, *start = args.measure
        take = {"open": opening, "work": working}[what]
        kind = {"tuples": Tuples, "flat": Flat}[kind]
        print(json.dumps(take(kind, Path(index), *start)))
        return
    base, found = measure(FEW, 1, args.starts), {kind: {} for kind in KINDS}
    for count in COUNTS:
        for kind, values in measure(count, args.rounds, args.starts).items():
            for start in args.starts:
                values[start] -= base[kind][start]
            for name, value in values.items():
                found[kind].setdefault(name, []).append(value)
            line = f"{count:9,} lines, {KINDS[kind]:14} {values['seconds']:6.2f} s, "
            line += f"at most {values['peak']:5.1f} MB; {WORKERS} workers' own:"
            own = (f" {values[start]:6.1f} MB {STARTS[start]}" for start in args.starts)
            print(line + ",".join(own), flush=True)
    print(f"load of the last minute: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    from utils import RESULT_ROOT

    draw(found, RESULT_ROOT / "benchmarks" / "large_index.png")


if __name__ == "__main__":
    main()
