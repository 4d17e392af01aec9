"""Index files, and reading the images that they name: without torch."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from utils.console import BadInput, one_line

LARGEST_LABEL = 2**31 - 1
_BLOCK = 1 << 20  # characters of an index that are read at a time
_TAB, _NEWLINE, _ZERO = b"\t\n0"  # as numbers


class Paths(Sequence):
    """Absolute paths that share one piece of memory; used like a list of strings.

    A list of a million strings is a million objects. Each counts its references, also
    when it is only read: a worker process that shares a list with its parent copies it
    bit by bit. Here a string is made when it is asked for. A slice shares the memory.
    """

    def __init__(
        self,
        home: str,
        text: bytes | np.ndarray,
        offsets: np.ndarray,
        rows: range | None = None,
    ) -> None:
        """Keep all that is given, without a copy.

        :param home: the folder that relative paths begin in
        :param text: all paths, UTF-8, one after the other, as bytes or uint8
        :param offsets: int64 (N + 1,): path i is ``text[offsets[i] : offsets[i + 1]]``
        :param rows: which of them, and in which order; None for all
        """
        self.home, self.text, self.offsets = home, text, offsets
        self.rows = range(len(offsets) - 1) if rows is None else rows

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.rows)

    def __getitem__(self, i: int | slice) -> str | Paths:
        """Return path ``i``, or the ``Paths`` of a slice.

        :raises IndexError: there is no path ``i``
        """
        if isinstance(i, slice):
            return Paths(self.home, self.text, self.offsets, self.rows[i])
        return self._path(self.rows[i])

    def __iter__(self) -> Iterator[str]:
        """Yield the paths."""
        return map(self._path, self.rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Paths | list):
            return NotImplemented
        return len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None

    def __repr__(self) -> str:
        return f"<{len(self):,} paths{', the first ' + self[0] if self else ''}>"

    def __reduce__(self) -> tuple:
        """Pickle the text of the slice alone, not of the whole."""
        if len(self.rows) == len(self.offsets) - 1 and self.rows.step == 1:
            return Paths, (self.home, self.text, self.offsets)
        text, offsets = self.text, self.offsets
        texts = [bytes(text[offsets[row] : offsets[row + 1]]) for row in self.rows]
        return Paths, (self.home, b"".join(texts), _offsets(list(map(len, texts))))

    def _path(self, row: int) -> str:
        path = str(self.text[self.offsets[row] : self.offsets[row + 1]], "utf-8")
        return os.path.join(self.home, path)  # noqa: PTH118 (six times as fast)


class Labels(array):
    """Labels in one piece of memory, of one, two or four bytes each; used like a list.

    ``labels[i]`` is an int. ``numpy.asarray(labels)`` shares the memory.
    """

    def __getitem__(self, i: int | slice) -> int | Labels:
        """Return label ``i``, or the ``Labels`` of a slice."""
        found = super().__getitem__(i)
        return Labels(self.typecode, found) if isinstance(i, slice) else found

    def __eq__(self, other: object) -> bool:
        equal = super().__eq__
        return self.tolist() == other if isinstance(other, list) else equal(other)

    __hash__ = None


def read_index(index: str | Path) -> tuple[Paths, Labels]:
    r"""Read an index file of lines ``path<TAB>label``, UTF-8.

    Lines end with ``\n``, ``\r\n`` or ``\r``. ImageNet's, of 1.3 million lines, takes
    less than a second, and 45 bytes a line.

    :return: the images' paths, made absolute by the folder of the index file, and the
        labels, whole numbers from 0 to ``LARGEST_LABEL``
    :raises BadInput: the file is missing or empty, or a line is not of this form
    """
    index = Path(index)
    texts, lengths, labels = [], [], []
    try:
        with index.open(encoding="utf-8-sig") as file:
            while block := file.read(_BLOCK) + file.readline():
                parts = _read_lines(block.encode())
                if parts is None:
                    raise BadInput(f"{index}, {_first_bad_line(index)}")
                for part, kept in zip(parts, (texts, lengths, labels), strict=True):
                    kept.append(part)
    except FileNotFoundError as error:
        raise BadInput(f"{index}: is missing: run 1_3_1_generate_txt.py") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{index}: is not UTF-8 text: save it as UTF-8") from error
    if not texts:
        raise BadInput(f"{index}: is empty: run 1_3_1_generate_txt.py")
    home = str(index.absolute().parent)
    paths = Paths(home, b"".join(texts), _offsets(np.concatenate(lengths)))
    largest = max(part.max() for part in labels)
    code = next(code for code in "Bhi" if largest <= np.iinfo(code).max)
    return paths, Labels(code, b"".join(part.astype(code).tobytes() for part in labels))


def _read_lines(block: bytes) -> tuple[bytes, np.ndarray, np.ndarray] | None:
    """Return paths, their lengths, and labels of whole lines; None if one is bad."""
    raw = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
    ends, tabs = np.flatnonzero(raw == _NEWLINE), np.flatnonzero(raw == _TAB)
    starts = np.append(0, ends[:-1] + 1)
    last = np.append(tabs, -1)[np.searchsorted(tabs, ends) - 1]  # before each end
    if not (raw.all() and (starts < last).all() and (last < ends - 1).all()):
        return None
    labels = np.zeros(len(ends), np.int64)
    rows = np.arange(len(ends))  # whose label has a digit at this place
    for place in range((ends - last).max() - 1):
        at = ends[rows] - 1 - place
        rows, at = rows[at > last[rows]], at[at > last[rows]]
        digits = raw[at] - _ZERO  # of uint8: what comes before 0 becomes large
        if (digits > 9).any():
            return None
        labels[rows] += digits * np.int64(10 ** min(place, 10))
    if (labels > LARGEST_LABEL).any():
        return None
    pieces = np.stack([last - starts, ends + 1 - last], 1)
    is_path = np.repeat(np.arange(pieces.size) % 2 == 0, pieces.ravel())
    return raw[is_path].tobytes(), last - starts, labels.astype(np.int32)


def _first_bad_line(index: Path) -> str:
    """Say which line of an index is the first bad one, and why.

    :raises UnicodeDecodeError: it, or what comes after it, is not UTF-8
    """
    found = None
    with index.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if found is None and (why := _wrong_with(line.removesuffix("\n"))):
                found = f"line {number}: {why}"
    return found


def _wrong_with(line: str) -> str | None:
    path, tab, label = line.rpartition("\t")
    remedy = "mend it, or run 1_3_1_generate_txt.py"
    if not (tab and path and label.isascii() and label.isdecimal()):
        form = "path<TAB>label with a label counted from 0"
        return f"{line[:60]!r} is not {form}: {remedy}"
    if "\0" in path:
        return f"{line[:60]!r} has a NUL character, which no path can have: {remedy}"
    digits = label.lstrip("0")
    if len(digits) > 10 or int(digits or 0) > LARGEST_LABEL:
        number = digits if len(digits) <= 20 else f"{digits[:20]}…"
        return f"the label {number} is larger than {LARGEST_LABEL}: {remedy}"
    return None


def _offsets(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])
    return offsets


def class_names(index: str | Path, labels: Sequence[int]) -> list[str]:
    """Return the class of each label: from ``index.json`` beside the index, or numbers.

    :raises BadInput: a label has no name
    """
    largest = max(labels)
    record = Path(index).with_name("index.json")
    if record.is_file():
        classes = json.loads(record.read_text(encoding="utf-8")).get("classes", [])
    else:
        classes = [str(label) for label in range(largest + 1)]
    if largest >= len(classes):
        raise BadInput(
            f"{index}: has the label {largest}, but there are {len(classes)} "
            "classes, counted from 0: mend it, or run 1_3_1_generate_txt.py"
        )
    return classes


def load_image(path: str | Path, index: str | Path | None = None) -> Image.Image:
    """Return the image as RGB, decoded.

    :param index: the index file that names it, for the error's message
    :raises BadInput: it is missing or can't be decoded
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        remedy = "check the name"
        if index is not None:
            remedy = f"{index} names it: put it back, or run 1_3_1_generate_txt.py"
        raise BadInput(f"{path}: is missing: {remedy}") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path}: is a folder: name the images in it") from error
    except UnidentifiedImageError as error:
        raise BadInput(
            f"{path}: is not an image that Pillow reads: take it out of the data set"
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if one_line(error):  # it is not the image that is at fault
            raise
        raise BadInput(
            f"{path}: can't be decoded ({error}): take it out of the data set, or "
            "replace it"
        ) from error


def fit(image: Image.Image, side: int = 32) -> Image.Image:
    """Return the image as ``side`` x ``side`` pixels; as it is, if it has them."""
    if image.size == (side, side):
        return image
    return image.resize((side, side), Image.Resampling.BILINEAR)
