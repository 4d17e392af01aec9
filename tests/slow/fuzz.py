"""Damage files at random and read them, many times.

    python tests/slow/fuzz.py [NUMBER] [--only NAME] [--seed N]

Index files, pickles, tars and archives of batches, checkpoints, what is inside of them,
and images are changed at up to six places (``tests/damage.py``). Each is read right,
or refused by a BadInput of one line that names it. Anything else ends the run, with a
file that shows it. Prints after each round how many were read, how many
refused, the slowest, and the most memory that the process had; 10,000 of each kind take
about ten minutes of one core.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import hypothesis

import damage
import hostile

ROUND, DRAWN = 100, 1900  # files by hypothesis, which makes them small, and by chance


def run(name, seed, folder, counts):
    """Read a round of files of one kind; count what came of it."""
    target = damage.TARGETS[name]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(damage.versions(target.wholes))
    def read(content):
        look(content)

    def look(content):
        begin = time.process_time()
        was_read = target.read(content, folder)
        spent = time.process_time() - begin
        counts["slowest"] = max(counts["slowest"], spent)
        counts["read" if was_read else "refused"] += 1

    read()
    chance = random.Random(seed)
    for _ in range(DRAWN):
        content = damage.version(target.wholes, chance)
        try:
            look(content)
        except BaseException:
            print(f"{name}: fell over {content!r}")
            raise


def main():
    """Run all kinds, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int, nargs="?", default=10_000)
    parser.add_argument("--only", choices=list(damage.TARGETS), nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    names = args.only or list(damage.TARGETS)
    counts = {name: {"read": 0, "refused": 0, "slowest": 0.0} for name in names}
    if sys.platform == "linux":
        hostile.limit_memory(4)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(-(-args.number // (ROUND + DRAWN))):
            for name in names:
                run(name, args.seed * 1_000_000 + number, Path(folder), counts[name])
            for name, count in counts.items():
                print(
                    f"{name}: {count['read'] + count['refused']:,} files, "
                    f"{count['read']:,} read, {count['refused']:,} refused, none fell; "
                    f"the slowest took {count['slowest']:.2f} s"
                )
            print(f"at most {hostile.peak():,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
