"""Data flow one way: each artefact is made from the one before, and remembers it.

============ ===================================== ========================== =========
artefact     where                                 made by                    from
============ ===================================== ========================== =========
``png``      ``Data/<data set>/png/``              1_1_cifar10_to_png.py      archive
``split``    ``Data/<data set>/split/``            1_2_split_dataset.py       png, or
                                                                              a folder
``index``    ``Data/<data set>/train.txt`` …       1_3_1_generate_txt.py      split
``mean_std`` ``Data/<data set>/mean_std.json``     1_5_1_compute_mean.py      index
``weights``  ``Result/main_training/<data set>/``  main_training/main.py      mean_std
             ``default/net_params.pt``
============ ===================================== ========================== =========
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from utils.console import BadInput, Parser
from utils.paths import CODE, DATA_ROOT, RESULT_ROOT, make_dir, read_json

_MADE_FROM = {  # in the order in which they are made
    "png": "archive",
    "split": "png",
    "index": "split",
    "mean_std": "index",
    "weights": "mean_std",
}
_MADE_BY = {
    "png": "1_data_prepare/1_1_cifar10_to_png.py",
    "split": "1_data_prepare/1_2_split_dataset.py",
    "index": "1_data_prepare/1_3_1_generate_txt.py",
    "mean_std": "1_data_prepare/1_5_1_compute_mean.py",
    "weights": "main_training/main.py",
}
_FILES = {  # what an artefact consists of; the last holds the record
    "png": ["png"],
    "split": ["split"],
    "index": ["train.txt", "valid.txt", "test.txt", "index.json"],
    "mean_std": ["mean_std.json"],
}
_RECORD = {
    "png": "png/manifest.json",
    "split": "split/manifest.json",
    "index": "index.json",
    "mean_std": "mean_std.json",
}


def _are_names(names: object) -> bool:
    return (
        isinstance(names, list)
        and len(names) > 0
        and all(isinstance(name, str) for name in names)
    )


def _are_channels(values: object) -> bool:
    numbers = isinstance(values, list) and all(type(v) in (int, float) for v in values)
    return numbers and len(values) == 3 and all(0 <= v <= 1 for v in values)


_IS_SOUND = {  # what other scripts take from a record
    "png": {"images": lambda images: isinstance(images, dict)},
    "split": {"images": lambda images: isinstance(images, dict)},
    "index": {"classes": _are_names},
    "mean_std": {
        "mean": _are_channels,
        "std": _are_channels,
        "images": lambda count: type(count) is int and count > 0,
    },
}
ARCHIVES = {"digits": "digits-python.tar.gz", "cifar10": "cifar-10-python.tar.gz"}
_NO_UTF_8 = "[\ud800-\udfff]"  # what Python makes of such bytes in a name
_UNFIT = re.compile(f"[\n\r]|{_NO_UTF_8}")  # for a line of an index, which is UTF-8
_LONGEST_NAME = 60  # characters: at most 240 bytes; disks take 255


@dataclass(frozen=True)
class DataSet:
    """One data set: its name, its place under ``Data/``, and a user's own folder.

    :ivar given: what ``--dataset`` said
    :ivar name: its folder under ``Data/`` and ``Result/main_training/``
    :ivar folder: of a user's own images, one sub-folder a class; None for the others
    """

    given: str
    name: str
    folder: Path | None = None

    @property
    def home(self) -> Path:
        """The folder of its artefacts."""
        return DATA_ROOT / self.name

    @property
    def archive(self) -> Path | None:
        """What it is unpacked from; None for a user's own images."""
        return None if self.folder else self.home / ARCHIVES[self.name]

    def record(self, artefact: str) -> dict:
        """Return what ``artefact`` remembers of its making; empty where there is none.

        :raises BadInput: the file can't be read
        """
        path = self.home / _RECORD[artefact]
        remedy = f"delete it and run {_MADE_BY[artefact]}"
        try:
            record = read_json(path, remedy)
        except FileNotFoundError:
            return {}
        for key, is_sound in _IS_SOUND.get(artefact, {}).items():
            if not is_sound(record.get(key)):
                raise BadInput(f"{path}: is damaged (no usable {key!r}): {remedy}")
        return record


def find_dataset(given: str | None = None) -> DataSet:
    """Return the data set that ``given`` names.

    :param given: ``digits``, ``cifar10``, or the path of a folder with one sub-folder a
        class; None for the variable ``TUTORIAL_DATASET``, else ``digits``
    :raises BadInput: no such data set
    """
    given = given or os.environ.get("TUTORIAL_DATASET") or "digits"
    if given in ARCHIVES:
        return DataSet(given, given)
    folder = Path(given)
    if given.startswith("~"):
        with suppress(RuntimeError):  # nobody has a home here
            folder = folder.expanduser()
    if not folder.is_dir():
        raise BadInput(
            f"{given}: no such data set: give digits, cifar10, or the path of a folder "
            "with one sub-folder of images per class"
        )
    folder = folder.resolve()
    mark = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()
    name = re.sub(_NO_UTF_8, "_", folder.name)[:_LONGEST_NAME] or "root"
    return DataSet(str(folder), f"{name}-{mark[:6]}", folder)


