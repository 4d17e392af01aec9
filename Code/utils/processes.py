"""Training in several processes at once: started by torchrun, or one alone.

Every function works in a program that torchrun did not start: there it does nothing, or
what one process has to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn


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


@contextmanager
def join_processes(cuda: bool = False) -> Iterator[Processes]:
    """Meet the other processes that torchrun started; part from them at the end.

    :param cuda: they compute on NVIDIA GPUs and talk through NCCL; otherwise gloo
    """
    if not distributed.is_available() or not distributed.is_torchelastic_launched():
        yield Processes()
        return
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Processes(
            distributed.get_rank(),
            distributed.get_world_size(),
            int(os.environ["LOCAL_RANK"]),
            int(os.environ["LOCAL_WORLD_SIZE"]),
        )
    finally:
        distributed.destroy_process_group()


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


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if process_count() > 1:
        distributed.barrier()


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
