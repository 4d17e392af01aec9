"""Measure how much memory each script needs at most, on the digits. Linux only.

    python tests/slow/memory.py [SELECTION ...]
    python tests/slow/memory.py --within 1024

Each script runs alone, as by hand, with data and results in a temporary folder; at last
run.py runs them all. Fifty times a second the resident memory of the script and all
that it has started is added up; what they share counts once. Prints the peak of each,
and ends with status 1 if one script has more than 1 GB, or fails. A few minutes.

What a script has is not what it needs: of PyTorch's libraries, 300 MB, the system drops
what nobody uses. ``--within`` runs the whole tutorial from nothing, and then alone the
scripts that have most, with so many MB and no swap: in a control group, where the
system kills what takes more. As root.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "Code")]
from run import CODE, find_scripts
from scripts import PREDICT, environment

LIMIT = 1024.0  # MB
NEEDS = 'needs("weights"'
LARGEST = ("1_4_disk_to_model.py", "2_3_1_init_from_pretrained.py", "main.py")


def resident(pid: int) -> float:
    """Return the MB that a process and its descendants have in memory now.

    What each has for itself is added up. What is shared, libraries and what a fork has
    not changed, counts once, as much as the process with the most of it has.
    """
    alone, shared = zip(*sizes(pid), strict=True)
    return (sum(alone) + max(shared)) / 1024


def sizes(pid: int) -> list[tuple[int, int]]:
    """Return the KB, its own and shared, of a process and of its descendants."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [(task / "children").read_text(encoding="ascii") for task in tasks]
    except OSError:  # it has ended
        return [(0, 0)]
    found = re.findall(r"^(Rss|Private_\w+): +(\d+) kB", text, re.MULTILINE)
    kb = {name: int(number) for name, number in found}
    alone = kb.get("Private_Clean", 0) + kb.get("Private_Dirty", 0)
    mine = [(alone, kb.get("Rss", 0) - alone)]
    return sum((sizes(int(child)) for child in " ".join(children).split()), mine)


def peak(script: Path, root: Path, *args: str) -> tuple[float, int]:
    """Run a script; return the most MB that it had, and its exit status."""
    process = subprocess.Popen(
        [sys.executable, str(script), *args],
        cwd=root,
        env=environment(root),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    most = 0.0
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(0.02)
    return most, process.returncode


def within(limit: int) -> int:
    """Run the tutorial with ``limit`` MB of memory; return the exit status."""
    groups = Path("/sys/fs/cgroup")
    settings = {"memory.max": limit << 20, "memory.swap.max": 0}
    if (groups / "memory").is_dir():  # version 1 of them
        groups, settings = groups / "memory", {"memory.limit_in_bytes": limit << 20}
    group = groups / f"tutorial-{os.getpid()}"
    try:
        group.mkdir()
        for file, value in settings.items():
            (group / file).write_text(str(value), encoding="ascii")
    except OSError as error:
        sys.exit(f"{group}: {error.strerror}: --within needs Linux, and to be root")
    enter = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs")]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("run.py", *LARGEST):
            root, script = Path(folder, name), next(CODE.rglob(name))
            root.mkdir()
            done = subprocess.run(
                [*enter, sys.executable, str(script)],
                cwd=root,
                env=environment(root),
                stdout=subprocess.DEVNULL,
                check=False,
            )
            print(f"{name}: status {done.returncode}", flush=True)
            failed += [name] if done.returncode else []
    group.rmdir()
    return int(bool(failed))


def main() -> int:
    """Measure; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("selection", nargs="*", help="as run.py takes it")
    parser.add_argument("--within", type=int, metavar="MB", help="run with so much")
    args = parser.parse_args()
    os.environ.pop("TUTORIAL_DATASET", None)
    if args.within:
        return within(args.within)
    scripts = find_scripts(args.selection)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for script in [*scripts, PREDICT]:
            found[script], status = peak(script, root)
            print(f"{found[script]:7.0f} MB  {script.stem}", flush=True)
            if status:
                print(f"{script.name} failed: status {status}")
                return 1
        everything = find_scripts()
        lesson = next(s for s in everything if NEEDS in s.read_text(encoding="utf-8"))
        fresh = Path(folder, "fresh")
        fresh.mkdir()
        most, _ = peak(lesson, fresh)
        print(f"{most:7.0f} MB  {lesson.stem}, which makes data and weights first")
        for jobs in ("1", "2"):
            names = [script.stem for script in scripts]
            most, _ = peak(CODE / "run.py", root, "--jobs", jobs, *names)
            print(f"{most:7.0f} MB  run.py --jobs {jobs}", flush=True)
    largest = max(found, key=found.get)
    print(f"{len(found)} scripts, at most {found[largest]:.0f} MB: {largest.stem}")
    return 1 if found[largest] > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
