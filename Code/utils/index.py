"""Index files, and reading the images that they name: without torch."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from utils.console import BadInput, one_line
from utils.paths import read_json

LARGEST_LABEL = 2**31 - 1
LONGEST_LINE = 32_767  # bytes; no system has longer paths
LARGEST_IMAGE = 89_478_485  # pixels; beyond, Pillow warns of a bomb
_BLOCK = 1 << 20  # characters of an index that are read at a time
_MOST_CLASSES = 1_000_000
_MOST_DIGITS = 100  # of a label, with zeros before it
_TAB, _NEWLINE, _ZERO, _DOT = b"\t\n0."  # as numbers
_SLASHES = np.frombuffer(b"/\\" if os.name == "nt" else b"/", np.uint8)
_TURNS = {  # how a picture gets upright, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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


def read_index(index: str | Path, inside: bool = True) -> tuple[Paths, Labels]:
    r"""Read an index file of lines ``path<TAB>label``, UTF-8.

    Lines end with ``\n``, ``\r\n`` or ``\r``; a path may stand in several: each is a
    sample. ImageNet's, of 1.3 million lines, takes less than a second, and 45 bytes a
    line.

    :param inside: refuse paths that lead out of the folder of the index file, which
        nobody but you should write; ``/`` and ``..`` may lead anywhere
    :return: the images' paths, made absolute by the folder of the index file, and the
        labels, whole numbers from 0 to ``LARGEST_LABEL``
    :raises BadInput: the file is missing or empty, or a line is not of this form
    """
    index = Path(index)
    texts, lengths, labels = [], [], []
    try:
        with index.open(encoding="utf-8-sig") as file:
            while block := file.read(_BLOCK) + file.readline(LONGEST_LINE + 1):
                parts = _read_lines(block.encode(), inside)
                if parts is None:
                    raise BadInput(f"{index}, {_first_bad_line(index, inside)}")
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


def _read_lines(
    block: bytes, inside: bool
) -> tuple[bytes, np.ndarray, np.ndarray] | None:
    """Return paths, their lengths, and labels of whole lines; None if one is bad."""
    raw = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
    ends, tabs = np.flatnonzero(raw == _NEWLINE), np.flatnonzero(raw == _TAB)
    starts = np.append(0, ends[:-1] + 1)
    last = np.append(tabs, -1)[np.searchsorted(tabs, ends) - 1]  # before each end
    if not (raw.all() and (starts < last).all() and (last < ends - 1).all()):
        return None
    if (ends - starts).max() > LONGEST_LINE or (ends - last).max() > _MOST_DIGITS + 1:
        return None
    if inside and _leads_out(raw, starts, last):
        return None
    labels = np.zeros(len(ends), np.int64)
    rows = np.arange(len(ends))  # whose label has a digit at this place
    for place in range((ends - last).max() - 1):
        at = ends[rows] - 1 - place
        rows, at = rows[at > last[rows]], at[at > last[rows]]
        digits = raw[at] - _ZERO  # of uint8: what comes before 0 becomes large
        if (digits > 9).any():
            return None
        labels[rows] += digits.astype(np.int64) * 10 ** min(place, 10)
    if (labels > LARGEST_LABEL).any():
        return None
    pieces = np.stack([last - starts, ends + 1 - last], 1)
    is_path = np.repeat(np.arange(pieces.size) % 2 == 0, pieces.ravel())
    return raw[is_path].tobytes(), last - starts, labels.astype(np.int32)


def _leads_out(raw: np.ndarray, starts: np.ndarray, last: np.ndarray) -> bool:
    """Say whether a path begins at a root, or has ``..`` among its folders."""
    if np.isin(raw[starts], _SLASHES).any():
        return True
    if os.name == "nt" and (raw[starts + 1] == ord(":")).any():
        return True
    dots = np.flatnonzero((raw[:-2] == _DOT) & (raw[1:-1] == _DOT))
    before = np.isin(raw[dots - 1], _SLASHES) | np.isin(dots, starts)
    after = np.isin(raw[dots + 2], _SLASHES) | np.isin(dots + 2, last)
    return bool((before & after).any())


def _first_bad_line(index: Path, inside: bool) -> str:
    """Say which line of an index is the first bad one, and why.

    :raises UnicodeDecodeError: it, or what comes after it, is not UTF-8
    """
    found, number = None, 0
    with index.open(encoding="utf-8-sig") as file:
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if why := _wrong_with(line.removesuffix("\n"), inside):
                found = f"line {number}: {why}"
                break
        if found and len(line) <= LONGEST_LINE:
            while file.read(_BLOCK):
                pass
    return found


def _wrong_with(line: str, inside: bool) -> str | None:
    path, tab, label = line.rpartition("\t")
    remedy = "mend it, or run 1_3_1_generate_txt.py"
    if len(line.encode()) > LONGEST_LINE:
        start = f"{line[:20]!r}…"
        return f"{start} is longer than {LONGEST_LINE:,} bytes: {remedy}"
    if not (tab and path and label.isascii() and label.isdecimal()):
        form = "path<TAB>label with a label counted from 0"
        return f"{line[:60]!r} is not {form}: {remedy}"
    if "\0" in path:
        return f"{line[:60]!r} has a NUL character, which no path can have: {remedy}"
    digits = label.lstrip("0")
    if len(digits) > 10 or int(digits or 0) > LARGEST_LABEL:
        number = digits if len(digits) <= 20 else f"{digits[:20]}…"
        return f"the label {number} is larger than {LARGEST_LABEL}: {remedy}"
    if len(label) > _MOST_DIGITS:
        return f"the label has {len(label):,} digits: {remedy}"
    folders = (path.replace("\\", "/") if os.name == "nt" else path).split("/")
    if inside and (Path(path).anchor or folders[0] == "" or ".." in folders):
        return (
            f"{path[:60]!r} leads out of the folder of the index: put the image there, "
            "or a link to its folder"
        )
    return None


def _offsets(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])
    return offsets


def class_names(index: str | Path, labels: Sequence[int]) -> list[str]:
    """Return the class of each label: from ``index.json`` beside the index, or numbers.

    :raises BadInput: a label has no name, or the names are damaged
    """
    largest = max(labels)
    record = Path(index).with_name("index.json")
    if record.is_file():
        remedy = "delete it and run 1_3_1_generate_txt.py"
        classes = read_json(record, remedy).get("classes", [])
        if not isinstance(classes, list) or {*map(type, classes)} - {str}:
            raise BadInput(f"{record}: its classes are no list of names: {remedy}")
    elif largest >= _MOST_CLASSES:
        raise BadInput(
            f"{index}: has the label {largest}, as if there were so many classes: "
            "count them from 0, without gaps"
        )
    else:
        classes = [str(label) for label in range(largest + 1)]
    if largest >= len(classes):
        raise BadInput(
            f"{index}: has the label {largest}, but there are {len(classes)} "
            "classes, counted from 0: mend it, or run 1_3_1_generate_txt.py"
        )
    return classes


def load_image(
    path: str | Path, index: str | Path | None = None, largest: int | None = None
) -> Image.Image:
    """Return the image as RGB of 8 bits, decoded and upright.

    It is turned as its EXIF data say. Of 16 bits the upper 8 count, transparency is
    dropped, of an animation the first picture is taken.

    :param index: the index file that names it, for the error's message
    :param largest: shrink it if a side has more pixels than this
    :raises BadInput: it is missing, can't be decoded, or has more pixels than
        ``LARGEST_IMAGE``
    """
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116 (a path may be a string)
        if stat.S_ISDIR(kind):
            raise BadInput(f"{path}: is a folder: name the images in it")
        if not stat.S_ISREG(kind):
            raise BadInput(f"{path}: is no file: take it out of the data set")
        with Image.open(path) as image:
            if image.width * image.height > LARGEST_IMAGE:
                raise BadInput(
                    f"{path}: has {image.width} x {image.height} pixels, more than "
                    f"{LARGEST_IMAGE:,}: scale it down, or take it out of the data set"
                )
            picture = _to_rgb(image)
            turn = _TURNS.get(_orientation(image))
        if turn is not None:
            picture = picture.transpose(turn)
        if largest is not None:
            picture.thumbnail((largest, largest))
        return picture
    except BadInput:
        raise
    except FileNotFoundError as error:
        remedy = "check the name"
        if index is not None:
            remedy = f"{index} names it: put it back, or run 1_3_1_generate_txt.py"
        raise BadInput(f"{path}: is missing: {remedy}") from error
    except UnidentifiedImageError as error:
        raise BadInput(
            f"{path}: is not an image that Pillow reads: take it out of the data set"
        ) from error
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        if one_line(error):
            raise
        reason = str(error)[:80] or type(error).__name__
        raise BadInput(
            f"{path}: can't be decoded ({reason}): take it out of the data set, or "
            "replace it"
        ) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.format == "EPS":
        raise ValueError("it is a program, which another one would have to run")
    wide = image.mode == "I" and image.format in ("PNG", "PPM")
    if wide or image.mode.startswith("I;16"):  # Pillow takes all above 255 for white
        grey = np.asarray(image).astype(np.int32) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise ValueError("nobody knows which of its 32-bit numbers are white")
    return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # of damaged EXIF data; the picture is there
        return 1


def fit(image: Image.Image, side: int = 32) -> Image.Image:
    """Return the image as ``side`` x ``side`` pixels; as it is, if it has them."""
    if image.size == (side, side):
        return image
    return image.resize((side, side), Image.Resampling.BILINEAR)
