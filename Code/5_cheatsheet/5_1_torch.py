r"""
5.1 torch · 常用函数速查
========================

What a training script calls by the bare name ``torch``: it makes tensors, saves,
squashes, compares and joins them, and brings data in batches.

:the notes: misspell ``torch``, ``ConcatDataset``; their list has ``sigmoid`` twice.
:then → now: ``FloatTensor`` → ``tensor``, ``empty``; ``load`` refuses objects (2.6).
"""

import pickle
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, refused, result_dir

RESULT = result_dir(__file__)

# %%
# ``zeros``, ``ones``; ``full``, ``arange``, ``zeros_like``
# ---------------------------------------------------------
# Shape in, float32 out, unless ``dtype=`` says otherwise; ``full`` and ``arange`` take
# the dtype of the numbers given, ``zeros_like(x)`` that of ``x``.
zeros, ones = torch.zeros(2, 3), torch.ones(2, 3)
print(zeros.shape, ones.dtype)  # → torch.Size([2, 3]) torch.float32
check("zeros and ones", [[[0.0] * 3] * 2, [[1.0] * 3] * 2], [zeros, ones])
print(torch.full((2,), 7), torch.arange(0, 6, 2))  # → tensor([7, 7]) tensor([0, 2, 4])

# %%
# ``FloatTensor``, ``cuda.FloatTensor``
# -------------------------------------
# Given a number, it is as long, with leftover content; given a list, it holds that.
# ``empty(3)`` and ``tensor([3.0])`` can't be confused; ``device="cuda"``: on the GPU.
print([*torch.FloatTensor(3).shape], torch.FloatTensor([3]))  # → [3] tensor([3.])
print(torch.cuda.FloatTensor.is_cuda)  # → True
check("device=", "meta", torch.empty(3, device="meta").device.type)

# %%
# ``save``, ``load``
# ------------------
# A pickle can run any code. ``weights_only``, the default, lets tensors and plain data
# pass, not objects (lesson 2.3.1). ``map_location`` says onto which device.
state = {"epoch": 3, "weight": torch.arange(6.0).reshape(2, 3)}
torch.save(state, RESULT / "state.pt")
check("saved and loaded", state, torch.load(RESULT / "state.pt", weights_only=True))
print(torch.load(RESULT / "state.pt", map_location="meta")["weight"].device)  # → meta
torch.save(nn.LayerNorm(3), RESULT / "whole.pt")
with refused(pickle.UnpicklingError, "Weights only load failed"):
    torch.load(RESULT / "whole.pt")
print(torch.load(RESULT / "whole.pt", weights_only=False))  # → LayerNorm((3,)…

# %%
# ``sigmoid``, ``clamp``; ``nn``, ``nn.functional``
# -------------------------------------------------
# Each element into 0 to 1, smoothly; into min to max, cut: no gradient where it cuts.
# ``nn`` has such things as layers, ``nn.functional`` as functions (lessons 5.2, 5.4).
x = torch.tensor([-4.0, 0.5, 4.0], requires_grad=True)
check("sigmoid by hand", 1 / (1 + torch.exp(-x)), torch.sigmoid(x))
check("as layer, as function", nn.Sigmoid()(x), nn.functional.sigmoid(x))
clamped = torch.clamp(x, min=-1, max=1)
check("clamp by hand", [min(max(v, -1.0), 1.0) for v in x.tolist()], clamped)
clamped.sum().backward()
print(clamped.detach(), x.grad)  # → tensor([-1.0000, …]) tensor([0., 1., 0.])

# %%
# ``max``, ``min``; ``argmax``
# ----------------------------
# The largest of all; with ``dim``, along it, and where; of two tensors, pair by pair.
x = torch.tensor([[3.0, 1, 5], [2, 6, 4]])
print(torch.max(x), torch.min(x))  # → tensor(6.) tensor(1.)
values, places = torch.max(x, dim=1)
print(values, places)  # → tensor([5., 6.]) tensor([2, 1])
check("argmax, keepdim", places[:, None], x.argmax(dim=1, keepdim=True))
check("two tensors", torch.where(x > 2, x, 2), torch.max(x, torch.full_like(x, 2)))
check("0 is a dim, no bound as in clamp", [2.0, 1.0, 4.0], torch.min(x, 0).values)

# %%
# ``cat``; ``stack``
# ------------------
# ``cat`` makes a dimension longer, ``stack`` a new one. All others must agree.
print([*torch.cat([x, x]).shape], [*torch.stack([x, x]).shape])  # → [4, 3] [2, 2, 3]
check("cat by hand", [[*row, *row] for row in x.tolist()], torch.cat([x, x], dim=1))
check("stack by hand", torch.cat([x[None], x[None]]), torch.stack([x, x]))
with refused(RuntimeError, "Sizes of tensors must match except in dimension 0"):
    torch.cat([x, x[:, :2]], dim=0)


# %%
# ``utils.data.Dataset``, ``utils.data.DataLoader``; ``ConcatDataset``
# --------------------------------------------------------------------
# A dataset has a length and items; the loader stacks these (lessons 1.3.2, 1.4).
class Squares(Dataset):
    """The numbers 0 to 5 with their squares."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.tensor([float(index)]), index**2


for inputs, targets in DataLoader(Squares(), batch_size=4, shuffle=False):
    print(inputs.shape, targets)
# → torch.Size([4, 1]) tensor([0, 1, 4, 9])
# → torch.Size([2, 1]) tensor([16, 25])
check("ConcatDataset: one after the other", 16, (Squares() + Squares())[10][1])
with refused(AttributeError, "no attribute 'COncatDataset'"):
    torch.utils.data.COncatDataset([Squares(), Squares()])
with refused(ModuleNotFoundError, "No module named 'troch'"):
    __import__("troch.utils.data")

# %%
# The picture: the odd numbers are the first row, the even ones the second
# ------------------------------------------------------------------------
parts = {"x\n(2, 3)": x}
parts["max(x, 0)\n(3,)"] = x.max(0).values[None]
parts["max(x, 1)\n(2,)"] = x.max(1).values[:, None]
parts["cat([x, x], 0)\n(4, 3)"] = torch.cat([x, x], 0)
parts["cat([x, x], 1)\n(2, 6)"] = torch.cat([x, x], 1)
parts["stack([x, x])\n(2, 2, 3)"] = torch.cat([x, torch.full((1, 3), torch.nan), x])
fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
left = 0
for name, numbers in parts.items():
    box = (left, left + numbers.shape[1], len(numbers), 0)
    ax.imshow(numbers % 2, "coolwarm", alpha=0.5, vmin=0, vmax=1, extent=box)
    ax.text(left, -0.3, name, linespacing=1.4)
    for i, j in (~numbers.isnan()).nonzero():
        ax.text(left + j + 0.5, i + 0.5, f"{numbers[i, j]:g}", ha="center", va="center")
    left += max(numbers.shape[1], 3) + 1.5
ax.axis([0, left - 1, 5.2, -2])
ax.axis("off")
ax.set_title("dim: max takes it away, cat makes it longer, stack adds one")
fig.savefig(RESULT / "dim.png")
