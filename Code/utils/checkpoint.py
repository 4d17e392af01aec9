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
import re
from collections.abc import Callable
from pathlib import Path

import torch

from utils.console import BadInput, one_line
from utils.paths import make_dir, write_whole

_MARK = b"tutorial-checkpoint "
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
        line, _, content = Path(path).read_bytes().partition(b"\n")
        if not line.startswith(_MARK):
            raise ValueError("it does not begin as one")
        head = json.loads(line.removeprefix(_MARK))
        if _checksum(head["settings"], content) != head["sha256"]:
            raise ValueError("its checksum is not that of its content")
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return state, head["settings"]
    except Exception as error:  # torch.load and json raise a dozen kinds
        if one_line(error):  # it can't be read now: that is no reason to delete it
            raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(
            f"{path}: is no whole checkpoint ({reason[0][:80]}): delete it"
        ) from error


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
