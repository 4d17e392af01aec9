"""Where data lie and results go."""

import glob
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from utils.console import BadInput

CODE = Path(__file__).resolve().parents[1]


def _root(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or CODE.parent / default).absolute()


DATA_ROOT = _root("TUTORIAL_DATA", "Data")
RESULT_ROOT = _root("TUTORIAL_RESULT", "Result")


def make_dir(folder: Path) -> Path:
    """Create ``folder``, with its parents, and return it; BadInput where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{folder}: can't make this folder ({error.strerror}): free the place, or "
            "name others in the variables TUTORIAL_DATA and TUTORIAL_RESULT"
        ) from error
    return folder


def result_dir(script: str | Path) -> Path:
    """Return the folder for what ``script`` writes, made if missing.

    It stands under ``Result/`` where the script stands under ``Code/``. A script from
    elsewhere gets a folder of its own name.
    """
    path = Path(script).resolve().with_suffix("")
    inside = path.relative_to(CODE) if path.is_relative_to(CODE) else Path(path.name)
    return make_dir(RESULT_ROOT / inside)


def fresh_dir(path: str | Path) -> Path:
    """Empty the folder ``path``, or make it, and return it.

    :raises ValueError: outside ``Data/`` and ``Result/``, where nothing is deleted
    """
    folder = Path(path).absolute()
    roots = (DATA_ROOT, RESULT_ROOT)
    if not any(root.resolve() in folder.resolve().parents for root in roots):
        raise ValueError(f"{folder}: only folders inside {roots} are emptied")
    if folder.exists():
        shutil.rmtree(folder)
    return make_dir(folder)


def read_json(path: str | Path, remedy: str) -> dict:
    """Return what a file of JSON holds, which has to be ``{…}``.

    :param remedy: what to do if it is damaged
    :raises BadInput: it is damaged, or larger than 64 MB
    :raises FileNotFoundError: it is missing
    """
    path = Path(path)
    try:
        if path.stat().st_size > 64 << 20:
            raise ValueError("it is too large")
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it does not begin with {")
        return found
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: is damaged ({error}): {remedy}") from error


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) as ``path``: all of it, or nothing.

    :raises OSError: with the name of the file, also of a full disk
    """
    path = Path(path)
    _remove_parts_of_the_dead(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def _remove_parts_of_the_dead(path: Path) -> None:
    """Remove what killed processes left of ``path``, but nothing of those that live."""
    for part in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        writer = part.name.split(".")[-2]
        if writer.isdecimal() and not _is_running(int(writer)):
            with suppress(OSError):  # Windows: a file that is open stays
                part.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # os.kill would end it
        return process == os.getpid()
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
