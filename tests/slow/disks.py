"""Run the data chain and the training on disks, and with clocks, that fail.

    python tests/slow/disks.py [NUMBER]

NUMBER times for each script: a disk (in memory, so it takes root and Linux) that is
full after a random number of bytes, and a random limit to the files that may be open.
The script must end with one line and status 2; then, with space or files enough, the
same command must leave, byte for byte, what an undisturbed run leaves (event files
apart). Last, a clock that runs backwards, and a disk that can only be read, where all
there is can be used. Prints a line each, and ends at the first difference.
"""

import argparse
import collections
import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import CHAIN, MAIN, environment, listing

TRAIN = [MAIN, "--threads", 1, "--epochs", 1, "--name", "one"]
COMMANDS = [*([script] for script in CHAIN), TRAIN]
CLOCK = """
import time
_now, _real = [4e9], time.time
def _back():
    _now[0] -= 3600
    return _now[0]
time.time = _back
"""


def run(command, root, limit=None, **variables):
    """Run a command with data and results below ``root``; return status and stderr."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd="/",
        env=environment(root, TMPDIR="/tmp", **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        preexec_fn=limit,
    )
    return done.returncode, done.stderr


def left(root):
    """Return all files below ``root`` but event files, locks and checkpoints."""
    found = listing(root).items()
    return {n: text for n, text in found if not n.endswith(".ckpt") and "tfev" not in n}


def must(command, root, expected=None, **variables):
    """Run a command that has to succeed, and to leave what is expected."""
    status, err = run(command, root, **variables)
    if (status, err) != (0, ""):
        sys.exit(f"{command[0].name}: status {status}\n{err}")
    found = left(root)
    if expected is not None and found != expected:
        names = found.keys() | expected.keys()
        wrong = [name for name in names if found.get(name) != expected.get(name)]
        sys.exit(f"{command[0].name}: differs: {sorted(wrong)[:10]}")
    return found


@contextlib.contextmanager
def disk(place, kibibytes):
    """Mount a disk of this size at ``place``."""
    place.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={kibibytes}k", "tutorial", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def mount(*args):
    """Call ``mount``."""
    subprocess.run(["mount", *map(str, args)], check=True)


def used(root):
    """Return the KiB that are in use on the disk mounted here."""
    status = os.statvfs(root)
    return (status.f_blocks - status.f_bfree) * status.f_frsize // 1024


def copy(source, root):
    """Copy data and results, hard links as such."""
    root.mkdir(exist_ok=True)
    for name in ("data", "result"):
        if (source / name).exists():
            command = ["cp", "-a", str(source / name), str(root)]
            subprocess.run(command, check=True)


def is_right(script, status, err, seen):
    """See that a script which met a fault said so in one line."""
    lines = err.splitlines()
    if status == 0 and not lines:
        seen["it was enough"] += 1
        return
    early = status == 1 and "import" in err and "utils/__init__" not in err
    if not early and (status, len(lines)) != (2, 1):
        sys.exit(f"{script.name}: status {status}\n{err}")
    seen["during imports" if early else lines[0].rpartition(": ")[2]] += 1


def main():
    """Break one thing after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int, nargs="?", default=10)
    number, chance = parser.parse_args().number, random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        calm, before = folder / "calm", {}
        for i, command in enumerate(COMMANDS):
            before[i] = folder / f"before{i}"
            copy(calm, before[i])
            must(command, calm)
        for i, command in enumerate(COMMANDS):
            with disk(folder / "disk", 1_000_000) as root:
                copy(before[i], root)
                low = used(root)
                expected, seen = must(command, root), collections.Counter()
                high = used(root)
            for _ in range(number):
                size = round(chance.uniform(low, high)) + 4
                with disk(folder / "disk", 1_000_000) as root:
                    copy(before[i], root)
                    mount("-o", f"remount,size={size}k", root)
                    is_right(command[0], *run(command, root), seen)
                    mount("-o", "remount,size=1000000k", root)
                    must(command, root, expected)
                shutil.rmtree(folder / "files", ignore_errors=True)
                copy(before[i], folder / "files")
                count = chance.randint(3, 12)

                def few(count=count):
                    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

                is_right(command[0], *run(command, folder / "files", few), seen)
                must(command, folder / "files", expected)
            print(f"{command[0].name}: {dict(seen)}", flush=True)
        (folder / "clock").mkdir()
        (folder / "clock" / "sitecustomize.py").write_text(CLOCK)
        for command in COMMANDS:
            must(command, folder / "late", PYTHONPATH=str(folder / "clock"))
        must(COMMANDS[0], folder / "late", left(calm))
        print("a clock that runs backwards: the same bytes")
        for path in calm.rglob("*"):
            os.utime(path, (32_000_000_000, 32_000_000_000))
        with tempfile.TemporaryDirectory() as results:
            mount("--bind", calm / "data", calm / "data")
            try:
                mount("-o", "remount,ro,bind", calm / "data")
                for command in COMMANDS:
                    given = {"TUTORIAL_RESULT": results}
                    must(command, calm, left(calm), **given)
            finally:
                subprocess.run(["umount", str(calm / "data")], check=True)
        print("a disk that can only be read: all there is can be used")
    print("nothing lost")


if __name__ == "__main__":
    main()
