r"""
1.3.1 generate_txt · 制作图片数据的索引
=======================================

Write down for each set which images it has and which class each belongs to.

:input:     ``Data/<data set>/split/{train,valid,test}/CLASS/``
:leaves:    ``Data/<data set>/train.txt``, ``valid.txt``, ``test.txt``: an image a line,
            ``path<TAB>label``; and ``index.json`` with the names of the classes
:use it:    when the images lie in any other order than one folder per class, write such
            a file yourself: nothing after this lesson looks at folders.
:the notes: paths there are relative to the folder that you start the training from: run
            it from another, and no image is found. Here they are relative to the index
            file, with ``/`` on every system, so that the data set can be moved.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import BadInput, arguments, check, class_folders, make, needs, result_dir

RESULT = result_dir(__file__)
SETS = ("train", "valid", "test")
data = arguments(__doc__).parse_args().dataset

# %%
# Classes get numbers
# -------------------
# Networks count classes from 0. Sorted names give the same numbers on every system.


def index_lines(files_of_class, prefix):
    """Return lines ``prefix/file<TAB>label`` of {class: [file]}, sorted by class."""
    lines = []
    for label, name in enumerate(sorted(files_of_class)):
        lines += [f"{prefix}/{file}\t{label}\n" for file in files_of_class[name]]
    return lines


lines = index_lines({"dog": ["dog/7.png"], "cat": ["cat/3.png", "cat/5.png"]}, "train")
by_hand = ["train/cat/3.png\t0\n", "train/cat/5.png\t0\n", "train/dog/7.png\t1\n"]
check("cat is 0, dog is 1", by_hand, lines)

# %%
# The index
# ---------
split = needs("split", data)
files = {part: class_folders(split / part) for part in SETS}
classes = sorted(files["train"])
for part in SETS:
    if sorted(files[part]) != classes:
        raise BadInput(
            f"{split / part}: its classes are not those of {split / 'train'}"
        )


def write_index(folder, files_of_set):
    """Write ``train.txt`` and so on of {set: {class: [file]}} into ``folder``."""
    for part, files_of_class in files_of_set.items():
        text = "".join(index_lines(files_of_class, f"split/{part}"))
        (folder / f"{part}.txt").write_text(text, encoding="utf-8", newline="\n")
    return {"classes": sorted(files_of_class)}


make("index", data, lambda folder: write_index(folder, files))
written = (data.home / "train.txt").read_text(encoding="utf-8").split("\n")[:-1]
print(written[0])  # → split/train/0/train_00000.png	0
check("every file has its line", sum(map(len, files["train"].values())), len(written))
missing = [line for line in written if not (data.home / line.split("\t")[0]).exists()]
check("and every line its file", 0, len(missing))

# %%
# The trap of a relative path
# ---------------------------
# A path that does not begin at the root is looked up in the working directory, wherever
# that happens to be.
path = written[0].split("\t")[0]
check("seen from the index file", True, (data.home / path).exists())
check("seen from somewhere else", False, (RESULT / path).exists())

# %%
# The picture
# -----------
# An index is a table. This is its shape: sorted by class, which is why a training set
# must be shuffled.
labels = [int(line.split("\t")[1]) for line in written]
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(range(1, len(labels) + 1), labels, ".", markersize=3)
ax.set_yticks(range(len(classes)), classes)
title = f"{data.name}: train.txt is sorted by class, so shuffle it to train"
ax.set(title=title, xlabel="line of train.txt", ylabel="class")
fig.savefig(RESULT / "lines.png")
