r"""
loader_speed · 读取图片的速度
=============================

How long a training image takes: each step on its way, and all of them together.

Prints lines of JSON. First the steps: the ``microseconds`` an image of the fastest of
three rounds, its file being in the system's memory. Then the ways to load the set,
DataLoader with 0, 2 or other numbers of worker processes, and BatchLoader from memory:
the seconds to the first batch (``start``), and ``images_per_second`` from then on.

Lesson 1.4 starts it as a process of its own, because worker processes import the script
that starts them: what they must not do stands behind ``if __name__ == "__main__"``.
"""

import io
import itertools
import json
import sys
import time
import timeit
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    BadInput,
    BatchLoader,
    MyDataset,
    arguments,
    load_all,
    needs,
    pick_device,
)


def measure_steps(paths, transform, device):
    """Print the microseconds an image of each step, from the paths to a moved batch."""
    wait = (lambda: None) if device.type == "cpu" else torch.accelerator.synchronize
    steps = {
        "read": lambda paths: [Path(path).read_bytes() for path in paths],
        "decode": lambda files: [
            Image.open(io.BytesIO(file)).convert("RGB") for file in files
        ],
        "transform": lambda images: [(transform(image), 0) for image in images],
        "collate": default_collate,
        "move": lambda batch: (batch[0].to(device), wait()),
    }
    result = paths
    for name, step in steps.items():
        seconds = min(timeit.repeat(partial(step, result), number=1, repeat=3))
        found = {"step": name, "microseconds": round(1e6 * seconds / len(paths), 2)}
        print(json.dumps(found), flush=True)
        result = step(result)


def measure_way(name, make_loader, seconds):
    """Print how fast the loader is that ``make_loader()`` returns."""
    begin = time.perf_counter()
    loader = make_loader()
    batches = itertools.chain.from_iterable(itertools.repeat(loader))  # without end
    next(batches)
    start, count = time.perf_counter(), 0
    while (now := time.perf_counter()) < start + seconds:
        count += len(next(batches)[1])
    found = {"way": name, "start": round(start - begin, 2)}
    found["images_per_second"] = round(count / (now - start))
    print(json.dumps(found), flush=True)


def main():
    """Read the arguments, then measure."""
    parser = arguments(__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 2], metavar="N")
    parser.add_argument("--batch-size", type=int, default=128, metavar="N")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each way")
    args = parser.parse_args()
    if min(args.seconds, args.batch_size) <= 0 or min([0, *args.workers]) < 0:
        raise BadInput("--seconds, --batch-size, --workers: give numbers above zero")
    needs("mean_std", args.dataset)
    record, index = args.dataset.record("mean_std"), args.dataset.home / "train.txt"
    mean, std = record["mean"], record["std"]
    scale = v2.ToDtype(torch.float32, scale=True)
    normalize = v2.Normalize(mean, std)
    transform = v2.Compose([v2.Resize((32, 32)), v2.ToImage(), scale, normalize])
    dataset = MyDataset(index, transform)
    measure_steps(dataset.paths[:32], transform, pick_device())
    load = partial(DataLoader, dataset, args.batch_size)
    for n in args.workers:
        make_loader = partial(load, num_workers=n, persistent_workers=n > 0)
        measure_way(f"{n} workers", make_loader, args.seconds)
    measure_way(
        "in memory",
        lambda: BatchLoader(*load_all(index), args.batch_size, mean, std),
        args.seconds,
    )


if __name__ == "__main__":
    main()
