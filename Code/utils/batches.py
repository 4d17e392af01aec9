"""The batches of a training: the same ones however, and wherever, they are made.

Nothing random here has a past. The order of an epoch is drawn from the seed and the
number of the epoch, the variations of a batch from the number of its step too. So a
training can be taken up at any step, and several processes that share a batch make,
together, the batch that one process would have made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset

NOBODY = -100  # the label that cross entropy ignores


def seed_of(*numbers: int) -> int:
    """Return a seed, 63 bits long, that is another one for other numbers."""
    text = "/".join(str(int(number)) for number in numbers)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def share_of(count: int, rank: int, processes: int) -> slice:
    """Return the part of ``count`` things that process ``rank`` of so many takes."""
    return slice(count * rank // processes, count * (rank + 1) // processes)


class Share(NamedTuple):
    """What a process does in a step: ``chosen[part]`` of the images ``chosen``.

    :ivar seed: of all that is random in the step
    :ivar counts: False where there is nothing left for this process: it takes one
        image nevertheless, since all processes step together, with the label NOBODY
    """

    seed: int
    chosen: torch.Tensor
    part: slice
    counts: bool


class EpochOrder:
    """Which images each step takes: decided by seed, epoch and step alone."""

    def __init__(
        self,
        count: int,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        """Keep the numbers.

        :param count: of images
        :param batch_size: of all processes together
        """
        self.count, self.batch_size, self.shuffle = count, batch_size, shuffle
        self.seed, self.rank, self.processes = seed, rank, processes
        self.epoch = self.start = 0

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Let the next pass be that of ``epoch``, from its step ``start`` on."""
        self.epoch, self.start = epoch, start

    def __len__(self) -> int:
        """Return the number of steps of an epoch."""
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[Share]:
        """Yield the shares of this process; the pass after it is the next epoch's."""
        epoch, start = self.epoch, self.start
        self.set_epoch(epoch + 1)
        if not self.count:
            return
        order = torch.arange(self.count)
        if self.shuffle:
            generator = torch.Generator().manual_seed(seed_of(self.seed, epoch))
            order = torch.randperm(self.count, generator=generator)
        for step, chosen in enumerate(order.split(self.batch_size)[start:], start):
            part = share_of(len(chosen), self.rank, self.processes)
            counts = part.stop > part.start
            yield Share(
                seed_of(self.seed, epoch, step),
                chosen,
                part if counts else slice(0, 1),
                counts,
            )


