"""Training by the clock: how far it is, and what keeps a processor from waiting."""

from __future__ import annotations

import ctypes
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


class Pace:
    """Say how far training is, from 0 to 1, by the clock, or by the step.

    :param budget: seconds
    :param steps: if given, so many steps, however long they take
    :param clock: a function that returns seconds
    """

    def __init__(
        self,
        budget: float,
        steps: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Start the clock."""
        self.budget, self.steps, self.clock = budget, steps, clock
        self.begin, self.step = clock(), 0

    def seconds(self) -> float:
        """Return the seconds so far; those ``with stopped():`` do not count."""
        return self.clock() - self.begin

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock."""
        before = self.clock()
        try:
            yield
        finally:
            self.begin += self.clock() - before

    def __iter__(self) -> Iterator[float]:
        """Yield the share that is over before each step, while there is time for it."""
        now, took = self.seconds(), 0.0
        while True:
            last, now = now, self.seconds()
            if self.step > 1:  # the first step takes longer than those to come
                took = now - last
            share = self.step / self.steps if self.steps else now / self.budget
            if share >= 1 or (not self.steps and now + took > self.budget):
                return
            self.step += 1
            yield share


def wait(device: torch.device | str) -> None:
    """Let a GPU finish what it was told to do; a CPU has."""
    if torch.device(device).type != "cpu":
        torch.accelerator.synchronize()


def half_precision(device: torch.device) -> torch.dtype | None:
    """Return bfloat16 where the processor has instructions for it, else None."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else None
    flags = Path("/proc/cpuinfo")  # what other systems have can't be read so simply
    text = flags.read_text() if device.type == "cpu" and flags.is_file() else ""
    return torch.bfloat16 if re.search(r"\b(avx512_bf16|amx_bf16)\b", text) else None


def keep_memory() -> None:
    """Let the C library reuse freed memory: fresh pages have to be zeroed."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block has a mapping of its own
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: nothing is given back
