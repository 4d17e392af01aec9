"""Kill main.py at random moments and resume it, many times.

    python tests/slow/resume.py [NUMBER]

Every run is killed about ten times, with SIGKILL, and resumed each time, with a
checkpoint after every step, so that many kills fall into the writing of one; the last
kills of a run fall into its evaluation. What it leaves must then be what an undisturbed
run leaves: weights, report and pictures byte for byte, the states in the checkpoints,
and every point of every curve. Prints a line for each run; ends at the first
difference. 200 kills take ten to twenty minutes.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import MAIN, must_run, start
from test_main_training import DIGITS, curves, without_times

OPTIONS = ["--epochs", 3, "--threads", 1, "--ema", 0.9, "--checkpoint-every", 1]


def main():
    """Kill, resume and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int, nargs="?", default=200)
    wanted = parser.parse_args().number
    chance, kills, runs, resumed, half_written = random.Random(0), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        must_run(MAIN, *OPTIONS, "--name", "warm", root=root)  # makes the data
        begin = time.monotonic()
        must_run(MAIN, *OPTIONS, "--name", "calm", root=root)
        seconds = time.monotonic() - begin
        calm = root / DIGITS / "calm"
        expected, expected_curves = without_times(calm), curves(calm)
        while kills < wanted:
            runs += 1
            name = f"run{runs}"
            place = root / DIGITS / name
            finished = False
            while not finished and kills < wanted:
                process = start(MAIN, *OPTIONS, "--name", name, "--resume", root=root)
                time.sleep(chance.uniform(0, 0.5 * seconds))
                finished = process.returncode is not None
                process.kill()
                resumed += "resuming" in process.communicate()[0]
                kills += not finished
                half_written += any(place.rglob("*.part"))
            must_run(MAIN, *OPTIONS, "--name", name, "--resume", root=root)
            found = without_times(place)
            wrong = [
                name
                for name in expected.keys() | found.keys()
                if expected.get(name) != found.get(name)
            ]
            if wrong or curves(place) != expected_curves:
                sys.exit(f"run {runs} differs: {sorted(wrong) or 'curves'}")
            print(f"run {runs}: {kills} kills so far, nothing lost", flush=True)
    print(
        f"{kills} kills in {runs} runs, {resumed} of them of a resumed training, "
        f"{half_written} left a half-written file; nothing lost"
    )


if __name__ == "__main__":
    main()