def arguments(doc: str) -> argparse.ArgumentParser:
    """Return a parser with ``--dataset``, for a script with the docstring ``doc``.

    What it parses has a :class:`DataSet` as ``dataset``.
    """
    lines = doc.strip().splitlines()
    text = [line for line in lines if not re.fullmatch(r"=+", line)]
    parser = Parser(description=text[0])
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        type=lambda given: find_dataset(given),
        default=os.environ.get("TUTORIAL_DATASET") or "digits",
        help="digits, cifar10, or a folder with one sub-folder of images per class",
    )
    return parser


def class_folders(folder: Path) -> dict[str, list[str]]:
    """Return the images of each class below ``folder``: sorted, relative to ``folder``.

    Classes are the sub-folders (hidden ones apart), images the files with an ending
    that Pillow reads, also in folders below; paths have ``/`` on every system.

    :raises BadInput: no classes, or one without images; a name that no index can hold
    """
    from PIL import Image

    endings = tuple(Image.registered_extensions())
    classes = sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_dir() and not entry.name.startswith(".")
    )
    if not classes:
        raise BadInput(f"{folder}: has no sub-folders: make one per class, with images")
    found = {}
    for name in classes:
        found[name] = sorted(
            Path(place, file).relative_to(folder).as_posix()
            for place, _, files in os.walk(folder / name)
            for file in files
            if file.lower().endswith(endings) and not file.startswith(".")
        )
        if not found[name]:
            raise BadInput(
                f"{folder / name}: has no images: put some there, or remove the folder"
            )
        if unfit := next(filter(_UNFIT.search, found[name]), None):
            raise BadInput(
                f"{folder}: the name {unfit!r} has a line break, or bytes that are no "
                "UTF-8: give it another one, since an index can't hold this"
            )
    return found


def fingerprint(artefact: str, data: DataSet) -> str | None:
    """Return a text that changes whenever ``artefact`` does; None where it is missing.

    Of the archive it is the md5, of a user's own folder a hash over the images' names,
    sizes and times, of all others a hash of the record, which holds the fingerprint of
    what they were made from.
    """
    if artefact == "archive":
        path = data.archive
        if path is None or not path.is_file():
            return None
        return hash_of_file(path, "md5")
    if artefact == "png" and data.folder:
        seen = hashlib.sha256()
        for images in class_folders(data.folder).values():
            for image in images:
                status = (data.folder / image).stat()
                line = f"{image}\t{status.st_size}\t{status.st_mtime_ns}\n"
                seen.update(line.encode("utf-8", "surrogateescape"))
        return seen.hexdigest()
    path = data.home / _RECORD[artefact]
    if not path.is_file():
        return None
    content = [path.read_bytes()]
    if artefact == "index":  # its text files may be edited by hand
        content += [(data.home / name).read_bytes() for name in _FILES["index"][:3]]
    return hashlib.sha256(b"".join(content)).hexdigest()


def hash_of_file(path: Path, kind: str) -> str:
    """Return the hash of a file of any size: ``kind`` is md5, sha256 …"""
    seen = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            seen.update(block)
    return seen.hexdigest()


def weights_path(data: DataSet, name: str = "default") -> Path:
    """Return where main.py writes the weights of the run ``name``."""
    return RESULT_ROOT / "main_training" / data.name / name / "net_params.pt"


def why_not(artefact: str, data: DataSet) -> str | None:
    """Say why ``artefact`` can't be used as it is: ``missing``, ``stale``; or None."""
    if artefact == "png" and data.folder:
        return None
    if artefact == "weights":
        path = weights_path(data)
        if not path.is_file():
            return "missing"
        from utils.train import read_weights

        made_from = read_weights(path)[1].get("made_from")
    else:
        if not all((data.home / name).exists() for name in _FILES[artefact]):
            return "missing"
        record = data.record(artefact)
        if not record:
            return "missing"
        made_from = record.get("made_from")
    source = fingerprint(_MADE_FROM[artefact], data)
    if source is None and artefact == "png":
        return None  # unpacked, then the archive was deleted: that is fine
    return None if made_from == source else "stale"


