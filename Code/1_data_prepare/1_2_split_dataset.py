r"""
1.2 split_dataset · 训练集、验证集和测试集的划分
================================================

Deal the images of every class to three sets: to learn from, to choose by, and to be
judged by, once, at the end.

:input:     ``Data/<data set>/png``, or your own folder with one sub-folder per class
:leaves:    ``Data/<data set>/split/{train,valid,test}/CLASS/``
:arguments: ``--ratio 8 1 1 --seed 0 --pool --dataset NAME``
:use it:    a set with test images of its own (CIFAR-10) keeps them: only the rest is
            split, 9 to 1. ``--pool`` throws all together, as the notes do, and splits
            8 to 1 to 1; its results can't be compared with anybody's.
"""

import os
import random
import shutil
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import BadInput, arguments, check, class_folders, make, needs, result_dir

RESULT = result_dir(__file__)
SETS = ("train", "valid", "test")
parser = arguments(__doc__)
parser.add_argument("--ratio", type=float, nargs="+", metavar="PART", help="8 1 1")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--pool", action="store_true", help="deal the test images too")
args = parser.parse_args()
data = args.dataset

# %%
# Deal the cards
# --------------
# Sort before you shuffle: systems list files in different orders. Every class is dealt
# by itself, so that all sets have the same share of each.


def deal(names, ratio, seed):
    """Split names into one shuffled list for each part of ``ratio``.

    Each size is within one of its share, and at least one. The same names give the same
    lists, in whatever order they come.

    :raises ValueError: fewer names than parts, or a part that is not positive
    """
    if len(names) < len(ratio) or min(ratio) <= 0:
        raise ValueError(f"can't deal {len(names)} names to {len(ratio)} parts {ratio}")
    names = sorted(names)
    random.Random(seed).shuffle(names)
    lists, begin = [], 0
    for i in range(len(ratio)):
        end = round(len(names) * sum(ratio[: i + 1]) / sum(ratio))
        end = max(end, begin + 1)  # at least one for this part,
        end = min(end, len(names) - (len(ratio) - i - 1))  # and for each that follows
        lists.append(names[begin:end])
        begin = end
    return lists


hand = deal(list("abcdefghij"), (8, 1, 1), seed=0)
print(hand[1:])  # → [['j'], ['g']]
check("the order that they come in", hand, deal(list("jihgfedcba"), (8, 1, 1), seed=0))

# %%
# The sets
# --------
# A hard link is a second name for the same file: it takes no space. Where the disk has
# none, the image is copied. A new split replaces the old one whole.


def link_all(folder, dealt):
    """Give each image of {set: [(image, name)]} a place as ``folder/set/name``."""
    for part, images in dealt.items():
        for parent in {Path(name).parent for _, name in images}:
            (folder / part / parent).mkdir(parents=True, exist_ok=True)
        for image, name in images:
            try:
                os.link(image, folder / part / name)
            except OSError:
                shutil.copyfile(image, folder / part / name)
    classes = sorted({name.split("/")[0] for _, name in dealt["train"]})
    return {"classes": classes, "images": {k: len(v) for k, v in dealt.items()}}


images = needs("png", data)
parts = data.record("png").get("images", [""])  # train, test; of a folder it is one
sources = [images / part for part in parts]
own_test = images / "test" if len(sources) == 2 and not args.pool else None
ratio = args.ratio or ([9, 1] if own_test else [8, 1, 1])
if len(ratio) != (2 if own_test else 3) or min(ratio) <= 0:
    raise BadInput(f"--ratio {ratio}: give {2 if own_test else 3} numbers above zero")

cards, kept = {}, []
for source in sources:
    for name, files in class_folders(source).items():
        pile = kept if source == own_test else cards.setdefault(name, [])
        pile += [(source / file, file) for file in files]
dealt = {"train": [], "valid": [], "test": list(kept)}
for name, pile in cards.items():
    if len(pile) < len(ratio):
        raise BadInput(f"{sources[0] / name}: has too few images for {len(ratio)} sets")
    for part, some in zip(SETS, deal(pile, ratio, args.seed), strict=False):
        dealt[part] += some

settings = {"ratio": ratio, "seed": args.seed, "pool": args.pool}
make("split", data, lambda folder: link_all(folder, dealt), settings)
print(data.record("split")["images"])  # → {'train': 1438, 'valid': 180, 'test': 179}

# %%
# No image is lost, none stands in two sets
# -----------------------------------------
counts, found = {}, []
for part in SETS:
    files = class_folders(data.home / "split" / part)
    counts[part] = [len(files[name]) for name in cards]
    found += [file for name in cards for file in files[name]]
everything = [file for pile in [kept, *cards.values()] for _, file in pile]
check("none is lost", len(everything), len(found))
check("none stands in two sets", sorted(set(everything)) == sorted(found), True)

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(7, 1.2 + 0.28 * len(cards)), layout="constrained")
left = np.zeros(len(cards))
for part, color in zip(SETS, ("tab:blue", "tab:orange", "tab:green"), strict=True):
    bars = ax.barh(list(cards), counts[part], left=left, color=color, label=part)
    ax.bar_label(bars, label_type="center", color="white", fontsize=8)
    left += counts[part]
ax.invert_yaxis()
sizes = ", ".join(f"{sum(counts[part]):,} {part}" for part in SETS)
ax.set(title=f"{data.name}: {sizes}", xlabel="images", ylabel="class")
fig.legend(loc="outside right upper")
fig.savefig(RESULT / "images_per_set.png")
