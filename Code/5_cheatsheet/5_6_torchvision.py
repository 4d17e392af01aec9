r"""
5.6 torchvision · 图像工具与变换速查
====================================

For images: networks, data sets, boxes, and what each transform makes of its input.

:an image:  PIL: ``.size`` is (W, H). Array: (H, W, C). Tensor: (C, H, W), uint8 from 0
            to 255 or float32 from 0 to 1; a batch is (N, C, H, W)
:the notes: leave both headings, torchvision and torchvision.transforms, empty
:then → now: ``transforms`` is v1 now, and ``transforms.v2`` has all its names
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torchvision import datasets, io, models, ops, transforms, tv_tensors
from torchvision.transforms import v2
from torchvision.utils import make_grid, save_image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, fresh_dir, refused, result_dir, warned

RESULT = result_dir(__file__)

# %%
# ``torchvision.models``
# ----------------------
# ``weights=None``: random; ``weights="DEFAULT"``: downloaded (lesson 2.3.1). The enum
# tells about them before. On the device ``meta``, tensors have shapes, but no numbers.
with torch.device("meta"):
    net = models.resnet18(weights=None)
    print(tuple(net(torch.empty(2, 3, 224, 224)).shape))  # → (2, 1000)
weights = models.ResNet18_Weights.DEFAULT
count = sum(parameter.numel() for parameter in net.parameters())
check(f"{count} parameters", count, weights.meta["num_params"])
print(weights.meta["_metrics"]["ImageNet-1K"]["acc@1"], "% right")  # → 69.758 % right
print("crops to", weights.transforms().crop_size)  # → crops to [224]

# %%
# ``torchvision.datasets``: FakeData, ImageFolder, CIFAR10
# --------------------------------------------------------
# Items are (PIL image, label). FakeData is noise, for tests. ImageFolder numbers
# folders in the order of *text* (lesson 1.3.2). CIFAR10 wants its files (lesson 1.1).
fake = datasets.FakeData(3, image_size=(3, 6, 8), num_classes=10)
folder = fresh_dir(RESULT / "folder")
for name, (image, _) in zip(("2", "9", "10"), fake, strict=False):
    image.save(fresh_dir(folder / name) / "noise.bmp")
images = datasets.ImageFolder(folder)
print(images.class_to_idx)  # → {'10': 0, '2': 1, '9': 2}
check("label 1 is the folder 2", [fake[0][0], 1], images[1])
with refused(RuntimeError, "Dataset not found or corrupted"):
    datasets.CIFAR10(folder, download=False)

# %%
# ``torchvision.utils``: make_grid, save_image; ``torchvision.io``: decode_image
# ------------------------------------------------------------------------------
# ``nrow`` is how many stand *in* a row. ``io`` is on its way out: read with Pillow.
batch, path = torch.linspace(0, 1, 720).reshape(5, 3, 6, 8), str(RESULT / "image")
grid = make_grid(batch, nrow=3, padding=2)
check("2 (H + 2) + 2, 3 (W + 2) + 2", [3, 18, 32], list(grid.shape))
check("the fifth is second in row two", batch[4], grid[:, 10:16, 12:20])
save_image(batch[0], path, format="png")
new = hasattr(io.image, "_DEPRECATION_MSG")  # torchvision 0.29
with warned(DeprecationWarning, "TorchCodec") if new else nullcontext():
    check("⌊255 x + ½⌋", (255 * batch[0] + 0.5).byte(), io.decode_image(path))

# %%
# ``torchvision.ops``: box_iou, nms; ``torchvision.tv_tensors``
# -------------------------------------------------------------
# IoU: what two boxes share, over what they cover together. nms drops a box whose IoU
# with a better one it keeps is above the limit. v2 moves an image and its boxes.
corners, scores = [[0.0, 0, 4, 4], [2, 0, 6, 4], [5, 1, 8, 5]], [0.8, 0.9, 0.7]
boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=(6, 8))
check("box_iou", [[1, 8 / (16 + 16 - 8), 0]], ops.box_iou(boxes[:1], boxes))
kept = [ops.nms(boxes, torch.tensor(scores), limit).tolist() for limit in (0.3, 0.4)]
print(*kept)  # → [1, 2] [1, 0, 2]
image = tv_tensors.Image((255 * batch[0]).byte())
flipped = v2.RandomHorizontalFlip(p=1)(image, boxes)
check("the image", image.flip(-1), flipped[0])
check("its boxes: left is 8 - right", 8 - boxes[:, [2, 0]], flipped[1][:, [0, 2]])

# %%
# ``torchvision.transforms``: the 22 of chapter 1.6, in a picture; ``Compose``
# ----------------------------------------------------------------------------
# What becomes of an image, 8 wide and 6 high. ToTensor, here that of v1, is in v2 the
# last two, one after the other. Pitfall: ToDtype alone leaves a PIL image as it is.


def words(transform, image):
    """Return in words what a transform makes of an image: number, type, size."""
    try:
        out = transform(image)
    except TypeError:
        return "refused"
    many, out = (f"{len(out)} x ", out[0]) if isinstance(out, tuple) else ("", out)
    tensor = isinstance(out, torch.Tensor)
    kind, size = (out.dtype, out.shape) if tensor else (out.mode, out.size)
    return f"{many}{kind} {tuple(size)}".replace("torch.", "")


print(set(transforms.transforms.__all__) - set(dir(v2)))  # → set()
flip, floats = v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True)
keep = [flip, v2.RandomVerticalFlip(), v2.RandomRotation(9), v2.RandomAffine(9)]
keep += [v2.RandomChoice([flip]), v2.RandomApply([flip]), v2.RandomOrder([flip])]
keep += [v2.ColorJitter(0.5), v2.RandomGrayscale(), v2.Lambda(lambda image: image)]
cut = [v2.RandomCrop(4), v2.CenterCrop(4), v2.RandomResizedCrop(4), v2.Resize((4, 4))]
linear = v2.LinearTransformation(torch.eye(144), torch.zeros(144))
table = {
    "RGB (8, 6); uint8 (3, 6, 8); float32 (3, 6, 8)": keep,
    "RGB (4, 4); uint8 (3, 4, 4); float32 (3, 4, 4)": cut,
    "5 x RGB (4, 4); 5 x uint8 (3, 4, 4); 5 x float32 (3, 4, 4)": [v2.FiveCrop(4)],
    "10 x RGB (4, 4); 10 x uint8 (3, 4, 4); 10 x float32 (3, 4, 4)": [v2.TenCrop(4)],
    "RGB (10, 8); uint8 (3, 8, 10); float32 (3, 8, 10)": [v2.Pad(1)],
    "L (8, 6); uint8 (1, 6, 8); float32 (1, 6, 8)": [v2.Grayscale()],
    "refused; refused; float32 (3, 6, 8)": [v2.Normalize([0.5] * 3, [0.5] * 3)],
    "refused; float32 (3, 6, 8); float32 (3, 6, 8)": [linear],
    "RGB (8, 6); RGB (8, 6); RGB (8, 6)": [v2.ToPILImage()],
    "float32 (3, 6, 8); refused; refused": [transforms.ToTensor()],
    "uint8 (3, 6, 8); uint8 (3, 6, 8); float32 (3, 6, 8)": [v2.ToImage()],
    "RGB (8, 6); float32 (3, 6, 8); float32 (3, 6, 8)": [floats],
}
pil, names, cells = v2.functional.to_pil_image(image), [], []
for expected, transform in [(row, t) for row, group in table.items() for t in group]:
    found = [words(transform, thing) for thing in (pil, image, image / 255)]
    names, cells = [*names, type(transform).__name__], [*cells, found]
    check(f"{names[-1]}: {expected}", expected, "; ".join(found))
check("ToTensor: pixels / 255", image / 255, transforms.ToTensor()(pil))
check("ToImage, then ToDtype", image / 255, v2.Compose([v2.ToImage(), floats])(pil))
tints = {"uint8": "#d9ead3", "float32": "#fff2cc", "refused": "#f4a6a6", "": "#cfe2f3"}
colours = [[next(tints[k] for k in tints if k in c) for c in row] for row in cells]
fig, ax = plt.subplots(figsize=(8, 6), layout="constrained")
ax.set_axis_off()
heads = ["PIL RGB (8, 6)", "uint8 (3, 6, 8)", "float32 (3, 6, 8)"]
ax.table(cells, colours, rowLabels=names, colLabels=heads, bbox=[0.2, 0, 0.8, 1])
ax.set_title("Most transforms keep an image's type; the last six refuse or change some")
fig.savefig(RESULT / "what_becomes_of_what.png")
