r"""
predict · 用训练好的模型预测
============================

What the network of ``main.py`` sees in your pictures.

:arguments: ``IMAGE … --dataset NAME --name RUN``; without an image it looks at one test
            image of each class
:returns:   the three most probable classes of every image, and their probabilities
:leaves:    ``Result/main_training/<data set>/<name>/predictions.png``
:use it:    on any image that Pillow reads, of any size. The network knows its own
            classes only: on anything else it errs, often with great confidence.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    BadInput,
    Net,
    arguments,
    fit,
    load_image,
    needs,
    read_index,
    read_weights,
    to_pixels,
    weights_path,
)


def network_of(weights):
    """Return the network with these weights, and what one must know to use it.

    :raises BadInput: they are of another network
    """
    state, info = read_weights(weights)
    try:
        classes, side = list(map(str, info["classes"])), int(info["side"])
        mean, std = (list(map(float, info[key])) for key in ("mean", "std"))
        if len(classes) != len(state["fc3.bias"]) or side != 32:
            raise ValueError("its classes are not those that the weights tell apart")
        net = Net(len(classes))
        net.load_state_dict(state)
        v2.functional.normalize(torch.zeros(3, side, side), mean, std)
    except Exception as error:  # whatever other contents lead to
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"{weights}: are not the weights of main.py's network ({reason[:80]}): "
            "name another run in --name"
        ) from error
    known = dict(classes=classes, side=side, mean=mean, std=std)
    return net, {**known, "mirror": bool(info.get("mirror"))}


def probabilities_of(net, images, mean, std, mirror=False):
    """Return the probabilities, (N, classes), for N PIL images of one size.

    With ``mirror``, of the mean scores of each image and of its mirror image.
    """
    to_tensor = v2.Compose(
        [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]
    )
    net.eval()
    with torch.no_grad():
        batch = torch.stack([to_tensor(image) for image in images])
        scores = net(batch)
        if mirror:
            scores = (scores + net(batch.flip(-1))) / 2
        return scores.softmax(1)


def draw_predictions(images, probabilities, classes, path):
    """Draw each image beside its five most probable classes; return the figure."""
    count = min(5, len(classes))
    size = (6, 1.25 * len(images) + 0.6)
    fig, axes = plt.subplots(len(images), 2, figsize=size, layout="constrained")
    for (left, right), image, row in zip(
        axes.reshape(-1, 2), images, probabilities, strict=True
    ):
        left.imshow(to_pixels(image))
        left.set_axis_off()
        top = row.topk(count)
        names = [classes[i] for i in top.indices]
        bars = right.barh(range(count), 100 * top.values, color="tab:blue")
        right.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
        right.set_yticks(range(count), names, fontsize=8)
        right.invert_yaxis()
        right.set(xlim=(0, 115), xticks=[])
        right.spines[["top", "right", "bottom"]].set_visible(False)
    fig.suptitle("what the network sees, and how sure it is, in %")
    fig.savefig(path)
    return fig


def main():
    """Read the arguments, print the predictions, draw them."""
    parser = arguments(__doc__)
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument("--name", default="default", help="the run of main.py")
    args = parser.parse_args()
    data = args.dataset
    weights = weights_path(data, args.name)
    if args.name == "default":
        weights = needs("weights", data)
    net, info = network_of(weights)
    classes = info["classes"]
    names = args.images
    if not names:
        paths, labels = read_index(needs("index", data) / "test.txt")
        names = [paths[labels.index(label)] for label in sorted(set(labels))[:10]]
    small, shown = [], []
    for name in names:  # of large photographs, one at a time is in memory
        picture = load_image(name)
        small.append(fit(picture, info["side"]))
        picture.thumbnail((400, 400))
        shown += [picture] if len(shown) < 20 else []
    probabilities = probabilities_of(
        net, small, info["mean"], info["std"], info["mirror"]
    )
    for name, row in zip(names, probabilities, strict=True):
        top = row.topk(min(3, len(classes)))
        seen = [f"{classes[i]} {100 * p:.1f} %" for p, i in zip(*top, strict=True)]
        print(f"{name}: {', '.join(seen)}")
    out = weights.with_name("predictions.png")
    draw_predictions(shown, probabilities[:20], classes, out)
    print(f"look at {out}")


if __name__ == "__main__":
    main()
