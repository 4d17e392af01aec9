"""Images of an index file: one by one, or the whole set in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from utils.index import class_names, fit, load_image, read_index


class MyDataset(Dataset):
    """The images that an index file names, with their labels.

    :ivar classes: the name of each label
    :ivar labels: of all samples
    """

    def __init__(
        self,
        index: str | Path,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
    ) -> None:
        """Read the index, not the images.

        :param transform: of the PIL image, RGB
        :param target_transform: of the label
        :raises BadInput: see :func:`read_index` and :func:`class_names`
        """
        self.index = Path(index)
        self.paths, self.labels = read_index(index)
        self.classes = class_names(index, self.labels)
        self.transform = transform
        self.target_transform = target_transform

    def __getitem__(self, i: int) -> tuple:
        """Return image and label, transformed.

        :raises BadInput: the image is missing or can't be decoded
        """
        image, label = load_image(self.paths[i], self.index), self.labels[i]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)


def load_all(index: str | Path, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """Return all images of an index as uint8 (N, side, side, 3), and labels int64 (N,).

    Images of another size are scaled.

    :raises BadInput: see :class:`MyDataset`
    """
    paths, labels = read_index(index)
    images = torch.empty(len(paths), side, side, 3, dtype=torch.uint8)
    pixels = images.numpy()

    def load(start: int) -> None:
        for i in range(start, min(start + 500, len(paths))):
            pixels[i] = np.asarray(fit(load_image(paths[i], index), side))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load, range(0, len(paths), 500)))
    return images, torch.tensor(labels)


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
    ) -> None:
        """Keep the set as uint8, padded; with ``flip`` also its mirror images.

        :param images: uint8 (N, H, W, C)
        :param labels: int64 (N,)
        :param mean: of each channel, for pixels in [0, 1]
        :param std: likewise
        :param padding: pixels of black on each side, for a random crop of (H, W)
        :param flip: mirror half of the images
        :param shuffle: a new order in every epoch
        :param seed: of order, crops and flips
        """
        count, self.height, self.width, channels = images.shape
        pad = torch.nn.functional.pad
        padded = pad(images, (0, 0, padding, padding, padding, padding)).to(device)
        if flip:
            padded = torch.cat([padded, padded.flip(2)])
        self.images, self.labels = padded, labels.to(device)
        self.count, self.batch_size = count, batch_size
        self.padding, self.flip, self.shuffle = padding, flip, shuffle
        self.generator = torch.Generator().manual_seed(seed)
        repeat = self.width
        scale = 1 / (
            255 * torch.tensor(std)
        )  # (x / 255 - mean) / std = shift + x scale
        self.scale = scale.repeat(repeat).to(device)
        self.shift = (-255 * torch.tensor(mean) * scale).repeat(repeat).to(device)
        # Windows at all offsets, as a view: (2N, rows down, columns right, H, W * C).
        n, _, _, _ = padded.stride()
        row, column = padded.stride(1), padded.stride(2)
        self.windows = padded.as_strided(
            (
                len(padded),
                2 * padding + 1,
                2 * padding + 1,
                self.height,
                repeat * channels,
            ),
            (n, row, column, row, 1),
        )

    def __len__(self) -> int:
        """Return the number of batches; the last one may be smaller."""
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield images, float32 (B, C, H, W), channels_last, and labels (B,)."""
        order = torch.arange(self.count)
        if self.shuffle:
            order = torch.randperm(self.count, generator=self.generator)
        for chosen in order.split(self.batch_size):
            yield self.batch(chosen)

    def batch(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images and labels of the indices ``chosen``, (B,)."""
        size, which = len(chosen), chosen
        offsets = 2 * self.padding + 1
        if self.padding:
            down, right = torch.randint(offsets, (2, size), generator=self.generator)
        else:
            down = right = torch.zeros(size, dtype=torch.int64)
        if self.flip:
            mirrored = torch.randint(2, (size,), generator=self.generator)
            which = chosen + self.count * mirrored
        rows = self.windows[which, down, right]  # (B, H, W * C), a copy
        rows = rows.float()  # what converts on the way takes twenty times as long
        torch.addcmul(self.shift, rows, self.scale, out=rows)
        images = rows.view(size, self.height, self.width, -1).permute(0, 3, 1, 2)
        return images, self.labels[chosen.to(self.labels.device)]
