r"""
1.6.0 overview · transforms 的二十二个方法
==========================================

The twenty-two transforms of the notes on one sheet, what came after them on another.

:all images: Resize, CenterCrop, Pad, Grayscale; at the end ToTensor, then Normalize or
            LinearTransformation; ToPILImage to look at the result
:training:  RandomCrop, RandomResizedCrop, RandomHorizontalFlip, RandomVerticalFlip,
            RandomRotation, RandomAffine, ColorJitter, RandomGrayscale: what leaves the
            label true. A flower turned over is a flower, a 6 is a 9.
:test:      FiveCrop, TenCrop: average the predictions for several views
:glue:      RandomChoice, RandomApply, RandomOrder; Lambda for a function of your own

What came after them, and when to use it:

:TrivialAugmentWide: the first to try: one operation of random strength, nothing to tune
:RandAugment: to tune the strength: ``num_ops`` operations of one ``magnitude``
:AutoAugment: policies learnt on ImageNet, CIFAR-10 or SVHN, for data like these
:AugMix:    when the images in use are noisier or blurrier than the training set
:RandomErasing: when objects are hidden in part; after Normalize, where 0 is the mean
:GaussianBlur, ElasticTransform: when the focus varies; for handwriting, which bends
:MixUp, CutMix: for long training; on a batch, and with labels that are shares
"""

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from torch import nn
from torchvision.transforms import v2
from torchvision.utils import make_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, result_dir, sample_image, show_grid, warned

RESULT = result_dir(__file__)
flower = sample_image()  # 160 x 160
uint8 = v2.functional.pil_to_tensor(flower)
floats = uint8 / 255

