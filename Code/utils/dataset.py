"""Images of an index file: one by one, or the whole set in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from utils.index import Paths, class_names, fit, load_image, read_index


def _share(paths: Paths) -> tuple:
    """Pickle paths for another process: in memory that it shares with this one.

    For workers that are spawned; those that are forked share all memory as it is. Where
    the system has too little of this kind, each gets a copy.
    """
    if not hasattr(paths, "shared"):  # all workers get the same
        try:
            paths.shared = [
                _in_shared_memory(np.frombuffer(paths.text, np.uint8)),
                _in_shared_memory(paths.offsets),
            ]
        except RuntimeError:
            return paths.__reduce__()
        paths.text, paths.offsets = (part.numpy() for part in paths.shared)
    return _from_shared, (paths.home, *paths.shared, paths.rows)


def _in_shared_memory(values: np.ndarray) -> torch.Tensor:
    kind = torch.uint8 if values.dtype == np.uint8 else torch.int64
    shared = torch.empty(values.shape, dtype=kind).share_memory_()
    shared.numpy()[:] = values
    return shared


def _from_shared(
    home: str, text: torch.Tensor, offsets: torch.Tensor, rows: range
) -> Paths:
    return Paths(home, text.numpy(), offsets.numpy(), rows)


ForkingPickler.register(Paths, _share)


class MyDataset(Dataset):
    """The images that an index file names, with their labels.

    Paths and labels stand in a few large arrays, which worker processes share: a
    million images take 60 MB, however many workers read them.

    :ivar classes: the name of each label
    :ivar labels: of all samples, used like a list
    :ivar paths: likewise
    """

    def __init__(
        self,
        index: str | Path,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        inside: bool = True,
    ) -> None:
        """Read the index, not the images.

        :param transform: of the PIL image, RGB
        :param target_transform: of the label
        :param inside: see :func:`read_index`
        :raises BadInput: see :func:`read_index` and :func:`class_names`
        """
        self.index = Path(index)
        self.paths, self.labels = read_index(index, inside)
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
    return images, torch.from_numpy(np.array(labels, np.int64))
