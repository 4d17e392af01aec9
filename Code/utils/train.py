"""The parts of a training run that every project needs again."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn
from torch.profiler import record_function

from utils.checkpoint import first_line, load_plain, read_bounded
from utils.console import BadInput, one_line
from utils.paths import write_whole
from utils.processes import process_count, total


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


def train_step(
    net: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    loss_function: nn.CrossEntropyLoss,
    optimizer: torch.optim.Optimizer,
    *,
    amp: torch.dtype | None = None,
    scaler: torch.amp.GradScaler | None = None,
    clip_grad: float | None = None,
    accumulate: int = 1,
) -> torch.Tensor:
    """Train on one batch, or on this process's part of it.

    The step follows the gradient of the mean loss over the whole batch, over all parts
    and all processes, whatever their sizes. (Where there is BatchNorm, each part is
    normalised by itself.)

    :param net: wrapped in DistributedDataParallel where several processes train
    :param images: float (B, ...); of a large batch cut into ``accumulate`` parts, only
        one part's activations are in memory at a time
    :param labels: (B,); those that the loss ignores do not count
    :param loss_function: with ``reduction="sum"``
    :param amp: compute in bfloat16 or float16 where that is safe
    :param scaler: keeps small gradients from vanishing in float16
    :param clip_grad: shorten the gradient of all weights to this length
    :return: float64 (4,): sum of the losses, sum of the images' weights in the loss,
        images taken for the right class, images; of this process
    """
    device = labels.device
    exact = torch.float32 if device.type == "mps" else torch.float64
    counts = labels != loss_function.ignore_index
    weights = counts.to(exact)
    if loss_function.weight is not None:
        weights = loss_function.weight[labels.where(counts, 0)] * weights
    whole = total(weights.sum())
    share = process_count() / whole.where(whole > 0, 1)  # DDP averages the gradients
    optimizer.zero_grad()
    sums = torch.zeros(2, dtype=exact, device=device)
    pieces = min(accumulate, len(labels))
    parts = list(
        zip(images.tensor_split(pieces), labels.tensor_split(pieces), strict=True)
    )
    for number, (x, y) in enumerate(parts, 1):
        wait = number < len(parts) and hasattr(net, "no_sync")
        with net.no_sync() if wait else nullcontext():
            mixed = torch.autocast(device.type, amp, enabled=amp is not None)
            with record_function("forward"), mixed:
                scores = net(x)
                loss = loss_function(scores, y)
            with record_function("backward"):
                part = loss * share.to(loss.dtype)
                (scaler.scale(part) if scaler else part).backward()
        right = (scores.argmax(1) == y).sum()
        sums += torch.stack([loss.detach().to(exact), right.to(exact)])
    with record_function("optimizer"):
        if clip_grad is not None:
            if scaler:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(net.parameters(), clip_grad)
        if scaler:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
    return torch.stack([sums[0], weights.sum(), sums[1], counts.sum().to(exact)])


def slowest_stage(profiler: torch.profiler.profile) -> tuple[str, dict[str, float]]:
    """Return the name of the slowest stage of a step, and the seconds of each.

    :param profiler: has watched steps whose stages bear the names that
        :func:`train_step` gives them: forward, backward, optimizer; and data
    """
    stages = dict.fromkeys(("data", "forward", "backward", "optimizer"), 0.0)
    for event in profiler.key_averages():
        if event.key in stages:
            there = max(event.cpu_time_total, getattr(event, "device_time_total", 0))
            stages[event.key] = max(stages[event.key], there / 1e6)
    return max(stages, key=stages.get), stages


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
    parts = list(_scores(net, batches, device, mirror))
    if not parts:  # of a process that has no share of the set
        return torch.empty(0, 0), torch.empty(0, dtype=torch.int64)
    scores, labels = zip(*parts, strict=True)
    return torch.cat([part.cpu() for part in scores]), torch.cat(labels).cpu()


@torch.no_grad()
def count_predictions(
    net: nn.Module,
    batches: Iterable,
    classes: int,
    device: str | torch.device = "cpu",
    mirror: bool = False,
) -> torch.Tensor:
    """Return how many images of each class are taken for which, on the CPU.

    Nothing is kept of an image: a set of any size takes no more memory than a batch.

    :return: int64 (classes, classes): row: the true class, column: the predicted one
    """
    counts = torch.zeros(classes * classes, dtype=torch.int64)
    for scores, labels in _scores(net, batches, device, mirror):
        pairs = labels.to(device) * classes + scores.argmax(1)
        counts += torch.bincount(pairs, minlength=classes * classes).cpu()
    return counts.view(classes, classes)


def _scores(net: nn.Module, batches: Iterable, device, mirror: bool) -> Iterator:
    net.eval()
    for images, labels in batches:
        images = images.to(device)
        scores = net(images)
        if mirror:
            scores = (scores + net(images.flip(-1))) / 2
        yield scores, labels


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share, in [0, 1], of rows of scores whose largest is at the label."""
    return (scores.argmax(1) == labels).double().mean().item()


