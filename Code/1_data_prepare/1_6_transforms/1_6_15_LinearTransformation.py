r"""
1.6.15 LinearTransformation · 线性变换
======================================

Flatten an image, subtract a mean, multiply by a matrix, and give it its shape back:

.. math:: y = (x - \text{mean}) \, M

With the right matrix it whitens: no pixel of the result tells anything about another,
and all vary alike.

:signature: ``LinearTransformation(transformation_matrix, mean_vector)``
:matrix:    (D, D) with D = C x H x W; the image is a *row*, and stands on the left
:mean:      (D,), of the matrix's dtype
:input:     tensor of shape (..., C, H, W)
:returns:   the same shape
:use it:    for whitening (PCA, ZCA) of small images, with a matrix computed from the
            training set
:the notes: ``torchvison`` wants an i.
:then → now: ``mean_vector`` is required; 1.0 had the matrix alone.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir, sample_image

RESULT = result_dir(__file__)

# %%
# A flip is a matrix
# ------------------
# Row i of the matrix says where pixel i goes.
image = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])  # 1 x 2 x 2
mirror = torch.tensor([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
flip = v2.LinearTransformation(mirror, torch.zeros(4))
print(flip(image).tolist())  # → [[[2.0, 1.0], [4.0, 3.0]]]

# %%
# By hand
# -------
torch.manual_seed(0)
matrix, mean = torch.randn(12, 12), torch.randn(12)
images = torch.rand(5, 3, 2, 2)
by_hand = ((images.flatten(1) - mean) @ matrix).reshape(5, 3, 2, 2)
transform = v2.LinearTransformation(matrix, mean)
check("(x - mean) M, a batch", by_hand, transform(images), atol=1e-5)
check("one image", by_hand[0], transform(images[0]), atol=1e-5)

# %%
# Whitening the digits
# --------------------
# Turn to directions that vary independently (PCA), divide by the standard deviation
# there, and turn back (ZCA). Directions without variance are left out.


def whitening_of(images, eps=0.0, turn_back=True):
    """Return the matrix (D, D) that whitens the (N, C, H, W) images, and their mean."""
    pixels = images.flatten(1)
    mean = pixels.mean(dim=0)
    covariance = (pixels - mean).T @ (pixels - mean) / len(pixels)
    variances, directions = torch.linalg.eigh(covariance)
    scale = torch.where(variances > 1e-9, (variances + eps).rsqrt(), 0)
    matrix = directions * scale
    return (matrix @ directions.T if turn_back else matrix), mean


def covariance_of(images):
    """Return the covariance (D, D) of the pixels of (N, C, H, W) images."""
    return torch.cov(images.flatten(1).T, correction=0)


digits = torch.from_numpy(load_digits().images).unsqueeze(1) / 16  # 1797 x 1 x 8 x 8
alive = digits.flatten(1).std(dim=0) > 0
print("pixels that vary:", alive.sum().item())  # → pixels that vary: 61
zca = v2.LinearTransformation(*whitening_of(digits))
white = zca(digits)
check("unit covariance", alive.diag().double(), covariance_of(white))
check("mean 0", torch.zeros(64), white.flatten(1).mean(dim=0))

# %%
# ``eps`` holds back the directions that hardly vary: without it a corner pixel that a
# few digits touch weighs as much as a stroke.
tame = v2.LinearTransformation(*whitening_of(digits, eps=0.1))(digits)
print(f"largest value: {white.max():.1f}, with eps {tame.max():.1f}")
# → largest value: 38.1, with eps 2.8

# %%
# Pitfalls
# --------
# The image stands on the left. With the transposed matrix nothing complains.
matrix, mean = whitening_of(digits, turn_back=False)
pca, wrong = (v2.LinearTransformation(m, mean)(digits) for m in (matrix, matrix.T))
unit = torch.diag((torch.arange(64) >= 3).double())  # the first three have no variance
check("PCA: unit covariance", unit, covariance_of(pca))
error = (covariance_of(wrong) - unit).abs().max()
check_less("transposed: far from it", 10, error)

# %%
# What is refused: no mean, two dtypes, a PIL image, an image of another size.
with refused(TypeError, "missing 1 required positional argument: 'mean_vector'"):
    v2.LinearTransformation(matrix)
with refused(ValueError, "should have the same dtype"):
    v2.LinearTransformation(matrix, mean.float())
with refused(TypeError, "does not support PIL images"):
    zca(sample_image(8))
with refused(ValueError, "incompatible shape"):
    zca(torch.rand(1, 9, 9))

# %%
# The matrix grows with the fourth power of the side: whitening is for small images.
small, large = ((3 * side**2) ** 2 * 4 / 2**20 for side in (32, 224))  # MiB, float32
print(f"32 x 32: {small:.0f} MiB, 224 x 224: {large:,.0f} MiB")
# → 32 x 32: 36 MiB, 224 x 224: 86,436 MiB

# %%
# The picture
# -----------
# Whitening leaves the edges of the strokes, and makes the covariance the identity.
strips = {"digits": digits, "whitened": white, "whitened, eps=0.1": tame}
layout = [[name, "before", "after"] for name in strips]
size = {"figsize": (8.5, 2.8), "width_ratios": [2, 1, 1]}
fig, axes = plt.subplot_mosaic(layout, layout="constrained", **size)
for name, images in strips.items():
    strip = v2.Pad((0, 0, 1, 0))(images[:9, 0]).movedim(1, 0).flatten(1)  # 8 x 81
    low, high = (0, 1) if images is digits else (-3, 3)
    axes[name].imshow(strip, cmap="gray", vmin=low, vmax=high)
    axes[name].set(title=name, xticks=[], yticks=[])
for name, images, limit in (("before", digits, 0.15), ("after", white, 1)):
    axes[name].imshow(covariance_of(images), "RdBu_r", vmin=-limit, vmax=limit)
    axes[name].set(title=f"covariance {name}", xlabel="pixel", ylabel="pixel")
fig.savefig(RESULT / "whitened.png")
