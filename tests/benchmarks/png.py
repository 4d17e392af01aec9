"""How fast is CIFAR-10 unpacked, against Pillow's own ``save``, image by image?

    python tests/benchmarks/png.py ARCHIVE [FOLDER]

ARCHIVE is cifar-10-python.tar.gz, FOLDER a place to write to, best in memory (default:
/dev/shm). Prints the seconds of both, in turn, and the median of their ratios.
"""

import ast
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

from PIL import Image

from utils import read_batches

ROUNDS = 3


def functions_of(lesson):
    """Return the imports and functions of a lesson, which is not run."""
    tree = ast.parse(lesson.read_text(encoding="utf-8"))
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    kept = [node for node in tree.body if isinstance(node, kinds)]
    names = {}
    exec(compile(ast.Module(kept, []), str(lesson), "exec"), names)
    return names


def by_pillow(batches, folder):
    """Do what the lesson's ``unpack`` does, in one process, with default settings."""
    counts = {}
    for part, classes, images, labels in batches:
        for name in classes:
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        for image, label in zip(images, labels, strict=True):
            number = counts[part] = counts.get(part, -1) + 1
            name = f"{part}_{number:05d}.png"
            Image.fromarray(image).save(folder / part / classes[label] / name)


def seconds(unpack, archive, folder):
    """Return how long it takes into an empty folder."""
    place = Path(tempfile.mkdtemp(dir=folder))
    begin = time.perf_counter()
    unpack(read_batches(archive), place)
    end = time.perf_counter()
    shutil.rmtree(place)
    return end - begin


def main():
    """Measure in turn, print each round and the median."""
    archive = Path(sys.argv[1])
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "/dev/shm")
    unpack = functions_of(CODE / "1_data_prepare/1_1_cifar10_to_png.py")["unpack"]
    ratios = []
    for _ in range(ROUNDS):
        pillow = seconds(by_pillow, archive, folder)
        ours = seconds(unpack, archive, folder)
        ratios.append(pillow / ours)
        print(f"Pillow {pillow:.1f} s, lesson 1.1 {ours:.1f} s: {ratios[-1]:.2f}")
    print(f"median: {statistics.median(ratios):.2f} times as fast")


if __name__ == "__main__":
    main()
