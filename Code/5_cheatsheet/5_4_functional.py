r"""
5.4 functional · 函数式接口速查
===============================

The layers and losses of ``nn`` as plain functions. A function keeps nothing between two
calls: weights and mode (training or not) come with every call.

:use it: in ``forward``, for what has no weights: ReLU, pooling, padding. Weights to be
         learned belong in a layer (lesson 5.2), where the optimizer finds them.
:shapes: images (N, C, H, W); classes along dimension 1. The dtype stays, float32 here.
:the notes: have the heading ``import torch.nn.functional as F``, and nothing under it.
:then → now: ``F.upsample`` is ``F.interpolate``, ``softmax`` wants ``dim``;
         ``scaled_dot_product_attention`` came with 2.0.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, result_dir, warned
from utils.images import SAMPLE_CREDIT, sample_image, show_row, to_pixels

RESULT = result_dir(__file__)
torch.manual_seed(0)
x = torch.tensor([[-2.0, 0.0, 1.0], [3.0, 1.0, 0.0]])  # 2 samples, 3 classes
photo = torch.tensor(to_pixels(sample_image())).permute(2, 0, 1)[None] / 255

# %%
# relu, leaky_relu, gelu, sigmoid, dropout: element by element
# ------------------------------------------------------------
# ``dropout`` hears nothing of ``net.eval()`` and drops by default: in ``forward`` write
# ``F.dropout(x, 0.2, training=self.training)``.
print(F.relu(x[0]), F.leaky_relu(x[0], negative_slope=0.1))
# → tensor([0., 0., 1.]) tensor([-0.2000,  0.0000,  1.0000])
check("gelu: x (1 + erf(x/√2)) / 2", x * (1 + (x / 2**0.5).erf()) / 2, F.gelu(x))
check("F.sigmoid still is 1 / (1 + e^-x)", 1 / (1 + (-x).exp()), F.sigmoid(x))
dropped = F.dropout(torch.ones(10_000), p=0.2)
check("dropout: a share p becomes 0", 0.2, (dropped == 0).float().mean(), atol=0.016)
check("the rest 1 / (1 - p)", torch.tensor([0, 1.25]), dropped.unique())
check("off", x.clone(), F.dropout(x, p=0.2, training=False))

# %%
# softmax, log_softmax: name the dimension that shall sum to 1
# ------------------------------------------------------------
# Without ``dim`` it guesses: of three dimensions the first. Where a probability becomes
# 0 its logarithm is lost; ``log_softmax`` never forms it.
check("e^x / Σ e^x", x.exp() / x.exp().sum(dim=1, keepdim=True), F.softmax(x, dim=1))
with warned(UserWarning, "Implicit dimension choice"):
    check("without dim: 0", torch.ones(3, 1), F.softmax(x[..., None]).sum(dim=0))
far = torch.tensor([0.0, 200.0])
print(F.softmax(far, dim=0).log(), F.log_softmax(far, dim=0))
# → tensor([-inf, 0.]) tensor([-200.,    0.])

# %%
# one_hot, cross_entropy, nll_loss (all losses: lesson 5.3)
# ---------------------------------------------------------
# Without ``num_classes``, ``one_hot`` is as wide as this batch's largest label demands.
label = torch.tensor([1, 0])
print(F.one_hot(label, num_classes=3).tolist())  # → [[0, 1, 0], [1, 0, 0]]
print(tuple(F.one_hot(label).shape), F.one_hot(label).dtype)  # → (2, 2) torch.int64
by_hand = -(x[range(2), label] - x.exp().sum(dim=1).log()).mean()
check("cross_entropy takes scores", by_hand, F.cross_entropy(x, label))
check("nll_loss their log_softmax", by_hand, F.nll_loss(F.log_softmax(x, 1), label))

# %%
# linear, conv2d, unfold: the weights are arguments
# -------------------------------------------------
# ``unfold`` lays each window out as a column; a convolution is one matrix product.
W, b = torch.randn(4, 3), torch.randn(4)
check("linear: x Wᵀ + b", x @ W.T + b, F.linear(x, W, b))
image, kernel = torch.randn(2, 3, 6, 6), torch.randn(4, 3, 3, 3)
columns, out = F.unfold(image, kernel_size=3), F.conv2d(image, kernel, b)
print(*columns.shape, "|", *out.shape, out.dtype)  # → 2 27 16 | 2 4 4 4 torch.float32
windows = [image[:, :, i : i + 3, j : j + 3] for i in range(4) for j in range(4)]
check("unfold", torch.stack([w.flatten(1) for w in windows], dim=2), columns)
by_hand = (kernel.flatten(1) @ columns).unflatten(2, (4, 4)) + b[:, None, None]
check("conv2d: kernel @ columns + b", by_hand, out, atol=1e-5)

# %%
# max_pool2d, avg_pool2d, adaptive_avg_pool2d, pad
# ------------------------------------------------
# A pool's stride is its window. ``pad`` begins with the last dimension's two sides.
squares = image.reshape(2, 3, 3, 2, 3, 2)  # 3 x 3 squares of 2 x 2
check("max_pool2d", squares.amax(dim=(3, 5)), F.max_pool2d(image, 2))
check("avg_pool2d", squares.mean(dim=(3, 5)), F.avg_pool2d(image, 2))
check("to 1 x 1", image.mean((2, 3), keepdim=True), F.adaptive_avg_pool2d(image, 1))
print(tuple(F.pad(image, (1, 0, 5, 0)).shape))  # → (2, 3, 11, 7)
print(F.pad(x[:1], (2, 1), mode="reflect"))
# → tensor([[ 1.,  0., -2.,  0.,  1.,  0.]])

# %%
# interpolate, affine_grid, grid_sample
# -------------------------------------
# ``theta`` takes a place (x, y, 1) in the output to the place in the input shown there;
# -1 and 1 are the image's edges, or with ``align_corners`` its border pixels' centres.
line = torch.tensor([[[0.0, 1.0]]])
for corners, middle in ((False, [1 / 4, 3 / 4]), (True, [1 / 3, 2 / 3])):
    four = F.interpolate(line, size=4, mode="linear", align_corners=corners)
    check(f"interpolate, align_corners={corners}", [0, *middle, 1], four.flatten())
with warned(UserWarning, "Use `nn.functional.interpolate` instead"):
    F.upsample(line, 4)  # the old name
theta = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])  # (1, 2, 3)
grid = F.affine_grid(theta, photo.shape, align_corners=False)  # (1, H, W, 2)
turned = F.grid_sample(photo, grid, align_corners=False)
check("a quarter turn", photo.rot90(dims=(2, 3)), turned, atol=1e-4)

# %%
# normalize, cosine_similarity, scaled_dot_product_attention
# ----------------------------------------------------------
# The first two work along dimension 1. ``is_causal`` hides all later places.
by_hand = x / torch.tensor([[5.0], [10.0]]).sqrt()  # squares of a row, added up
check("normalize: x / |x|", by_hand, F.normalize(x))
check("cosine: a·b / |a||b|", [-6 / 50**0.5], F.cosine_similarity(x[:1], x[1:]))
q, k, v = torch.randn(3, 2, 4, 5, 8)  # each (N, heads, length, d)
for causal, hidden in ((False, 0.0), (True, torch.full((5, 5), -torch.inf).triu(1))):
    by_hand = (q @ k.mT / 8**0.5 + hidden).softmax(dim=-1) @ v
    out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    check(f"softmax(QKᵀ/√d) V, is_causal={causal}", by_hand, out)

# %%
# The picture
# -----------
sobel = torch.tensor([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]).expand(3, 1, 3, 3)
small = F.max_pool2d(photo, 5)
pictures = {
    "the photograph": photo,
    "conv2d, edges": F.conv2d(photo, sobel, groups=3).abs() / 2,
    "max_pool2d by 5": small,
    "interpolate it back": F.interpolate(small, size=160, mode="bilinear"),
    "pad, reflect": F.pad(photo, (30, 30, 30, 30), mode="reflect"),
    "grid_sample": turned,
    "dropout, p=0.5": F.dropout(photo, p=0.5),
}
names = [f"{name}\n{p.shape[2]} x {p.shape[3]}" for name, p in pictures.items()]
title = f"What a function makes of a picture ({SAMPLE_CREDIT})"
show_row([p[0] for p in pictures.values()], names, RESULT / "pictures.png", title)