class BatchLoader:
    """Batches from a set in memory: cropped, flipped and normalised as one tensor.

    What DataLoader does image by image with ``RandomCrop(side, padding)``,
    ``RandomHorizontalFlip()``, ``ToTensor()`` and ``Normalize(mean, std)``, in a
    fiftieth of the time.
    """

    def __init__(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        batch_size: int,
        mean: list[float],
        std: list[float],
        padding: int = 0,
        flip: bool = False,
        shuffle: bool = False,
        seed: int = 0,
        device: str | torch.device = "cpu",
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        """Keep the set as uint8, padded; with ``flip`` also its mirror images.

        :param images: uint8 (N, H, W, C)
        :param labels: int64 (N,)
        :param batch_size: of all processes together
        :param mean: of each channel, for pixels in [0, 1]
        :param std: likewise
        :param padding: pixels of black on each side, for a random crop of (H, W)
        :param flip: mirror half of the images
        :param shuffle: a new order in every epoch
        :param seed: of order, crops and flips
        :param rank: of this process, among so many ``processes``, each of which takes
            a part of every batch
        """
        count, self.height, self.width, channels = images.shape
        pad = torch.nn.functional.pad
        padded = pad(images, (0, 0, padding, padding, padding, padding)).to(device)
        if flip:
            padded = torch.cat([padded, padded.flip(2)])
        self.images, self.labels = padded, labels.to(device)
        self.count, self.padding, self.flip = count, padding, flip
        self.order = EpochOrder(count, batch_size, shuffle, seed, rank, processes)
        repeat = self.width
        scale = 1 / (255 * torch.tensor(std))  # (x/255 - mean) / std = shift + x scale
        self.scale = scale.repeat(repeat).to(device)
        self.shift = (-255 * torch.tensor(mean) * scale).repeat(repeat).to(device)
        # Windows at all offsets, as a view: (2N, rows down, columns right, H, W * C).
        offsets = 2 * padding + 1
        image, row, column, _ = padded.stride()
        self.windows = padded.as_strided(
            (len(padded), offsets, offsets, self.height, repeat * channels),
            (image, row, column, row, 1),
        )

    def __len__(self) -> int:
        """Return the number of batches; the last one may be smaller."""
        return len(self.order)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Let the next pass be that of ``epoch``, from its batch ``start`` on."""
        self.order.set_epoch(epoch, start)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield images, float32 (B, C, H, W), channels_last, and labels (B,)."""
        generator = torch.Generator()
        for seed, chosen, part, counts in self.order:
            images, labels = self.batch(chosen, generator.manual_seed(seed), part)
            yield images, labels if counts else torch.full_like(labels, NOBODY)

    def batch(
        self,
        chosen: torch.Tensor,
        generator: torch.Generator | None = None,
        part: slice = slice(None),
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images and labels of the indices ``chosen[part]``, (B,).

        What is random is drawn for all of ``chosen``: parts do not depend on how many
        there are.
        """
        down = right = torch.zeros(len(chosen), dtype=torch.int64)
        which = chosen
        if self.padding:
            size = (2, len(chosen))
            offsets = 2 * self.padding + 1
            down, right = torch.randint(offsets, size, generator=generator)
        if self.flip:
            mirrored = torch.randint(2, (len(chosen),), generator=generator)
            which = chosen + self.count * mirrored
        rows = self.windows[which[part], down[part], right[part]]  # (B, H, W * C)
        rows = rows.float()  # what converts on the way takes twenty times as long
        torch.addcmul(self.shift, rows, self.scale, out=rows)
        images = rows.view(len(rows), self.height, self.width, -1).permute(0, 3, 1, 2)
        return images, self.labels[chosen[part].to(self.labels.device)]


class _Seeded(Dataset):
    """A data set whose random transforms draw from a seed that comes with the index."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, drawn: tuple[int, int, bool]) -> tuple:
        i, seed, counts = drawn
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            image, label = self.dataset[i]
        return image, label if counts else NOBODY

    def __len__(self) -> int:
        return len(self.dataset)


class _Draws:
    """Batches of (index, seed of the image, whether it counts), for DataLoader."""

    def __init__(self, order: EpochOrder) -> None:
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[list[tuple[int, int, bool]]]:
        for seed, chosen, part, counts in self.order:
            yield [(i, seed_of(seed, i), counts) for i in chosen[part].tolist()]


class DiskLoader:
    """Batches of a set that is read from the disk, image by image, while training.

    The images are the same whatever the number of worker processes, of training
    processes, and the step that it starts with.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        workers: int = 0,
        rank: int = 0,
        processes: int = 1,
        pin_memory: bool = False,
        keep_workers: bool = True,
    ) -> None:
        """Prepare the worker processes; they start with the first pass.

        :param dataset: of image and label; its transforms draw from torch's generator
        :param batch_size: of all processes together
        :param workers: processes that read images, for this training process
        :param keep_workers: from one pass to the next
        """
        self.order = EpochOrder(
            len(dataset), batch_size, shuffle, seed, rank, processes
        )
        self.loader = DataLoader(
            _Seeded(dataset),
            batch_sampler=_Draws(self.order),
            num_workers=workers,
            persistent_workers=workers > 0 and keep_workers,
            pin_memory=pin_memory,
        )

    def __len__(self) -> int:
        """Return the number of batches; the last one may be smaller."""
        return len(self.order)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Let the next pass be that of ``epoch``, from its batch ``start`` on."""
        self.order.set_epoch(epoch, start)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield images and labels as the data set gives them, collated."""
        return iter(self.loader)
