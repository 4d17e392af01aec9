"""What does main.py reach with its default settings, and in how many seconds?

    python tests/benchmarks/accuracy.py digits 5
    python tests/benchmarks/accuracy.py cifar10 3

Runs main.py with so many seeds and prints test accuracy and seconds of training of
each, and the medians. On an idle machine only.
"""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

from utils import find_dataset, weights_path


def main():
    """Train, print each seed and the medians."""
    dataset, seeds = find_dataset(sys.argv[1]), int(sys.argv[2])
    accuracies, times = [], []
    for seed in range(seeds):
        name = f"seed-{seed}"
        command = [sys.executable, str(CODE / "main_training" / "main.py")]
        command += ["--dataset", dataset.given, "--seed", str(seed), "--name", name]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        report = weights_path(dataset, name).with_name("report.json")
        accuracies.append(json.loads(report.read_text())["test_accuracy"])
        times.append(float(re.search(r"([\d.]+) s of training", out)[1]))
        print(
            f"seed {seed}: {100 * accuracies[-1]:.1f} %, {times[-1]:.1f} s", flush=True
        )
    accuracy, seconds = statistics.median(accuracies), statistics.median(times)
    print(f"medians: {100 * accuracy:.1f} %, {seconds:.1f} s")


if __name__ == "__main__":
    main()
