"""What scripts leave, in a form that can be compared: without the time of day."""

import re
import struct
from pathlib import Path

MEASURED = {"time_per_step.png"}  # of lesson 1.4: microseconds
_EVENTS = re.compile(r"events\.out\.tfevents\..*")
_TIME = re.compile(rb"\[\d{9,}\.\d+, ")


def comparable(root: Path) -> dict[str, bytes]:
    """Return what all files below ``root`` say, by relative path; locks apart.

    Event files have the time in their names, and in each event: the first of a folder
    is called ``events 0`` here, and is compared event by event.
    So have curves exported as JSON.
    """
    found: dict[str, bytes] = {}
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.name.startswith(".lock"):
            continue
        name = path.relative_to(root).as_posix()
        content = path.read_bytes()
        if _EVENTS.fullmatch(path.name):
            folder = name.removesuffix(path.name)
            before = sum(key.startswith(f"{folder}events ") for key in found)
            name, content = f"{folder}events {before}", b"\n".join(events(content))
        elif path.name == "scalars.json":  # full paths, and the time of each point
            content = _TIME.sub(b"[", content.replace(str(root).encode(), b""))
        if path.name not in MEASURED:
            found[name] = content
    return found


def events(content: bytes) -> list[bytes]:
    """Return the events of an event file without their times.

    A network's graph has attributes by name, which protobuf writes in any order: they
    are sorted here. Each event stands between its length with a checksum, 12 bytes, and
    one more checksum.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    found, at = [], 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        event = Event.FromString(content[at + 12 : at + 12 + length])
        event.wall_time = 0
        if event.graph_def:
            graph = GraphDef.FromString(event.graph_def)
            event.graph_def = graph.SerializeToString(deterministic=True)
        found.append(event.SerializeToString(deterministic=True))
        at += 16 + length
    return found


def differences(one: dict[str, bytes], two: dict[str, bytes]) -> list[str]:
    """Name what only one of them has, or what is not the same in both."""
    names = sorted(one.keys() | two.keys())
    return [name for name in names if one.get(name) != two.get(name)]
