"""Archives of pickled batches, as CIFAR-10 comes in: read safely, and written."""

import gzip
import io
import math
import pickle
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from pickle import UnpicklingError

import numpy as np

from utils.console import BadInput, one_line
from utils.paths import make_dir, write_whole
from utils.pickles import read_pickle
from utils.prepare import DataSet, fingerprint, locked

OFFICIAL_MD5 = {"cifar10": "c58f30108f718f92721af3bb95e74349"}
_OFFICIAL_SIZE = {"cifar10": 170_498_071}  # bytes
_OFFICIAL_URL = {"cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"}
_LARGEST = 200 << 20  # bytes of one file in an archive; CIFAR-10's have 31 MB
_LARGEST_TOTAL = 500 << 20  # of all; CIFAR-10 has 178 MB
_LARGEST_HEADER = 64 << 10  # of what stands between them
_MOST_FILES = 500
_MOST_CLASSES = 1000
_WANTED = re.compile(r"batches\.meta|test_batch|data_batch_[0-9]+")
_REMEDY = "fetch the archive again"


class _Array:
    """What stands for a numpy array while a pickle is read: data, never code."""

    def __init__(self, *_: object) -> None:
        self.shape = self.dtype = self.data = None

    def build(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.fortran, self.data = state

    def to_numpy(self) -> np.ndarray:
        """Return the array that it stands for, which has to be of uint8."""
        kind = getattr(self.dtype, "name", None)
        if kind not in ("u1", "|u1", "uint8"):
            raise UnpicklingError(f"its data are not uint8, but {str(kind)[:20]}")
        content = getattr(self.data, "text", self.data)
        content = content.encode("latin-1") if isinstance(content, str) else content
        sizes = self.shape if isinstance(self.shape, tuple) else ()
        fits = all(type(size) is int and 0 <= size <= _LARGEST for size in sizes)
        if len(sizes) > 8 or not fits or math.prod(sizes) != len(content):
            raise UnpicklingError("its data are not as many as it says")
        order = "F" if self.fortran else "C"
        return np.frombuffer(content, np.uint8).reshape(sizes, order=order)


class _Dtype:
    """What stands for a dtype."""

    def __init__(self, name: str, *_: object) -> None:
        self.name = name.decode("ascii") if isinstance(name, bytes) else name

    def build(self, state: tuple) -> None:
        pass


class _Bytes:
    """Bytes that a pickle of protocol 2 has as text; made once they are wanted."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text


_KNOWN = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray._reconstruct": _Array,
    "_codecs.encode": _Bytes,
}


def unpickle(content: bytes) -> dict:
    """Return the dictionary that a pickled batch holds, whatever else the file says.

    Only numbers, strings, lists, dictionaries and one array, uint8, are made; nothing
    is imported or run: see :func:`utils.pickles.read_pickle`.

    :raises UnpicklingError: it holds anything else, or is damaged
    """
    loaded = read_pickle(content, _KNOWN)
    if not isinstance(loaded, dict):
        raise UnpicklingError("it holds no dictionary")
    arrays = [name for name, value in loaded.items() if isinstance(value, _Array)]
    if len(arrays) > 1:
        raise UnpicklingError("it holds more than one array")
    try:
        return {**loaded, **{name: loaded[name].to_numpy() for name in arrays}}
    except (TypeError, ValueError) as error:
        raise UnpicklingError(f"its array is damaged: {error}") from error


class _Frugal(gzip.GzipFile):
    """A gzip file that gives no more than it may: a bomb does not go off.

    :ivar allowed: so many bytes may be read
    :ivar last: the beginning of what was read last
    """

    allowed, last = 0, b""

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, or less at the end.

        :raises ReadError: that is more than is allowed
        """
        if not 0 <= size <= self.allowed:
            raise tarfile.ReadError(f"there are {size:,} bytes of what nobody needs")
        self.allowed -= size
        content = super().read(size)
        self.last = content[:512]
        return content


def _files(archive: Path, wanted: re.Pattern) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of some files in a tar.gz, in its order.

    Their names, without folders, are ``wanted``. The archive is read as it comes,
    nothing is written to the disk. What no archive of batches has is refused before it
    is unpacked: links, devices, names that lead out of the folder, a file twice, more
    than a few hundred MB or a few hundred files.

    :raises BadInput: there is such a thing, or the archive is missing or damaged
    """
    seen, total = set(), 0
    try:
        with _Frugal(archive) as zipped:
            zipped.allowed = _LARGEST_HEADER
            with tarfile.open(fileobj=zipped, mode="r:") as tar:
                while member := tar.next():
                    total += member.size
                    wrong = _wrong_with(member)
                    if wrong is None and member.name in seen:
                        wrong = "is in it twice"
                    elif wrong is None and (
                        total > _LARGEST_TOTAL or len(seen) == _MOST_FILES
                    ):
                        wrong = "is more than an archive of batches holds"
                    if wrong:
                        name = member.name[:60]
                        raise BadInput(f"{archive}: {name!r} {wrong}: {_REMEDY}")
                    seen.add(member.name)
                    name = PureWindowsPath(member.name).name
                    if member.isfile() and wanted.fullmatch(name):
                        zipped.allowed = member.size
                        content = zipped.read(member.size)
                        if len(content) < member.size:
                            raise EOFError("it ends too early")
                        yield name, content
                        del content
                    zipped.allowed = _LARGEST_HEADER
                    tar.members.clear()
            if any(zipped.last):  # tarfile takes a bad header for the end
                raise tarfile.ReadError("a bad header")
            while zipped.read(1024):  # at the very end gzip has its checksum
                pass
    except BadInput:
        raise
    except FileNotFoundError as error:
        raise BadInput(
            f"{archive}: is missing: run 1_1_cifar10_to_png.py --dataset cifar10 "
            "--download, or put the file there yourself"
        ) from error
    except Exception as error:  # tarfile and gzip raise a dozen kinds
        if one_line(error):
            raise
        raise BadInput(f"{archive}: is damaged ({error}): {_REMEDY}") from error


def _wrong_with(member: tarfile.TarInfo) -> str | None:
    path = PureWindowsPath(member.name)  # which knows all separators
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.sparse
    if not (plain or member.isdir()):
        return "in it is neither a file nor a folder"
    if path.anchor or ".." in path.parts:
        return "in it leads out of the folder"
    if member.size < 0:
        return "in it has a size below zero"
    if member.size > _LARGEST:
        return f"in it is too large ({member.size >> 20} MB) for a batch"
    return None


def read_batches(
    archive: Path,
) -> Iterator[tuple[str, list[str], np.ndarray, list[int]]]:
    """Yield batch by batch: ``train`` or ``test``, the class names, images and labels.

    Images are uint8 of shape (N, 32, 32, 3). The batches come in the archive's order;
    nothing is written to the disk.

    :raises BadInput: the archive is damaged, or a file in it is not what it should be
    """
    names: list[str] | None = None
    found = False
    waiting: list[tuple[str, str, dict]] = []
    for name, content in _files(archive, _WANTED):
        try:
            batch = unpickle(content)
        except UnpicklingError as error:
            raise BadInput(
                f"{archive}: {name} in it is not a batch: {error}: {_REMEDY}"
            ) from error
        del content
        if name == "batches.meta":
            names = _class_names(archive, batch)
        else:
            part = "test" if name == "test_batch" else "train"
            waiting.append((name, part, batch))
        while names and waiting:
            name, part, batch = waiting.pop(0)
            images, labels = _batch(archive, name, batch, len(names))
            found = True
            yield part, names, images, labels
    if not found:
        missing = "no batches" if names else "no batches.meta with class names"
        raise BadInput(f"{archive}: has {missing}: {_REMEDY}")


def _class_names(archive: Path, batch: dict) -> list[str]:
    names = batch.get("label_names")
    good = isinstance(names, list) and all(
        isinstance(name, str) and re.fullmatch(r"[\w-]([\w -]{0,60}[\w-])?", name)
        for name in names
    )
    alike = good and len({name.casefold() for name in names}) < len(names)
    if not good or alike or not 0 < len(names) <= _MOST_CLASSES:
        raise BadInput(f"{archive}: batches.meta has no usable label_names: {_REMEDY}")
    return names


def _batch(
    archive: Path, name: str, batch: dict, classes: int
) -> tuple[np.ndarray, list[int]]:
    rows, labels = batch.get("data"), batch.get("labels")
    wrong = None
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3072:
        wrong = "its data are not of shape (N, 3072)"
    elif len(rows) == 0:
        wrong = "it has no images"
    elif not isinstance(labels, list) or len(labels) != len(rows):
        wrong = f"it has not one label for each of its {len(rows)} images"
    elif any(type(label) is not int or not 0 <= label < classes for label in labels):
        wrong = f"it has a label beyond 0 to {classes - 1}"
    if wrong:
        raise BadInput(f"{archive}: {name} in it is not a batch: {wrong}: {_REMEDY}")
    images = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def write_digits(archive: Path) -> None:
    """Write scikit-learn's 1797 handwritten digits as an archive like CIFAR-10's.

    The 8 x 8 greys become 32 x 32 RGB. The same bytes on every run.
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = []
    for grey in (digits.images * 255 / 16).round().astype(np.uint8):
        large = Image.fromarray(grey).resize((32, 32), Image.Resampling.BICUBIC)
        rows.append(np.tile(np.asarray(large).reshape(-1), 3))
    labels = [int(label) for label in digits.target]
    members = {"batches.meta": {"label_names": [str(digit) for digit in range(10)]}}
    for k, start in enumerate(range(0, len(rows), 600), 1):
        part = slice(start, start + 600)
        members[f"data_batch_{k}"] = {
            "data": np.stack(rows[part]),
            "labels": labels[part],
        }
    file = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 1, file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, content in members.items():
            pickled = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"digits-batches-py/{name}")
            info.size = len(pickled)
            tar.addfile(info, io.BytesIO(pickled))
    make_dir(archive.parent)
    write_whole(archive, file.getvalue())


def fetch_archive(data: DataSet, download: bool | str = False) -> None:
    """See that the archive of ``data`` is there: pack the digits, download CIFAR-10.

    Says so when CIFAR-10 is not the official one.

    :param download: fetch it if it is missing; from another address, if that is given
    :raises BadInput: the download failed, or there is nothing to download
    """
    if data.name == "digits":
        if download or not data.archive.exists():
            write_digits(data.archive)
        return
    official = OFFICIAL_MD5[data.name]
    if download:
        from utils.download import download as fetch

        url = _OFFICIAL_URL[data.name] if download is True else download
        make_dir(data.home)
        with locked(data.home / ".lock-archive"):
            if not data.archive.exists():
                fetch(url, data.archive, official, _OFFICIAL_SIZE[data.name])
            elif fingerprint("archive", data) != official:
                raise BadInput(
                    f"{data.archive}: is not the official one: move it away first"
                )
    elif data.archive.exists():
        md5 = fingerprint("archive", data)
        if md5 != official:
            print(f"note: md5 {md5}: this is not the official {data.archive.name}")
