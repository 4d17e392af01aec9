r"""
1.1 cifar10_to_png · Cifar10转png
=================================

Unpack a data set of pickled batches into PNG files, one per image, in a folder for each
class.

:input:     ``Data/<data set>/*-python.tar.gz``: pickled batches of ``data``, uint8 of
            shape (N, 3072): 1024 reds, then greens, then blues, and of ``labels``
:leaves:    ``Data/<data set>/png/{train,test}/CLASS/*.png``
:use it:    ``--dataset digits``, the default, packs scikit-learn's digits into such an
            archive first; ``--dataset cifar10 --download`` fetches CIFAR-10, 170 MB.
:the notes: unpack the archive by hand first. Here it is read as it is.
"""

import io
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    arguments,
    check,
    class_folders,
    fetch_archive,
    load_image,
    make,
    needs,
    read_batches,
    result_dir,
    show_classes,
)

RESULT = result_dir(__file__)
parser = arguments(__doc__)
parser.add_argument("--again", action="store_true", help="even if done")
parser.add_argument("--download", nargs="?", const=True, metavar="URL", help="fetch it")
args = parser.parse_args()
data = args.dataset

# %%
# The archive
# -----------
# ``pickle.load`` runs what the file says; ``read_batches`` takes arrays and names only.
if data.archive:
    fetch_archive(data, args.download)

# %%
# A PNG by hand
# -------------
# A signature and three chunks, each with length, tag and checksum. Every row of pixels
# begins with the number of its filter: 1 stores the difference to the left neighbour.
# zlib lets other threads run: two are three times as fast as Pillow, image by image.


def encode_png(images):
    """Return the PNG files, as bytes, of RGB images: uint8 of shape (N, H, W, 3)."""

    def chunk(tag, content):
        crc = struct.pack(">I", zlib.crc32(tag + content))
        return struct.pack(">I", len(content)) + tag + content + crc

    count, height, width, _ = images.shape
    rows = np.ones((count, height, 1 + 3 * width), np.uint8)
    rows[:, :, 1:] = images.reshape(count, height, 3 * width)
    rows[:, :, 4:] -= rows[:, :, 1:-3].copy()
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    head, end = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size), chunk(b"IEND", b"")
    packed = (zlib.compress(one.tobytes(), 1) for one in rows)
    return [head + chunk(b"IDAT", pixels) + end for pixels in packed]


gradient = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(1, 8, 8, 3)
read_back = np.asarray(Image.open(io.BytesIO(encode_png(gradient)[0])))
check("Pillow reads what was written by hand", gradient[0], read_back)

# %%
# One file per image
# ------------------
# ``train_00000.png`` is the archive's first. The folder appears when it is complete.


def write_pngs(images, paths):
    """Write images, uint8 of shape (N, H, W, 3), to new files."""
    for png, path in zip(encode_png(images), paths, strict=True):
        with open(path, "xb", buffering=0) as file:  # noqa: PTH123 (takes half the time)
            file.write(png)


def unpack(batches, folder):
    """Write all images of the batches below ``folder``; return classes and counts."""
    counts = {}
    with ThreadPoolExecutor(2) as pool, tqdm(file=sys.stdout, disable=None) as bar:
        for part, classes, images, labels in batches:
            first = counts.setdefault(part, 0)
            for name in classes if first == 0 else ():
                (folder / part / name).mkdir(parents=True)
            places = [f"{folder}/{part}/{classes[label]}/{part}" for label in labels]
            paths = [f"{at}_{i:05d}.png" for i, at in enumerate(places, first)]
            blocks = [slice(start, start + 250) for start in range(0, len(images), 250)]
            jobs = [pool.submit(write_pngs, images[b], paths[b]) for b in blocks]
            for job in jobs:
                job.result()
                bar.update(len(images) / len(jobs))
            counts[part] += len(images)
    return {"classes": classes, "images": counts}


if data.folder:
    print(f"{data.folder}: holds images already, nothing to unpack")
else:
    batches = read_batches(data.archive)
    make("png", data, lambda folder: unpack(batches, folder), again=args.again)
    print("images:", data.record("png")["images"])  # → images: {'train': 1797}

# %%
# PNG is lossless
# ---------------
if data.archive:
    part, names, images, labels = next(read_batches(data.archive))
    some = range(0, len(images), 10)
    files = [f"png/{part}/{names[labels[i]]}/{part}_{i:05d}.png" for i in some]
    read_back = [np.asarray(load_image(data.home / file)) for file in files]
    check(f"{len(files)} files, pixel by pixel", images[:: some.step], read_back)

# %%
# The picture
# -----------
folder = needs("png", data) / ("train" if data.archive else "")
rows = {}
for name, files in list(class_folders(folder).items())[:20]:
    rows[name] = [load_image(folder / file, largest=100) for file in files[:10]]
show_classes(rows, RESULT / "classes.png", f"{data.name}: ten images of each class")
