r"""
5.8 tensors · 其余杂项
======================

What a tensor is: numbers in a row in memory, and strides that say how far it is there
from one index to the next; and the odds and ends at the end of the notes.

.. math:: x[0, 0] \to x[i, j]: \quad i \cdot \text{stride}_0 + j \cdot \text{stride}_1

:the notes: ``sequeeze`` is spelled ``squeeze``, ``unsequence`` ``unsqueeze``.
:then → now: ``.new`` → ``new_zeros``; ``.data`` → ``detach``; ``.cuda`` → ``.to``.
"""

import sys
from contextlib import suppress
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, refused, result_dir

RESULT = result_dir(__file__)

# %%
# ``.view()``, ``.permute()``, ``.contiguous()``; ``reshape``
# -----------------------------------------------------------
# ``view`` and ``permute`` put new strides on the same memory, ``contiguous`` copies to
# reading order where it must. To join axes ``view`` needs it; ``reshape`` may copy.
grid = torch.arange(6).view(2, 3)
turned = grid.permute(1, 0)
forms = {"view": grid, "permute": turned, "contiguous": turned.contiguous()}
for name, x in forms.items():
    shared = x.data_ptr() == grid.data_ptr()
    print(f"{name:10} shape {[*x.shape]} stride {x.stride()} shared {shared}")
    row, a, b = x.as_strided((6,), (1,)), *x.stride()  # all its memory, in a row
    found = [[row[i * a + j * b] for j in range(x.size(1))] for i in range(x.size(0))]
    check("each number is where the strides say", found, x)
# → view       shape [2, 3] stride (3, 1) shared True
# → permute    shape [3, 2] stride (1, 3) shared True
# → contiguous shape [3, 2] stride (2, 1) shared False
with refused(RuntimeError, "view size is not compatible"):
    turned.view(6)
print(turned.reshape(6))  # → tensor([0, 3, 1, 4, 2, 5])
check("view does not turn", [[0, 1], [2, 3], [4, 5]], grid.view(3, 2))

# %%
# ``.repeat()``, ``repeat_interleave``, ``expand``
# ------------------------------------------------
# The whole again and again; each number again and again; no copy at all: ``expand``
# sets a stride of 0, so that all rows are one.
x = torch.tensor([1, 2])
check("repeat is numpy's tile", np.tile([1, 2], 3), x.repeat(3))
check("repeat_interleave is its repeat", np.repeat([1, 2], 3), x.repeat_interleave(3))
print(x.expand(2, 2).tolist(), x.expand(2, 2).stride())  # → [[1, 2], [1, 2]] (0, 1)
row = torch.zeros(1, 256)  # 4 bytes each
rows = row.repeat(1000, 1), row.expand(1000, -1), row.repeat_interleave(1000, dim=0)
print([x.untyped_storage().nbytes() for x in rows])  # → [1024000, 1024, 1024000]
with refused(RuntimeError, "more than one element of the written-to tensor"):
    rows[1].add_(1)  # 1000 rows in one place: clone() first

# %%
# ``.size(0)``, ``squeeze``, ``unsqueeze``
# ----------------------------------------
# The batch size, also ``x.shape[0]``. ``squeeze()`` drops every 1, a batch of one too.
x = torch.zeros(1, 3, 1)
print(x.size(0), [*x.squeeze(2).shape], [*x.squeeze().shape])  # → 1 [1, 3] [3]
check("unsqueeze(0) is [None]", x[None].shape, x.unsqueeze(0).shape)
for typo in ("sequeeze", "unsequence"):
    with refused(AttributeError, f"no attribute '{typo}'"):
        getattr(x, typo)()