def balanced_weights(labels: Sequence[int], classes: int) -> torch.Tensor:
    """Return a weight for each class, float32 (classes,): rare ones count more.

    The weight is N / (classes x images of the class): all classes have the same sum, of
    a class with a mean number of images it is 1.

    :raises BadInput: a class has no image
    """
    counts = torch.bincount(torch.as_tensor(labels), minlength=classes)
    if not counts.all():
        raise BadInput(
            f"--class-weights: the class with the label {int(counts.argmin())} has no "
            "image to train on: put some there, or leave the option out"
        )
    return len(labels) / (classes * counts.float())


def average_weights(
    net: nn.Module, decay: float
) -> torch.optim.swa_utils.AveragedModel:
    """Return a network whose weights follow those of ``net`` with a delay.

    Its ``update_parameters(net)``, called after each step, moves every weight by
    ``1 - decay`` of the way: an exponential moving average over about
    ``1 / (1 - decay)`` steps, which the noise of single steps hardly reaches.
    """
    swa = torch.optim.swa_utils
    return swa.AveragedModel(
        net, multi_avg_fn=swa.get_ema_multi_avg_fn(decay), use_buffers=True
    )


def export_network(net: nn.Module, images: torch.Tensor, path: str | Path) -> float:
    """Write ``net`` as a program that runs without its source: ``torch.export``.

    What is written has been loaded again and has given the same scores, for batches of
    two sizes.

    :param images: float (B, C, H, W), at least 3, on the CPU
    :return: the largest difference of a score
    :raises RuntimeError: the scores differ
    """
    net = copy.deepcopy(net).cpu().to(memory_format=torch.contiguous_format).eval()
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        program = torch.export.export(net, (images[:2],), dynamic_shapes=({0: batch},))
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
        again = torch.export.load(io.BytesIO(buffer.getvalue())).module()
        sizes = (1, len(images))
        pairs = [(net(images[:size]), again(images[:size])) for size in sizes]
    difference = max((a - b).abs().max().item() for a, b in pairs)
    if not all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in pairs):
        raise RuntimeError(f"{path}: gives other scores, by {difference:.1e}")
    write_whole(path, buffer.getvalue())
    return difference


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
        content = load_plain(read_bounded(path))
        if not isinstance(content, dict):
            raise ValueError("it is no dictionary")
        net, info = content["net"], content["info"]
        if not isinstance(info, dict) or {*map(type, net.values())} != {torch.Tensor}:
            raise ValueError("there are other things in it")
        return net, info
    except FileNotFoundError as error:
        raise BadInput(f"{path}: is missing: run main.py first") from error
    except Exception as error:  # torch.load raises a dozen kinds
        if one_line(error):
            raise
        raise BadInput(
            f"{path}: holds no weights of main.py ({first_line(error)}): delete it and "
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