def needs(artefact: str, dataset: str | DataSet | None = None) -> Path:
    """Return the path of ``artefact``, made first where it is missing or stale.

    It is made by the script that makes it, in a process of its own, from artefacts that
    are made first in the same way; several processes may ask at once.

    :param artefact: ``png``, ``split``, ``index``, ``mean_std`` or ``weights``
    :param dataset: see :func:`find_dataset`
    :return: of ``index`` the folder with train.txt, valid.txt and test.txt, of a user's
        own ``png`` the folder itself
    :raises BadInput: the script could not make it
    """
    data = dataset if isinstance(dataset, DataSet) else find_dataset(dataset)
    for step in list(_MADE_FROM)[: list(_MADE_FROM).index(artefact) + 1]:
        if why_not(step, data) is None:
            continue
        make_dir(data.home)
        with locked(data.home / f".lock-needs-{step}"):
            why = why_not(step, data)
            if why is not None:
                _run_maker(step, data, why)
    if artefact == "weights":
        return weights_path(data)
    if artefact == "png" and data.folder:
        return data.folder
    if artefact == "index":
        return data.home
    return data.home / _FILES[artefact][0]


def _run_maker(artefact: str, data: DataSet, why: str) -> None:
    script = CODE / _MADE_BY[artefact]
    print(f"({artefact} of {data.name} is {why}: running {script.name})", flush=True)
    done = subprocess.run(
        [sys.executable, str(script), "--dataset", data.given],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        silent = f"it said nothing, and ended with status {done.returncode}"
        last = (done.stderr.strip().splitlines() or [silent])[-1]
        raise BadInput(
            last if done.returncode == 2 else f"{script.name} failed: {last}"
        )


def make(
    artefact: str,
    data: DataSet,
    build: Callable[[Path], dict],
    settings: dict | None = None,
    again: bool = False,
) -> bool:
    """Make ``artefact`` in a folder beside its place, then move it there, whole.

    One process makes it at a time, a second one waits. What a killed run left is
    removed. Where there is nothing to do, nothing is written: that may be on a disk
    that can only be read, or belong to another user.

    :param build: gets an empty folder, writes the files there, and returns what the
        record shall say
    :param settings: a part of the record; other settings make it anew
    :param again: make it even if it is there already
    :return: False if it was there already, from the same source and settings
    """
    part, old = (data.home / f"{artefact}.{end}" for end in ("part", "old"))
    settings = json.loads(json.dumps(settings or {}))

    def is_there() -> bool:
        as_wanted = data.record(artefact).get("settings", {}) == settings
        return not again and as_wanted and why_not(artefact, data) is None

    if is_there() and not (part.exists() or old.exists()):
        return False
    make_dir(data.home)
    with locked(data.home / f".lock-{artefact}"):
        for left_over in (part, old):
            if left_over.exists():
                shutil.rmtree(left_over)
        if is_there():
            return False
        part.mkdir()
        try:
            made_from = fingerprint(_MADE_FROM[artefact], data)
            record = {"made_from": made_from, "settings": settings, **build(part)}
            text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
            name = _RECORD[artefact]
            if artefact in ("png", "split"):  # its files stand in the folder itself
                name = Path(name).name
                _names_are_kept(part, record, data)
            (part / name).write_text(text, encoding="utf-8", newline="\n")
            _move_in(artefact, data, part, old)
        except OSError as error:
            error.filename = error.filename or str(data.home / artefact)
            raise
        finally:
            for left_over in (part, old):
                shutil.rmtree(left_over, ignore_errors=True)
    return True


def _names_are_kept(folder: Path, record: dict, data: DataSet) -> None:
    """See that all images stand in ``folder``, each class under its name.

    To most disks of Windows and macOS ``Cat`` and ``cat`` are one name.

    :raises BadInput: the disk has made one of two
    """
    for part, count in record.get("images", {}).items():
        classes = sorted(os.listdir(folder / part))  # noqa: PTH208 (names are enough)
        found = sum(len(files) for _, _, files in os.walk(folder / part))
        if classes != sorted(record["classes"]) or found != count:
            raise BadInput(
                f"{data.folder or data.home}: has names that the disk of {data.home} "
                "does not tell apart, such as Cat and cat: rename one, or name a "
                "folder on another disk in TUTORIAL_DATA"
            )


def _move_in(artefact: str, data: DataSet, part: Path, old: Path) -> None:
    """Replace the old artefact by the new one; without its record it does not count."""
    if artefact in ("png", "split"):
        target = data.home / artefact
        try:
            if target.exists():
                target.replace(old)
            part.replace(target)
        except BaseException:
            if old.exists() and not target.exists():
                old.replace(target)
            raise
        return
    (data.home / _RECORD[artefact]).unlink(missing_ok=True)
    for name in _FILES[artefact]:  # the record comes last
        (part / name).replace(data.home / name)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let one process at a time write into ``folder``, made if missing; others wait."""
    make_dir(folder)
    with locked(folder.with_name(f".lock-{folder.name}")):
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock ``path``; wait for a process that holds it, and say so.

    The system frees the lock of a process that dies, however it dies. Who may write
    into the folder may take the lock.
    """
    lock = FileLock(path, mode=path.parent.stat().st_mode & 0o666)
    try:
        lock.acquire(timeout=1)
    except Timeout:
        print(f"(waiting for another script, which holds {path})", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
