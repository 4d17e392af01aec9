"""Checkpoints: all that the next step of a training depends on, in a file.

A checkpoint is a line of text, then what ``torch.save`` writes::

    tutorial-checkpoint {"sha256": "…", "settings": {…}}
    PK…

The line is read first: the checksum, of settings and content, tells a damaged file
before anything in it is believed; the settings tell whose it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import torch

from utils.console import BadInput, one_line
from utils.paths import make_dir, write_whole
from utils.pickles import Name, read_pickle

_MARK = b"tutorial-checkpoint "
_LARGEST = 4 << 30  # bytes of a file
_MOST_RECORDS = 100_000  # tensors in it, and a few more
_STORAGES = {
    f"torch.{name}Storage": size
    for size, names in {
        1: "Byte Char Bool",
        2: "Short Half BFloat16",
        4: "Int Float",
        8: "Long Double ComplexFloat",
        16: "ComplexDouble",
    }.items()
    for name in names.split()
}
_NAME = re.compile(r"step_(\d{9,})\.ckpt")


def write_checkpoint(
    folder: str | Path, step: int, state: dict, settings: dict, keep: int = 2
) -> Path:
    """Write ``state`` as ``folder/step_000000123.ckpt`` and return its path.

    It is written beside its place, flushed to the disk and renamed: a process that is
    killed leaves the checkpoints as they were.

    :param step: of the whole training; the newest checkpoint has the highest
    :param state: tensors, numbers, strings, None, and lists and dicts of them
    :param settings: what the training was asked for; plain data, as JSON knows it
    :param keep: so many stay, older ones are deleted
    """
    folder = make_dir(Path(folder))
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    head = {"sha256": _checksum(settings, content), "settings": settings}
    path = folder / f"step_{step:09d}.ckpt"
    write_whole(path, _MARK + json.dumps(head).encode() + b"\n" + content)
    found = checkpoints(folder)
    after = [p for p in found if _step(p) > step]  # damaged, or of another run
    for other in after + found[len(after) + keep :]:
        other.unlink(missing_ok=True)
    return path


def checkpoints(folder: str | Path) -> list[Path]:
    """Return the checkpoints in ``folder``, the newest first."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=_step)[::-1]


def _step(path: Path) -> int:
    return int(_NAME.fullmatch(path.name)[1])


def _checksum(settings: dict, content: bytes) -> str:
    return hashlib.sha256(json.dumps(settings).encode() + b"\n" + content).hexdigest()


def clear_checkpoints(folder: str | Path) -> None:
    """Delete the checkpoints in ``folder``, and what a killed process left of one."""
    for path in checkpoints(folder) + list(Path(folder).glob("*.part")):
        path.unlink(missing_ok=True)


def read_checkpoint(path: str | Path) -> tuple[dict, dict]:
    """Return the state and the settings of a checkpoint, tensors on the CPU.

    Only tensors and plain data are read: a pickle that runs code is refused.

    :raises BadInput: it is damaged, or no checkpoint
    """
    try:
        line, _, content = read_bounded(path).partition(b"\n")
        if not line.startswith(_MARK):
            raise ValueError("it does not begin as one")
        head = json.loads(line.removeprefix(_MARK))
        if _checksum(head["settings"], content) != head["sha256"]:
            raise ValueError("its checksum is not that of its content")
        state, settings = load_plain(content), head["settings"]
        if not isinstance(state, dict) or not isinstance(settings, dict):
            raise ValueError("it holds no state")
        return state, settings
    except Exception as error:  # torch.load and json raise a dozen kinds
        if one_line(error):  # it can't be read now: that is no reason to delete it
            raise
        raise BadInput(
            f"{path}: is no whole checkpoint ({first_line(error)}): delete it"
        ) from error


