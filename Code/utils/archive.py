"""Archives of pickled batches, as CIFAR-10 comes in: read safely, and written."""

import gzip
import io
import pickle
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from utils.console import BadInput
from utils.paths import make_dir, write_whole
from utils.prepare import DataSet, fingerprint, locked

OFFICIAL_MD5 = {"cifar10": "c58f30108f718f92721af3bb95e74349"}
_OFFICIAL_SIZE = {"cifar10": 170_498_071}  # bytes
_OFFICIAL_URL = {"cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"}
_LARGEST = 200 << 20  # bytes of one batch; CIFAR-10's have 31 MB
_REMEDY = "fetch the archive again"


class _Array:
    """What stands for a numpy array while a pickle is read: data, never code."""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.fortran, self.data = state


class _Dtype:
    def __init__(self, name: str, *_: object) -> None:
        self.name = name if isinstance(name, str) else name.decode("ascii")

    def __setstate__(self, state: tuple) -> None:
        pass


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    return text.encode("latin-1")


class _BatchUnpickler(pickle.Unpickler):
    """Knows the names in a pickled array, and gives harmless stand-ins for them."""

    _KNOWN: ClassVar = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is code")
        return self._KNOWN[module, name]

    def persistent_load(self, pid: object) -> None:
        raise pickle.UnpicklingError("it refers to something outside of it")


def unpickle(content: bytes) -> dict:
    """Return the dictionary that a pickled batch holds, whatever else the file says.

    Only numbers, strings, lists, dictionaries and arrays are made; nothing is imported
    or run. Arrays come as uint8.

    :raises pickle.UnpicklingError: it holds anything else, or is damaged
    """
    try:
        loaded = _BatchUnpickler(io.BytesIO(content), encoding="latin-1").load()
        if not isinstance(loaded, dict):
            raise pickle.UnpicklingError("it holds no dictionary")
        return {
            str(key): _to_numpy(value) if isinstance(value, _Array) else value
            for key, value in loaded.items()
        }
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # whatever a damaged pickle leads to
        raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error


def _to_numpy(array: _Array) -> np.ndarray:
    content = array.data
    content = content.encode("latin-1") if isinstance(content, str) else content
    if array.dtype.name not in ("u1", "|u1", "uint8"):
        raise pickle.UnpicklingError(f"its data are {array.dtype.name}, not uint8")
    order = "F" if array.fortran else "C"
    return np.frombuffer(content, np.uint8).reshape(array.shape, order=order)


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
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = Path(member.name).name
                kind = re.fullmatch(
                    r"batches\.meta|(test)_batch|(data)_batch_\d+", name
                )
                if not kind or not member.isfile():
                    continue
                if member.size > _LARGEST:
                    raise BadInput(
                        f"{archive}: {name} in it is too large ({member.size >> 20} MB)"
                        f" for a batch: {_REMEDY}"
                    )
                content = tar.extractfile(member).read()
                try:
                    batch = unpickle(content)
                except pickle.UnpicklingError as error:
                    raise BadInput(
                        f"{archive}: {name} in it is not a batch: {error}: {_REMEDY}"
                    ) from error
                if name == "batches.meta":
                    names = _class_names(archive, batch)
                else:
                    waiting.append((name, "test" if kind[1] else "train", batch))
                while names and waiting:
                    name, part, batch = waiting.pop(0)
                    images, labels = _batch(archive, name, batch, len(names))
                    found = True
                    yield part, names, images, labels
    except FileNotFoundError as error:
        raise BadInput(
            f"{archive}: is missing: run 1_1_cifar10_to_png.py --dataset cifar10 "
            "--download, or put the file there yourself"
        ) from error
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"{archive}: is damaged ({error}): {_REMEDY}") from error
    if not found:
        missing = "no batches" if names else "no batches.meta with class names"
        raise BadInput(f"{archive}: has {missing}: {_REMEDY}")


def _class_names(archive: Path, batch: dict) -> list[str]:
    names = batch.get("label_names")
    good = isinstance(names, list) and all(
        isinstance(name, str) and re.fullmatch(r"[\w -]+", name) for name in names
    )
    if not good or not names or len(set(names)) < len(names):
        raise BadInput(f"{archive}: batches.meta has no usable label_names: {_REMEDY}")
    return names


def _batch(
    archive: Path, name: str, batch: dict, classes: int
) -> tuple[np.ndarray, list[int]]:
    rows, labels = batch.get("data"), batch.get("labels")
    wrong = None
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3072:
        wrong = "its data are not of shape (N, 3072)"
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
