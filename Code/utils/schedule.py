"""Learning rates over the epochs, for the lessons on schedulers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

# What SequentialLR of torch 2.6 says of its own way of stepping.
warnings.filterwarnings("ignore", "The epoch parameter in `scheduler.step", UserWarning)


def make_sgd(*rates: float) -> Optimizer:
    """Return an SGD with one group of one weight for each learning rate.

    The weights have a gradient of zero: steps are counted, and move nothing.
    """
    groups = []
    for rate in rates:
        weight = torch.nn.Parameter(torch.zeros(1))
        weight.grad = torch.zeros(1)
        groups.append({"params": [weight], "lr": rate})
    return torch.optim.SGD(groups)


def learning_rates(
    scheduler: LRScheduler, epochs: int | Iterable[float]
) -> torch.Tensor:
    """Return the learning rates that the optimizer uses, float64 (epochs, groups).

    Each epoch uses the rate, steps the optimizer and then the scheduler.

    :param epochs: how many; for ReduceLROnPlateau the metric of each
    """
    rates = []
    optimizer = scheduler.optimizer
    for metric in range(epochs) if isinstance(epochs, int) else epochs:
        rates.append([float(group["lr"]) for group in optimizer.param_groups])
        optimizer.step()
        if isinstance(epochs, int):
            scheduler.step()
        else:
            scheduler.step(metric)
    return torch.tensor(rates, dtype=torch.float64)
