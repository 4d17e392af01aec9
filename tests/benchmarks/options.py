"""What does each option of main.py buy, and what does it cost?

    python tests/benchmarks/options.py [--dataset cifar10] [--epochs 8] [--seeds 3]

Trains with the data set's defaults, then with one option more at a time; prints the
validation accuracy (mean over the seeds, and its spread) and the images per second as a
share of the defaults' (median over all epochs but the first). The defaults of main.py
come from here. On an idle machine only.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
OPTIONS = [
    "",
    "--no-channels-last",
    "--amp",
    "--ema 0.99",
    "--label-smoothing 0.1",
    "--class-weights balanced",
    "--clip-grad 1",
    "--accumulate 2",
    "--warmup 1",
    "--compile",
]


def run(options, seed, args, root):
    """Train once; return the validation accuracy and the images per second."""
    command = [sys.executable, CODE / "main_training/main.py", "--name", "benchmark"]
    command += ["--dataset", args.dataset, "--seed", seed, *options.split()]
    command += ["--epochs", args.epochs] if args.epochs else []
    env = {**os.environ, "TUTORIAL_RESULT": root, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [str(part) for part in command],
        env=env,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    (report,) = Path(root).rglob("report.json")
    accuracy = json.loads(report.read_text(encoding="utf-8"))["valid_accuracy"]
    speeds = re.findall(r"([\d,]+) images/s", done.stdout)[1:]
    return 100 * accuracy, statistics.median(float(s.replace(",", "")) for s in speeds)


def main():
    """Measure in turn, seed by seed; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    found = {options: [] for options in OPTIONS}
    for seed in range(args.seeds):
        for options, results in found.items():
            with tempfile.TemporaryDirectory() as root:
                results.append(run(options, seed, args, root))
            print(seed, options, *results[-1], flush=True)
    print("\n| option | valid, % | from, to | images/s |\n|---|---|---|---|")
    plain = statistics.median(speed for _, speed in found[""])
    for options, results in found.items():
        scores = [accuracy for accuracy, _ in results]
        share = statistics.median(speed for _, speed in results) / plain
        print(
            f"| {options or 'defaults'} | {statistics.mean(scores):.1f} "
            f"| {min(scores):.1f}, {max(scores):.1f} | {share:.2f} |"
        )


if __name__ == "__main__":
    main()
