"""What do two processes cost against one with two threads?

    python tests/benchmarks/processes.py [--rounds 5]

Trains a convolutional network in float32, batch 128, in turn: in one process with two
threads, and in two processes with one thread each, which share every batch as main.py
does under torchrun (DistributedDataParallel, gloo). The figure is the share of the
first's images per second that the second reaches. On an idle machine with 2 cores only.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

import torch
from torch import nn

from utils import BatchLoader, join_processes, train_step, train_together

BATCH, WARM, STEPS = 128, 5, 25


def block(before, after):
    """Return two convolutions with a pooling between them."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(after),
        nn.GELU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.GELU(),
    )


def work():
    """Train as one of the processes; the first prints the images per second."""
    with join_processes() as together:
        torch.set_num_threads(2 // together.count)
        torch.manual_seed(0)
        net = nn.Sequential(
            block(3, 64),
            block(64, 256),
            block(256, 256),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(256, 10),
        ).to(memory_format=torch.channels_last)
        images = torch.randint(0, 256, (BATCH * (WARM + STEPS), 32, 32, 3)).byte()
        labels = torch.randint(10, (len(images),))
        share = dict(rank=together.rank, processes=together.count)
        look = ([0.5] * 3, [0.25] * 3)
        batches = BatchLoader(
            images, labels, BATCH, *look, padding=2, shuffle=True, **share
        )
        trained = train_together(net, torch.device("cpu"))
        loss = nn.CrossEntropyLoss(reduction="sum")
        optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)
        for step, (x, y) in enumerate(batches):
            if step == WARM:
                begin = time.perf_counter()
            train_step(trained, x, y, loss, optimizer)
        if together.first:
            print("speed", BATCH * STEPS / (time.perf_counter() - begin))


def speed(count):
    """Return the images per second of so many processes."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    processes = []
    for rank in range(count):
        env = {**os.environ, "OMP_NUM_THREADS": str(2 // count)}
        env |= dict(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        env |= dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count))
        env |= dict(LOCAL_WORLD_SIZE=str(count))
        if count > 1:
            env["TORCHELASTIC_RUN_ID"] = "benchmark"
        command = [sys.executable, __file__, "--work"]
        processes.append(
            subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        )
    said = [process.communicate()[0] for process in processes]
    return float(said[0].split()[-1])


def main():
    """Measure in turn; print each round and the median of the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work()
        return
    shares = []
    for _ in range(args.rounds):
        one, two = speed(1), speed(2)
        shares.append(two / one)
        print(
            f"one process {one:,.0f}, two {two:,.0f} images/s: {shares[-1]:.3f}",
            flush=True,
        )
    print(f"median: {statistics.median(shares):.3f}")


if __name__ == "__main__":
    main()
