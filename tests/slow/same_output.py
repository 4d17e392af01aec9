"""Run the tutorial twice, on machines as different as one can be, and compare.

    python tests/slow/same_output.py [SELECTION ...]

First as run.py does it. Then in a random order, one script at a time on a single core,
each in an interpreter of its own, in another folder, time zone and locale, with another
seed of hashes, a console that is not UTF-8, new files that nobody else may read, and no
HOME. Every file in Data/ and Result/ must have the same bytes; of event files every
event, its time and the order of a graph's attributes apart; lesson 1.4's picture, which
shows measured times, is left out. Names the files that differ. Takes five to ten
minutes, and ends with status 1 if a script failed or a file differs.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "Code")]
from outputs import comparable, differences
from run import find_scripts, run_scripts

OTHER = {
    "LC_ALL": "C",
    "MPLBACKEND": "TkAgg",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONHASHSEED": "7",
    "PYTHONIOENCODING": "cp1252",
    "PYTHONUTF8": "0",
    "TZ": "Asia/Kathmandu",
}


def run(scripts: list[Path], root: Path, **options) -> int:
    """Run scripts with data and results below ``root``; return how many failed."""
    os.environ["TUTORIAL_DATA"] = str(root / "Data")
    os.environ["TUTORIAL_RESULT"] = str(root / "Result")
    begin = time.monotonic()
    done = run_scripts(scripts, **options)
    failed = [finished for finished in done if finished.status]
    for finished in failed:
        print(f"{finished.script.name} failed:\n{finished.stdout}{finished.stderr}")
    seconds = time.monotonic() - begin
    print(f"{len(done)} scripts, {len(failed)} failed, {seconds:.0f} s", flush=True)
    return len(failed)


def main() -> int:
    """Run, run, compare; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("selection", nargs="*", help="as run.py takes it")
    scripts = find_scripts(parser.parse_args().selection)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        failed = run(scripts, Path(one))
        os.environ.update(OTHER)
        os.environ.pop("HOME", None)
        os.chdir(two)
        os.umask(0o077)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        random.Random(0).shuffle(scripts)
        other = Path(two, "another folder")
        failed += run(scripts, other, jobs=1, start_method="spawn")
        first, second = comparable(Path(one)), comparable(other)
        os.chdir(TESTS)
        wrong = differences(first, second)
    for name in wrong:
        print(f"differs: {name}")
    bare = sum(Path(name).name.startswith("events ") for name in first)
    print(
        f"{len(first)} files, {bare} of them with events, {len(wrong)} differ",
        f"{failed} scripts failed",
        sep=", ",
    )
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main())
