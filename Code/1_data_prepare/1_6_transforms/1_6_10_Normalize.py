r"""
1.6.10 Normalize · 标准化
=========================

Subtract a mean and divide by a standard deviation, channel by channel:

.. math:: y_c = (x_c - \text{mean}_c) \, / \, \text{std}_c

:signature: ``Normalize(mean, std, inplace=False)``
:mean, std: one number per channel, in the unit of the pixels: in [0, 1] after
            ``ToDtype(torch.float32, scale=True)``
:input:     float tensor of shape (..., C, H, W)
:returns:   the same shape and dtype
:use it:    as the last step, with the statistics of the training set (lesson 1.5.1), on
            training, validation and test images alike; with a pretrained network, with
            the numbers that it was trained with
:the notes: they say "h*w*c"; it is (C, H, W).
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, refused, result_dir, sample_image, show_row

RESULT = result_dir(__file__)

# %%
# By hand
# -------
# The mean and the standard deviation of each channel, over all pixels of all images:
# here of one.
photo = sample_image()
pixels = v2.functional.pil_to_tensor(photo) / 255  # 3 x 160 x 160, in [0, 1]
mean, std = pixels.mean(dim=(1, 2)), pixels.std(dim=(1, 2))
print("mean:", mean)  # → mean: tensor([0.3145, 0.3152, 0.2233])
print("std:", std)  # → std: tensor([0.3879, 0.1986, 0.1394])


def normalize_by_hand(image, mean, std):
    """Return the (..., C, H, W) image less mean, over std, both of length C."""
    return (image - mean[:, None, None]) / std[:, None, None]


normalize = v2.Normalize(mean.tolist(), std.tolist())
normalized = normalize(pixels)
check("(x - mean) / std", normalize_by_hand(pixels, mean, std), normalized)
check("now the mean is 0", torch.zeros(3), normalized.mean(dim=(1, 2)), atol=1e-5)
check("and the standard deviation 1", torch.ones(3), normalized.std(dim=(1, 2)))

# %%
# A batch goes through in one call, and one number serves all channels.
batch = torch.stack([pixels, pixels.flip(-1)])
check("a batch", torch.stack([normalized, normalized.flip(-1)]), normalize(batch))
check("[0, 1] to [-1, 1]", 2 * pixels - 1, v2.Normalize([0.5], [0.5])(pixels))

# %%
# Back again
# ----------
# The inverse of (x - m) / s is another Normalize: (y - (-m / s)) / (1 / s).
undo = v2.Normalize((-mean / std).tolist(), (1 / std).tolist())
check("undone", pixels, undo(normalized))

# %%
# ``inplace`` saves the memory of a copy, and overwrites the input.
copy = pixels.clone()
returned = v2.Normalize(mean.tolist(), std.tolist(), inplace=True)(copy)
check("the input is overwritten", normalized, copy)
check("and it is what returns", copy.data_ptr(), returned.data_ptr())

# %%
# Pitfalls
# --------
# Only floats, and the channel first.
with refused(TypeError, "does not support PIL images"):
    normalize(photo)
with refused(TypeError, "should be a float tensor"):
    normalize(v2.functional.pil_to_tensor(photo))
with refused(RuntimeError, "must match the size of tensor b (3)"):
    normalize(pixels.permute(1, 2, 0))  # h*w*c

# %%
# An array passes unchanged, without a word: ``ToImage`` must come first.
array = np.asarray(photo, dtype=np.float32)
check("an array is not normalized", np.array(array), normalize(array))

# %%
# A grey image becomes three channels: one number was meant, three were given.
print("grey:", tuple(normalize(pixels[:1]).shape))  # → grey: (3, 160, 160)

# %%
# Statistics of 0..255 on pixels in [0, 1]: hardly any contrast is left.
wrong = v2.Normalize((255 * mean).tolist(), (255 * std).tolist())
print("spread:", wrong(pixels).std(dim=(1, 2)))
# → spread: tensor([0.0039, 0.0039, 0.0039])

# %%
# The pictures
# ------------
# Normalized pixels are no colours: most are negative. To look at them, undo it.
print(f"below 0: {(normalized < 0).float().mean():.0%}")  # → below 0: 61%
low, high = normalized.min(), normalized.max()
images = [photo, normalized, (normalized - low) / (high - low), undo(normalized)]
titles = ["original", "negative is black", "min to max as 0 to 1", "undone"]
show_row(images, titles, RESULT / "normalized.png", "Normalize(mean, std)")

# %%
# Spread alike around 0 after it; with statistics in the wrong unit, a spike each.
values = {
    "before": pixels,
    "Normalize(mean, std)": normalized,
    "mean and std of 0..255": wrong(pixels),
}
fig, axes = plt.subplots(1, 3, figsize=(8, 3), layout="constrained", sharey=True)
for ax, (title, image) in zip(axes, values.items(), strict=True):
    for channel, name in zip(image, ("red", "green", "blue"), strict=True):
        height = (1 + torch.histc(channel, 70, min=-3, max=4)).log10()
        bins, style = torch.linspace(-3, 4, 71), {"fill": True, "alpha": 0.5}
        ax.stairs(height, bins, color=f"tab:{name}", label=name, **style)
    ax.set(title=title, xlabel="pixel value")
axes[0].set_ylabel("pixels (log10)")
axes[0].legend()
fig.savefig(RESULT / "histograms.png")