# %%
# ``.new()``, ``torch.from_numpy()``
# ----------------------------------
# ``new`` takes the dtype of x; numbers are a shape, a list is content, cut to whole
# ones here. ``new_zeros`` takes a shape only. ``from_numpy`` shares, ``tensor`` copies.
x = torch.tensor([1, 2])
print(x.new(2, 3).shape, x.new([2.7, 3]), x.new_zeros(2))
# → torch.Size([2, 3]) tensor([2, 3]) tensor([0, 0])
array = np.zeros(2)
shared, copied = torch.from_numpy(array), torch.tensor(array)
array[0] = 7
print(shared, copied[0])  # → tensor([7., 0.], dtype=torch.float64) tensor(0., …)

# %%
# ``.data``, ``Variable``
# -----------------------
# A ``Variable`` is a tensor now. ``exp`` keeps its result, which is its derivative too:
# changed through ``.data`` the gradient is silently wrong; by ``detach()``, refused.
w = torch.autograd.Variable(torch.tensor([0.0, 1.0]), requires_grad=True)
loss = (y := w.exp()).sum()
(right,) = torch.autograd.grad(loss, w, retain_graph=True)
check("the gradient is exp(w)", [1.0, np.e], right)
y.data.zero_()  # the loss is known, and stays
(wrong,) = torch.autograd.grad(loss, w, retain_graph=True)
print(type(w).__name__, wrong)  # → Tensor tensor([0., 0.])
y.detach().zero_()
with refused(RuntimeError, "modified by an inplace operation"):
    loss.backward()

# %%
# ``.cuda()``, ``model.load_state_dict(torch.load(pretrained))``
# --------------------------------------------------------------
# ``.cuda()`` fails without a GPU, ``.to(device)`` goes where it is told: a module,
# itself, a tensor as a copy. Weights that don't fit the model: lesson 2.3.1.
device = "cuda" if torch.cuda.is_available() else "cpu"
model, other, went = torch.nn.PReLU(), torch.nn.PReLU(init=0.5), False
with suppress(RuntimeError, AssertionError):  # no GPU, or a PyTorch without CUDA
    went = model.cuda().weight.is_cuda
check("cuda() works with a GPU only", device == "cuda", went)
print(x.to("meta") is x, model.to(device) is model)  # → False True
torch.save(other.state_dict(), RESULT / "pretrained.pt")
pretrained = torch.load(RESULT / "pretrained.pt", map_location=device)
print(model.load_state_dict(pretrained))  # → <All keys matched successfully>
check("the weights of the other", other.weight, model.weight)

# %%
# The picture: one step down, one to the right, in the tensor and in memory
# -------------------------------------------------------------------------
fig, axes = plt.subplots(1, 3, figsize=(8, 3.4), layout="constrained")
fig.suptitle("permute swaps the strides, contiguous moves the numbers in memory")
for ax, (name, x) in zip(axes, forms.items(), strict=True):
    left = 3 - x.size(1) / 2
    for part, x0, y0 in ((x, left, 0), (x.as_strided((1, 6), (6, 1)), 0, 5.5)):
        box = (x0, x0 + part.size(1), y0 + part.size(0), y0)
        ax.imshow(part // 3, "coolwarm", alpha=0.5, vmin=0, vmax=1, extent=box)
        for i, j in np.ndindex(*part.shape):
            ax.text(x0 + j + 0.35, y0 + i + 0.65, part[i, j].item())
    ends = (left - 0.2, 1.2), (left + 1.2, -0.2)
    for end, step, color in zip(ends, x.stride(), ("tab:green", "k"), strict=True):
        arrow = {"arrowstyle": "->", "color": color, "lw": 2}
        ax.annotate("", end, (left - 0.2, -0.2), arrowprops=arrow)
        arrow["connectionstyle"] = "arc3,rad=-0.5"
        ax.annotate("", (step + 0.5, 5.5), (0.5, 5.5), arrowprops=arrow)
    ax.set(title=f"{name}\nstride {x.stride()}", xlim=(-0.1, 6.1), ylim=(6.6, -0.6))
    ax.axis("off")
fig.savefig(RESULT / "strides.png")
