"""Training in several processes at once: started by torchrun, or one alone.

Every function works in a program that torchrun did not start: there it does nothing, or
what one process has to do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn

from utils.console import BadInput

PATIENCE = timedelta(hours=2)  # with one that makes the data, or waits for a lock


@dataclass(frozen=True)
class Processes:
    """The processes of a run, as one of them sees them.

    :ivar rank: this one's number, from 0
    :ivar count: how many there are
    :ivar local_rank: this one's number on its machine
    :ivar local_count: how many are on its machine
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and speaks for all."""
        return self.rank == 0

    def say(self, text: str) -> None:
        """Print from the first process alone, at once."""
        if self.first:
            print(text, flush=True)

    def refuse(self, text: str) -> None:
        """End all processes, which must all come here; the first one says why.

        :raises BadInput: in the first process; in the others SystemExit
        """
        raise BadInput(text) if self.first else SystemExit(2)


@contextmanager
def join_processes(device: torch.device | None = None) -> Iterator[Processes]:
    """Meet the other processes that torchrun started; part from them at the end.

    :param device: what this one computes on, see :func:`device_of_this`; on GPUs they
        talk through NCCL, otherwise through gloo
    """
    if not is_one_of_many():
        yield Processes()
        return
    cuda = device is not None and device.type == "cuda"
    last_words = sys.excepthook
    store, rank, count = next(distributed.rendezvous("env://", timeout=PATIENCE))
    # What torchrun starts again may find the addresses of those that died, and wait for
    # them for ever: a name of its own for each attempt keeps them apart.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    distributed.init_process_group(
        "nccl" if cuda else "gloo",
        store=distributed.PrefixStore(f"attempt {attempt}", store),
        rank=rank,
        world_size=count,
        timeout=PATIENCE,
        device_id=device if cuda else None,
    )
    sys.excepthook = last_words  # torch puts one in its place that swallows a line
    yield Processes(
        distributed.get_rank(),
        distributed.get_world_size(),
        int(os.environ["LOCAL_RANK"]),
        int(os.environ["LOCAL_WORLD_SIZE"]),
    )
    distributed.barrier()  # nobody leaves while another one still needs it
    # To give back the last tensors, gloo's threads need the interpreter's lock; what
    # comes now holds it while it waits for them: without a rest, for ever now and then.
    time.sleep(0.1)
    distributed.destroy_process_group()  # after an error nobody waits for the others


def is_one_of_many() -> bool:
    """Return whether torchrun started this process."""
    return distributed.is_available() and distributed.is_torchelastic_launched()


def device_of_this(device: torch.device, chosen: bool) -> torch.device:
    """Return the device that this process computes on: its own GPU, or the CPU.

    :param device: the kind that is wanted
    :param chosen: the user asked for it; otherwise another kind may do
    :raises BadInput: there are more processes than GPUs, or they can't share this kind
    """
    if not is_one_of_many():
        return device
    number = int(os.environ["LOCAL_RANK"])
    if device.type == "cuda":
        if number >= torch.cuda.device_count():
            raise BadInput(
                f"torchrun: {os.environ['LOCAL_WORLD_SIZE']} processes for "
                f"{torch.cuda.device_count()} GPUs: lower --nproc-per-node, or give "
                "--device cpu"
            )
        torch.cuda.set_device(number)
        return torch.device("cuda", number)
    if device.type != "cpu" and chosen:
        raise BadInput(
            f"--device {device.type}: several processes can't share it: give cpu, or "
            "start one without torchrun"
        )
    return torch.device("cpu")


def was_restarted() -> bool:
    """Return whether torchrun started this again, after a process had failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0


def process_count() -> int:
    """Return how many processes train together: 1 for one alone."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def total(values: torch.Tensor) -> torch.Tensor:
    """Return the element-wise sum of all processes' ``values``, on each of them.

    Whole numbers, and float64 sums of them, are exact.
    """
    if process_count() > 1:
        values = values.clone()
        distributed.all_reduce(values)
    return values


def gather_rows(rows: torch.Tensor) -> torch.Tensor:
    """Return all processes' rows, one process after the other, on each of them.

    :param rows: (n, ...) on the CPU; n may differ from process to process
    """
    if process_count() == 1:
        return rows
    parts = [None] * process_count()
    distributed.all_gather_object(parts, rows)
    return torch.cat(parts)


def from_first(value: object) -> object:
    """Return the first process's ``value`` on each of them.

    :param value: anything that can be pickled; only the first one's counts
    """
    if process_count() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


def do_first(action: Callable[[], object], mine: bool) -> None:
    """Let some processes do something before all go on, or none.

    :param mine: whether this is one of those that do it
    :raises BadInput: where the action did; in the other processes SystemExit
    """
    error = None
    try:
        if mine:
            action()
    except BadInput as raised:
        error = raised
    errors = [error]
    if process_count() > 1:
        errors = [None] * process_count()
        distributed.all_gather_object(errors, error and str(error))
    if any(errors):
        raise error or SystemExit(2)


def share_buffers(net: nn.Module) -> None:
    """Give all processes the first one's buffers, such as BatchNorm's statistics."""
    if process_count() > 1:
        for buffer in net.buffers():
            distributed.broadcast(buffer, 0)


def train_together(net: nn.Module, device: torch.device) -> nn.Module:
    """Return the network whose ``backward`` takes the mean of all processes' gradients.

    BatchNorm takes mean and variance over the images that one process has: on NVIDIA
    GPUs it becomes SyncBatchNorm, which takes them over all; elsewhere PyTorch has no
    such layer, and a line says so.
    """
    if process_count() == 1:
        return net
    normed = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in net.modules())
    if normed and device.type == "cuda":
        net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    elif normed and distributed.get_rank() == 0:
        print("BatchNorm: each process normalises its own part of a batch by itself")
    ids = [device.index] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(net, device_ids=ids)
