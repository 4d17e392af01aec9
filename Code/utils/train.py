"""The parts of a training run that every project needs again."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from utils.console import BadInput
from utils.paths import write_whole


def train_epoch(
    net: nn.Module,
    batches: Iterable,
    loss_function: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    device: str | torch.device = "cpu",
) -> tuple[float, float]:
    """Train on every batch once.

    :param batches: of images (B, ...) and labels (B,)
    :param loss_function: of scores (B, classes) and labels, averaged over the batch
    :param scheduler: stepped after every batch
    :return: the mean loss and the accuracy, in [0, 1], over the images of the epoch, as
        they were while the weights changed
    """
    net.train()
    loss_sum = torch.zeros((), device=device)
    right = torch.zeros((), dtype=torch.int64, device=device)
    seen = 0
    for images, labels in batches:
        images, labels = images.to(device), labels.to(device)
        scores = net(images)
        loss = loss_function(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        loss_sum += loss.detach() * len(labels)
        right += (scores.argmax(1) == labels).sum()
        seen += len(labels)
    return loss_sum.item() / seen, right.item() / seen


@torch.no_grad()
def evaluate(
    net: nn.Module,
    batches: Iterable,
    device: str | torch.device = "cpu",
    mirror: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the scores of all images, (N, classes), and labels, (N,), on the CPU.

    :param mirror: take the mean of the scores of each image and of its mirror image; of
        use to a network that was trained on both
    """
    net.eval()
    scores, labels = [], []
    for images, target in batches:
        images = images.to(device)
        given = net(images)
        if mirror:
            given = (given + net(images.flip(-1))) / 2
        scores.append(given.cpu())
        labels.append(target.cpu())
    return torch.cat(scores), torch.cat(labels)


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share, in [0, 1], of rows of scores whose largest is at the label."""
    return (scores.argmax(1) == labels).double().mean().item()


def save_weights(path: str | Path, net: nn.Module, info: dict) -> None:
    """Write the weights of ``net`` and what one must know to use them: all or nothing.

    :param info: numbers, strings, lists and dicts: the classes, mean, std …
    """
    state = net.state_dict()
    weights = {name: value.cpu().contiguous() for name, value in state.items()}
    buffer = io.BytesIO()  # a file would have its own name written into it
    torch.save({"net": weights, "info": info}, buffer)
    write_whole(path, buffer.getvalue())


def read_weights(path: str | Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Return the state dict and the info that :func:`save_weights` wrote.

    Nothing but tensors and plain data is read: a pickle that runs code is refused.

    :raises BadInput: the file is missing, damaged or something else
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return content["net"], content["info"]
    except FileNotFoundError as error:
        raise BadInput(f"{path}: is missing: run main.py first") from error
    except PermissionError:
        raise
    except Exception as error:  # torch.load raises a dozen kinds
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(
            f"{path}: holds no weights of main.py ({reason[0][:80]}): delete it and "
            "run main.py again"
        ) from error


def pick_device(name: str | None = None) -> torch.device:
    """Return the device ``name``; for None the accelerator, or the CPU without one.

    :raises BadInput: there is no such device
    """
    if name is None:
        if torch.accelerator.is_available():
            return torch.accelerator.current_accelerator()
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BadInput(
            f"--device {name}: can't be used here: leave it out, or give cpu"
        ) from error
    return device
