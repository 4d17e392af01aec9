"""Kill the scripts of the data chain and the training at random moments, many times.

    python tests/slow/kills.py [NUMBER]

After each kill the script runs again, and what it leaves must be, byte for byte, what
an undisturbed run leaves (event files apart: they hold the time). Prints a line each;
ends at the first difference. 200 kills take about ten minutes.
"""

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import CHAIN, MAIN, listing, must_run, start

STEPS = [
    (CHAIN[0], ["png"]),
    (CHAIN[1], ["split"]),
    (CHAIN[2], ["train.txt", "index.json"]),
    (CHAIN[3], ["mean_std.json"]),
    (MAIN, []),
]


def left(root):
    """Return all that the scripts left, but event files."""
    found = listing(root)
    return {name: text for name, text in found.items() if "tfevents" not in name}


def main():
    """Kill and compare."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        options = {MAIN: ["--epochs", 1, "--threads", 1, "--name", "killed"]}
        for script, _ in STEPS:
            must_run(script, *options.get(script, []), root=root)
        whole = left(root)
        for count in range(1, number + 1):
            script, made = chance.choice(STEPS)
            for name in made:
                path = root / "data/digits" / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            if script is MAIN:
                shutil.rmtree(root / "result/main_training")
            begin = time.monotonic()
            process = start(script, *options.get(script, []), root=root)
            time.sleep(chance.uniform(0, 6 if script is MAIN else 1.5))
            process.kill()
            process.communicate()
            seconds = time.monotonic() - begin
            must_run(script, *options.get(script, []), root=root)
            found = left(root)
            wrong = [
                n for n in whole.keys() | found.keys() if whole.get(n) != found.get(n)
            ]
            print(f"{count}: {script.name} killed after {seconds:.2f} s", flush=True)
            if wrong:
                sys.exit(f"differs: {sorted(wrong)[:10]}")
    print(f"{number} kills, nothing lost")


if __name__ == "__main__":
    main()
