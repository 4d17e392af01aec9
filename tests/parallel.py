"""What one of several training processes does, for test_processes.py.

    python tests/parallel.py WHAT FILE

Writes what the first process has at the end into FILE.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Code"))

import torch
from torch import nn

from utils import (
    BadInput,
    BatchLoader,
    Net,
    do_first,
    from_first,
    gather_rows,
    join_processes,
    share_buffers,
    total,
    train_step,
    train_together,
)

IMAGES = 67  # the last batch of 16 has three: with more processes, one gets none


def train(together, accumulate=1):
    """Train LeNet in float64 for two epochs; return its weights and the totals."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(
        0, 256, (IMAGES, 32, 32, 3), dtype=torch.uint8, generator=generator
    )
    labels = torch.randint(5, (IMAGES,), generator=generator)
    batches = BatchLoader(
        images,
        labels,
        16,
        [0.5] * 3,
        [0.3] * 3,
        padding=2,
        flip=True,
        shuffle=True,
        rank=together.rank,
        processes=together.count,
    )
    torch.manual_seed(together.rank)  # the first one's weights are everybody's
    net = Net(5).double()
    trained = train_together(net, torch.device("cpu"))
    weight = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0], dtype=torch.float64)
    loss = nn.CrossEntropyLoss(weight, reduction="sum", label_smoothing=0.1)
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    sums = torch.zeros(4, dtype=torch.float64)
    for _ in range(2):
        for x, y in batches:
            sums += train_step(
                trained, x.double(), y, loss, optimizer, accumulate=accumulate
            )
    return {"net": net.state_dict(), "sums": total(sums)}


def talk(together):
    """Return what the functions that collect bring together."""
    rank, count = together.rank, together.count
    return {
        "total": total(torch.tensor([rank + 1, 10 * rank])),
        "rows": gather_rows(torch.full((rank, 2), float(rank))),
        "from_first": from_first({"rank": rank}),
        "seen": [rank, count, together.local_rank, together.local_count],
    }


def normalise(together):
    """Say what becomes of BatchNorm."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    net[1].running_mean.fill_(together.rank + 1)
    trained = train_together(net, torch.device("cpu"))
    net[1].running_mean.fill_(together.rank + 1)  # each has had its own images
    share_buffers(net)
    return {"kind": type(trained).__name__, "mean": net[1].running_mean}


def refuse(together):
    """Let one process find something wrong that only it can see."""

    def look():
        raise BadInput("the second one is not content")

    do_first(look, together.rank == 1)
    raise AssertionError("nobody comes here")


def agree(together):
    """Do something in the last process; nobody has anything against it."""
    done = []
    do_first(lambda: done.append(together.rank), together.rank == together.count - 1)
    return done


def main():
    """Do what the command line says."""
    what, file = sys.argv[1:]
    jobs = {
        "train": train,
        "accumulate": lambda together: train(together, 3),
        "talk": talk,
        "normalise": normalise,
        "refuse": refuse,
        "agree": agree,
    }
    torch.set_num_threads(1)
    with join_processes() as together:
        result = jobs[what](together)
        if together.rank == together.count - 1:  # all have the same: take the last
            torch.save(result, file)


if __name__ == "__main__":
    main()
