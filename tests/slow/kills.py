"""Kill the data chain, a lesson, run.py, the training, a download; run them again.

    python tests/slow/kills.py [NUMBER] [--seed SEED] [--only main run ...]

One to five times in a row, at random moments, with SIGKILL, SIGTERM and SIGINT in turn
(the last one to the whole group, as a terminal does). What is killed must end with the
usual status, say no more than a line, and leave nothing running. Then the same command
runs to its end, and all files must be, byte for byte, those of an undisturbed run
(event files apart, which hold the time; of checkpoints the state counts). Prints a line
each, and a table; ends at the first difference. 200 kills take a quarter of an hour.
"""

import argparse
import collections
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import CHAIN, CODE, MAIN, environment, listing
from test_faults import WHOLE, Server
from test_main_training import plain
from test_run import session, soon
from utils import read_checkpoint

SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
LESSON = CODE / "1_data_prepare" / "1_6_transforms" / "1_6_01_RandomCrop.py"
PART = ["1_1", "1_2", "1_3_1", "1_5_1", "1_6_01", "3_1_07"]  # what run.py runs
TRAIN = [MAIN, "--threads", 1, "--epochs", 2, "--checkpoint-every", 5, "--resume"]
FETCH = """
import sys
sys.path.insert(0, sys.argv[1])
from utils import archive, fetch_archive, find_dataset
archive.OFFICIAL_MD5["cifar10"] = sys.argv[3]
archive._OFFICIAL_SIZE["cifar10"] = int(sys.argv[4])
fetch_archive(find_dataset("cifar10"), sys.argv[2])
"""


@dataclass
class Step:
    """A command; what it made, relative to its root, is removed before it is killed.

    :ivar seconds: that it takes, undisturbed
    :ivar whole: all files below its root after that
    """

    name: str
    command: list
    root: Path
    made: list
    often: int = 1
    seconds: float = 0.0
    whole: dict = field(default_factory=dict)


def steps(folder, server):
    """Return what is killed, all in folders of their own below ``folder``."""
    home, result = "data/digits", "result/1_data_prepare"
    made = [["png"], ["split"], ["train.txt", "index.json"], ["mean_std.json"]]
    root = folder / "chain"
    for script, names in zip(CHAIN, made, strict=True):
        picture = f"{result}/{script.stem}"
        made_here = [*(f"{home}/{name}" for name in names), picture]
        yield Step(script.stem, [script], root, made_here, 4)
    yield Step(LESSON.stem, [LESSON], root, [f"{result}/1_6_transforms"], 2)
    for options in ([], ["--workers", 1]):
        name = f"train{len(options)}"
        made_here = [f"result/main_training/digits/{name}"]
        command = [*TRAIN, "--name", name, *options]
        yield Step(" ".join(["main", *map(str, options)]), command, root, made_here, 2)
    for method in ("forkserver", "spawn") if sys.platform == "linux" else ("spawn",):
        command = [CODE / "run.py", *PART, "--start-method", method]
        yield Step(f"run {method}", command, folder / method, ["data", "result"])
    fetch = folder / "fetch.py"
    fetch.write_text(FETCH, encoding="utf-8")
    md5 = hashlib.md5(WHOLE, usedforsecurity=False).hexdigest()
    command = [fetch, CODE, server.url, md5, len(WHOLE)]
    yield Step("download", command, folder / "download", ["data"], 2)


def left(root):
    """Return all that lies below ``root``, but event files and locks."""
    found = listing(root)
    for name in found:
        if name.endswith(".ckpt"):
            found[name] = plain(read_checkpoint(root / name))
    return {name: text for name, text in found.items() if "tfevents" not in name}


def start(step):
    """Start the command in a session of its own; its stderr is a pipe."""
    step.root.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, *map(str, step.command)],
        cwd=step.root,
        env=environment(step.root),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )


def to_its_end(step):
    """Run the command; return the seconds it took."""
    begin = time.monotonic()
    process = start(step)
    _, err = process.communicate(timeout=600)
    if (process.returncode, err) != (0, ""):
        sys.exit(f"{step.name}: status {process.returncode}\n{err}")
    return time.monotonic() - begin


def kill(step, number, chance):
    """Kill the command at a random moment; return how it ended, None if it had."""
    process = start(step)
    time.sleep(chance.uniform(0, 1.1 * step.seconds))
    running = process.poll() is None
    if running and number == signal.SIGINT:
        os.killpg(process.pid, number)
    elif running:
        process.send_signal(number)
    _, err = process.communicate(timeout=120)
    if not soon(lambda: not session(process.pid), 30):
        sys.exit(f"{step.name}: still running: {session(process.pid)}")
    if process.returncode == 0:
        return None
    allowed = {-number} if number == signal.SIGKILL else {-number, 128 + number}
    if process.returncode not in allowed:
        sys.exit(f"{step.name}, {number.name}: status {process.returncode}\n{err}")
    lines = err.splitlines()
    early = "import" in err and lines[-1:] == ["KeyboardInterrupt"]
    if len(lines) > 1 and not early:
        sys.exit(f"{step.name}, {number.name}: says too much:\n{err}")
    return "during imports" if early else " ".join(lines) or "silently"


def main():
    """Kill and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", metavar="WORD", help="in the step's name")
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, too
    chance, kills, parts = random.Random(args.seed), collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        everything = list(steps(Path(folder), server))
        if args.only:
            chosen = [s for s in everything if any(w in s.name for w in args.only)]
            everything = chosen
        for step in everything:
            step.seconds = to_its_end(step)
        for step in everything:
            step.whole = left(step.root)
        try:
            while kills.total() < args.number:
                (step,) = chance.choices(everything, [s.often for s in everything])
                parts += round_of(step, kills, chance, server)
        finally:
            for (name, signal_name, how), count in sorted(kills.items()):
                print(f"{count:5} {name:22} {signal_name:8} {how}")
            print(f"{kills.total()} kills, {parts} left something half-made")
    print("nothing lost")


def round_of(step, kills, chance, server):
    """Kill a command a few times, then let it end; return how often it left parts."""
    for name in step.made:
        path = step.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    parts = 0
    for _ in range(chance.randint(1, 5)):
        number = SIGNALS[kills.total() % 3]
        server.ways[:] = ["slowly"] if step.name == "download" else []
        how = kill(step, number, chance)
        if how is None:
            break
        kills[step.name, number.name, how] += 1
        half = [path.name for path in step.root.rglob("*.part")]
        parts += bool(half)
        said = f"{step.name}, {number.name}: {how} {half or ''}"
        print(f"{kills.total()}: {said}", flush=True)
    server.ways.clear()
    to_its_end(step)
    found = left(step.root)
    names = step.whole.keys() | found.keys()
    wrong = [name for name in names if step.whole.get(name) != found.get(name)]
    if wrong:
        sys.exit(f"{step.name}: differs: {sorted(wrong)[:10]}")
    return parts


if __name__ == "__main__":
    main()
