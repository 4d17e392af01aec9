"""How long do the index and the mean of a prepared data set take?

    python tests/benchmarks/chain.py cifar10

Runs lessons 1.3.1 and 1.5.1 as whole processes on a data set whose split is there,
three times anew, and prints the median of the seconds that they take together.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

from utils import find_dataset, needs


def main():
    """Measure, print each round and the median."""
    dataset = find_dataset(sys.argv[1] if len(sys.argv) > 1 else None)
    needs("split", dataset)
    totals = []
    for _ in range(3):
        for name in ("index.json", "mean_std.json"):
            (dataset.home / name).unlink(missing_ok=True)
        begin = time.perf_counter()
        for name in ("1_3_1_generate_txt.py", "1_5_1_compute_mean.py"):
            command = [sys.executable, str(CODE / "1_data_prepare" / name)]
            command += ["--dataset", dataset.given]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        totals.append(time.perf_counter() - begin)
        print(f"index and mean: {totals[-1]:.1f} s")
    print(f"median: {statistics.median(totals):.1f} s")


if __name__ == "__main__":
    main()