def first_line(error: Exception) -> str:
    """Return the beginning of what an error says, for a message of one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:80]


def read_bounded(path: str | Path) -> bytes:
    """Return the content of a file that is not larger than any checkpoint is.

    :raises ValueError: it is
    """
    size = Path(path).stat().st_size
    if size > _LARGEST:
        raise ValueError(f"it has {size >> 30} GB")
    return Path(path).read_bytes()


def load_plain(content: bytes) -> object:
    """Return what ``torch.save`` wrote: tensors, on the CPU, and plain data.

    ``weights_only`` refuses what runs code. It does not refuse a tensor that is larger
    than the memory it comes with, whose numbers would be those of something else, nor
    what fills the memory, nor a flipped bit: this is looked at first.

    :raises Exception: of many kinds: it is damaged, or holds anything else
    """
    _look_through(content)
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _look_through(content: bytes) -> None:
    """See that a file of ``torch.save`` holds what it says.

    :raises Exception: of many kinds: it does not
    """
    if not content.startswith(b"PK\3\4"):
        raise ValueError("torch.save did not write it")
    if content.count(b"PK\1\2") > _MOST_RECORDS:
        raise ValueError("it has far too many records")
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        records = zipped.infolist()
        sizes = {record.filename: record.file_size for record in records}
        packed = any(record.compress_type or record.flag_bits & 1 for record in records)
        if len(sizes) < len(records):
            raise ValueError("it has a record twice")
        if packed or sum(sizes.values()) > len(content):
            raise ValueError("it is larger than it looks")
        (program,) = (name for name in sizes if name.endswith("/data.pkl"))
        if zipped.testzip():
            raise ValueError("a checksum in it is wrong")
        pickled = zipped.read(program)
    home = program.removesuffix("data.pkl")

    def refer(what: object) -> int:
        """Return the number of bytes of a storage; it has to be in the file."""
        mark, kind, key, _, count = what
        size = count * _STORAGES[kind] if isinstance(kind, Name) else None
        if mark != "storage" or size != sizes[f"{home}data/{key}"] or size < 0:
            raise UnpicklingError("a tensor in it is larger or smaller than its memory")
        return Storage(count)

    read_pickle(pickled, {**dict.fromkeys(_STORAGES), **_KNOWN}, refer)


class Storage(int):
    """How many numbers there are in the memory of a tensor."""


class _Dict(dict):
    """What stands for an OrderedDict while a file is looked through."""

    def build(self, state: dict) -> None:
        if not isinstance(state, dict):
            raise UnpicklingError("a dictionary in it has no sound state")


def _tensor(storage: Storage, offset: int, size: tuple, stride: tuple, *_: object):
    """See that a tensor stays within its storage."""
    numbers = (offset, *size, *stride)
    fine = type(storage) is Storage and len(size) == len(stride) <= 16
    if not fine or any(type(n) is not int or n < 0 for n in numbers):
        raise UnpicklingError("a tensor in it has no sound shape")
    steps = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) > storage or (0 not in size and offset + steps >= storage):
        raise UnpicklingError("a tensor in it is larger than its memory")


_KNOWN = {
    "collections.OrderedDict": lambda: _Dict(),
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda data, grad, hooks: None,
}


def newest_checkpoint(
    folder: str | Path, settings: dict, say: Callable[[str], None] = print
) -> dict | None:
    """Return the state of the newest checkpoint that is whole; None without any.

    :param settings: must be those that the checkpoint was written with
    :param say: told of every damaged one that is passed over
    :raises BadInput: it belongs to other settings
    """
    settings = json.loads(json.dumps(settings))
    for path in checkpoints(folder):
        try:
            state, its_settings = read_checkpoint(path)
        except BadInput as error:
            say(f"{error}; it is passed over")
            continue
        names = sorted(its_settings.keys() | settings.keys())
        other = [
            f"{name} {its_settings.get(name)} (now {settings.get(name)})"
            for name in names
            if its_settings.get(name) != settings.get(name)
        ]
        if other:
            raise BadInput(
                f"{path}: was written with other settings: {', '.join(other)}: give "
                "the same again, or leave --resume out and start afresh"
            )
        return state
    return None
