"""What does the input cost main.py's training?

    python tests/benchmarks/input.py [--dataset cifar10] [--threads 2]

Trains the tutorial's network at batch 128, in turn: on batches that ``BatchLoader``
cuts from the set in memory (crop, flip, normalise), and on batches that lie ready. The
figure is the share of the second's images per second that the first reaches. On an idle
machine only.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

import torch
from torch import nn, optim

from utils import BatchLoader, Net, find_dataset, load_all, needs, train_epoch

BATCH, BATCHES, ROUNDS = 128, 150, 7


def speed(net, batches):
    """Return the images per second of training on so many batches."""
    optimizer = optim.SGD(net.parameters(), 0.01, momentum=0.9, nesterov=True)
    some = itertools.islice(batches, BATCHES)
    begin = time.perf_counter()
    train_epoch(net, some, nn.CrossEntropyLoss(), optimizer)
    return BATCH * BATCHES / (time.perf_counter() - begin)


def main():
    """Measure in turn, print each round and the median of the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dataset = find_dataset(args.dataset)
    record = json.loads(needs("mean_std", dataset).read_text(encoding="utf-8"))
    images, labels = load_all(dataset.home / "train.txt")
    repeat = -(-BATCH * BATCHES // len(images))
    images, labels = images.repeat(repeat, 1, 1, 1), labels.repeat(repeat)
    varied = BatchLoader(
        images,
        labels,
        BATCH,
        record["mean"],
        record["std"],
        padding=2,
        flip=True,
        shuffle=True,
    )
    ready = list(itertools.islice(varied, BATCHES))  # 240 MB, each batch another
    net = Net(10).to(memory_format=torch.channels_last)
    speed(net, ready)  # warm up
    shares = []
    for _ in range(ROUNDS):
        fixed, cut = speed(net, ready), speed(net, varied)
        shares.append(cut / fixed)
        print(f"ready {fixed:,.0f}, cut {cut:,.0f} images/s: {shares[-1]:.3f}")
    print(f"median: {statistics.median(shares):.3f}")


if __name__ == "__main__":
    main()
