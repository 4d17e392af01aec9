r"""
1.3.2 mydataset · 构建Dataset子类
=================================

A ``Dataset`` gives sample ``i`` and knows how many there are. ``DataLoader`` does the
rest: order, batches, processes.

:input:   an index file (lesson 1.3.1)
:returns: ``dataset[i]`` is (image, label), ``len(dataset)`` the number of samples
:use it:  when labels stand in a file; for a folder per class there is ``ImageFolder``
:the notes: ``COncatDataset`` is ``ConcatDataset``, ``troch`` is ``torch``.
:then → now: ``Dataset.__len__`` raised NotImplementedError; now there is none.
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch.utils.data import DataLoader, Dataset, random_split
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
import utils
from utils import arguments, check, needs, refused, result_dir, show_grid

RESULT = result_dir(__file__)
home = needs("index", arguments(__doc__).parse_args().dataset)
torch.manual_seed(0)

# %%
# The smallest that works
# -----------------------


class MyDataset(Dataset):
    """Images, RGB, and labels, by the lines ``path<TAB>label`` of an index file."""

    def __init__(self, index, transform=None):
        self.folder, self.transform = Path(index).parent, transform
        self.lines = Path(index).read_text(encoding="utf-8").rstrip("\n").split("\n")

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, i):
        path, label = self.lines[i].rsplit("\t", 1)
        image = ImageOps.exif_transpose(Image.open(self.folder / path)).convert("RGB")
        return self.transform(image) if self.transform else image, int(label)


train = MyDataset(home / "train.txt")
image, label = train[0]
print(len(train), image.size, label)  # → 1438 (32, 32) 0

# %%
# A batch is stacked from tensors of one size; PIL images can't be.
with refused(TypeError, "found <class 'PIL.Image.Image'>"):
    next(iter(DataLoader(train, batch_size=16)))
scale = v2.ToDtype(torch.float32, scale=True)
to_tensor = v2.Compose([v2.Resize((32, 32)), v2.ToImage(), scale])
train = MyDataset(home / "train.txt", to_tensor)
images, labels = next(iter(DataLoader(train, batch_size=16, shuffle=True)))
print(images.shape, labels.shape)  # → torch.Size([16, 3, 32, 32]) torch.Size([16])

# %%
# What ``Dataset`` asks of you
# ----------------------------
# ``__getitem__`` and ``__len__``. DataLoader asks ``__getitems__``, if you add it, for
# all samples of a batch at once.


class Squares(Dataset):
    """The squares of 0 to 9, several at a time."""

    def __len__(self):
        return 10

    def __getitems__(self, indices):
        return [i * i for i in indices]


with refused(NotImplementedError, "should implement __getitem__"):
    Dataset()[0]
with refused(TypeError, "'Dataset' has no len()"):
    DataLoader(Dataset(), shuffle=True)
batches = list(DataLoader(Squares(), batch_size=6))
check("by __getitems__ alone", [[0, 1, 4, 9, 16, 25], [36, 49, 64, 81]], batches)

# %%
# Data sets add up, and can be dealt
# ----------------------------------
# The parts that ``random_split`` deals out share one transform: to augment the training
# images alone, give each set an index of its own.
both = train + MyDataset(home / "valid.txt", to_tensor)
print(type(both).__name__, len(both))  # → ConcatDataset 1618
check("after train comes valid", both.datasets[1][0], both[len(train)])
parts = random_split(Squares(), [0.8, 0.1, 0.1])
print([len(part) for part in parts])  # → [8, 1, 1]
check("all dealt", list(range(10)), sorted(i for part in parts for i in part.indices))
check("one data set behind all", 1, len({id(part.dataset) for part in parts}))

# %%
# The same from ``utils.MyDataset`` and ``ImageFolder``
# -----------------------------------------------------
full = utils.MyDataset(home / "train.txt", to_tensor)
options = dict(loader=utils.load_image, is_valid_file=bool)  # as ours, all files
folder = ImageFolder(home / "split/train", to_tensor, **options)
place = {path: i for i, (path, _) in enumerate(folder.samples)}
paths = [str(home / line.rsplit("\t", 1)[0]) for line in train.lines]
some = range(0, len(train), 1 + len(train) // 100)
some = [i for i in some if Image.open(paths[i]).mode[0] != "I"]  # of 8 bits
small = [train[i] for i in some]
check(f"{len(some)} samples: utils.MyDataset", small, [full[i] for i in some])
check("ImageFolder", small, [folder[place[paths[i]]] for i in some])
check("labels", full.labels, [folder.targets[place[path]] for path in paths])
check("classes", full.classes, folder.classes)

# %%
# What ``utils.MyDataset`` adds
# -----------------------------
odd = utils.MyDataset(home / "train.txt", target_transform=lambda label: label % 2)
check("target_transform", [label % 2 for _, label in small], [odd[i][1] for i in some])
index = RESULT / "index.txt"
index.write_text("7.png 0\n")  # no tab
with refused(ValueError, "not enough values to unpack"):
    MyDataset(index)[0]
with refused(utils.BadInput, "line 1: '7.png 0' is not path<TAB>label"):
    utils.MyDataset(index)
index.write_text("7.png\t0\n")  # no such file
with refused(utils.BadInput, "7.png: is missing"):
    utils.MyDataset(index)[0]

# %%
# The picture
# -----------
names = [full.classes[label] for label in labels]
title = f"{home.name}: a shuffled batch, each image with its label"
show_grid(images, names, RESULT / "batch.png", columns=8, title=title, inches=1)