# %%
# Twenty-two transforms
# ---------------------
# LinearTransformation takes every pixel for an image here: it whitens the colours.
values, vectors = torch.linalg.eigh(floats.flatten(1).cov())
whitening = vectors / values.sqrt() @ vectors.T
colours = floats.permute(1, 2, 0).reshape(-1, 3, 1, 1)
both = [v2.RandomRotation((30, 30)), v2.RandomInvert(p=1)]
transforms = [v2.RandomCrop(120), v2.CenterCrop(100), v2.RandomResizedCrop(160)]
transforms += [v2.FiveCrop(80), v2.TenCrop(80), v2.RandomHorizontalFlip()]
transforms += [v2.RandomVerticalFlip(), v2.RandomRotation(45), v2.Resize(20)]
transforms += [v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
with warned(UserWarning, "`ToTensor()` is deprecated"):
    transforms += [v2.ToTensor()]
transforms += [v2.Pad(30, padding_mode="reflect"), v2.ColorJitter(0.5, 0.5, 0.5, 0.3)]
transforms += [v2.Grayscale(), v2.LinearTransformation(whitening, floats.mean((1, 2)))]
transforms += [v2.RandomAffine(30, (0.1, 0.1), (0.6, 1), 20), v2.RandomGrayscale(p=0.5)]
transforms += [v2.ToPILImage(), v2.Lambda(lambda image: image // 64 * 64)]
transforms += [v2.RandomChoice(both), v2.RandomApply(both), v2.RandomOrder(both)]
names = [type(transform).__name__ for transform in transforms]
inputs = {"Normalize": floats, "LinearTransformation": colours, "ToTensor": flower}

# %%
# 20 seeds show which are random. A label beside the image, 3, passes all but Lambda.
drawing, labels, sheet = [], [], {"original": flower}
for name, transform in zip(names, transforms, strict=True):
    image, outputs = inputs.get(name, uint8), {}
    for seed in range(20):
        torch.manual_seed(seed)
        output, label = transform(image, 3)
        outputs[np.asarray(output).tobytes()] = output
    drawing += [name] * (len(outputs) > 1)
    labels += [label]
    shown = next(v for k, v in outputs.items() if k != np.asarray(image).tobytes())
    if isinstance(shown, tuple):
        shown = make_grid(list(shown), 3 if len(shown) == 5 else 4, 8, pad_value=255)
    if name == "LinearTransformation":
        shown = shown.reshape(160, 160, 3).permute(2, 0, 1) / 6 + 0.5
    sheet[f"{len(sheet)} {name}"] = shown
print(len(names), "transforms")  # → 22 transforms
by_hand = [n for n in names if n.startswith("Random") or n == "ColorJitter"]
check("half are random", by_hand, drawing)
check("labels", [0 if name == "Lambda" else 3 for name in names], labels)
title = "The twenty-two transforms: half of them are random"
show_grid([*sheet.values()], [*sheet], RESULT / "transforms.png", 6, title, False)

# %%
# CutMix and MixUp
# ----------------
# Both pair each image of a batch with the one before it. MixUp adds them, with weights
# λ and 1 - λ; CutMix pastes a window. The label says how much of each there is, and the
# loss takes it as it is: two losses, weighted.
torch.manual_seed(0)
batch, label = torch.rand(4, 3, 8, 8), torch.tensor([2, 0, 1, 1])
one_hot = nn.functional.one_hot(label, 3).float()
mixed, target = v2.MixUp(num_classes=3)(batch, label)
share = target[0, 2]
check("MixUp: images", share * batch + (1 - share) * batch.roll(1, 0), mixed)
check("MixUp: labels", share * one_hot + (1 - share) * one_hot.roll(1, 0), target)
cut, target = v2.CutMix(num_classes=3)(batch, label)
share = (cut == batch).float().mean()
by_hand = share * one_hot + (1 - share) * one_hot.roll(1, 0)
check("CutMix: its labels count the pixels", by_hand, target)
cross_entropy, logits = nn.CrossEntropyLoss(), torch.randn(4, 3)
loss = cross_entropy(logits, target)
check("-Σ q log p", -(target * logits.log_softmax(1)).sum(1).mean(), loss)
own, other = cross_entropy(logits, label), cross_entropy(logits, label.roll(1))
check("λ own + (1 - λ) other", share * own + (1 - share) * other, loss)

# %%
# λ comes from Beta(α, α), of standard deviation 1 / √(8 α + 4): small α, pure images.
for alpha in (0.2, 1.0, 5.0):
    mixup = v2.MixUp(alpha=alpha, num_classes=3)
    shares = torch.stack([mixup(batch, label)[1][0, 2] for _ in range(2000)])
    by_hand = [0.5, (8 * alpha + 4) ** -0.5]
    check(f"α = {alpha}", by_hand, [shares.mean(), shares.std()], rtol=0.08)

# %%
# What came after them
# --------------------
temple = v2.functional.to_image(load_sample_image("china.jpg")[:, 100:527].copy())
pair = torch.stack([uint8, v2.functional.resize(temple, [160, 160])]) / 255
later = [v2.AutoAugment(), v2.RandAugment(), v2.TrivialAugmentWide(), v2.AugMix()]
later += [v2.RandomErasing(p=1), v2.GaussianBlur(15, 4.0), v2.ElasticTransform(150.0)]
torch.manual_seed(1)
print(*[policy.value for policy in v2.AutoAugmentPolicy])  # → imagenet cifar10 svhn
columns = {"original": pair}
columns |= {type(t).__name__: [t(image) for image in pair] for t in later}
for transform in (v2.CutMix(num_classes=2), v2.MixUp(num_classes=2)):
    mixed, target = transform(pair, torch.tensor([0, 1]))
    columns[f"{type(transform).__name__}: {target[0, 0]:.0%} its own"] = mixed
titles = [*columns][:5] * 2 + [*columns][5:] * 2
images = [columns[name][place // 5 % 2] for place, name in enumerate(titles)]
title = "After the twenty-two: learnt policies, erased, blurred, bent and mixed"
show_grid(images, titles, RESULT / "later.png", 5, title)
print("flower: flickr.com/photos/vultilion/6056698931, CC BY 2.0")
print("temple: flickr.com/photos/danielbuechele/6061409035, CC BY 2.0")
