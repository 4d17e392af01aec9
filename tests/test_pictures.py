"""The sheets of pictures that lessons and the main training draw."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image
from sklearn.datasets import load_sample_image

from utils import sample_image, show_classes, show_grid, show_row, to_pixels
from utils.report import draw_confusion, draw_curves, draw_mistakes

LEVELS = [[0.0, 0.5], [0.25, 1.0]]
BYTES = [[0, 128], [64, 255]]  # of them: x 255, rounded, half to even


@pytest.mark.parametrize(
    "image",
    [
        np.array(LEVELS),
        np.array(LEVELS)[:, :, None],
        np.array(BYTES, np.uint8),
        torch.tensor(LEVELS, requires_grad=True),
        torch.tensor([LEVELS]),
        torch.tensor([BYTES], dtype=torch.uint8),
        Image.fromarray(np.array(BYTES, np.uint8)),
    ],
)
def test_pixels_of_grey_pictures_of_all_kinds(image):
    pixels = to_pixels(image)
    assert (pixels.shape, pixels.dtype) == ((2, 2, 3), np.uint8)
    assert (pixels == np.array(BYTES)[:, :, None]).all()


def test_pixels_keep_colours_and_cut_off_what_lies_beyond():
    wide = torch.tensor([-1.0, 0.2, 7.0]).view(3, 1, 1).expand(3, 2, 4)
    assert to_pixels(wide).shape == (2, 4, 3)
    assert to_pixels(wide)[1, 3].tolist() == [0, 51, 255]
    assert to_pixels(wide.permute(1, 2, 0).numpy())[1, 3].tolist() == [0, 51, 255]


@pytest.mark.parametrize("shape", [(4,), (2, 4, 4), (4, 4, 4), (2, 3, 4, 4)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match="not an image: shape"):
        to_pixels(torch.zeros(shape))


def test_the_sample_is_a_square_of_the_flower():
    whole = Image.fromarray(load_sample_image("flower.jpg"))
    square = whole.crop((150, 0, 577, 427))
    for size, image in ((160, sample_image()), (40, sample_image(40))):
        assert (image.mode, image.size) == ("RGB", (size, size))
        assert np.array_equal(image, square.resize((size, size)))


def test_a_sheet_has_its_pictures_in_rows_to_scale(tmp_path):
    pictures = [torch.rand(3, side, 2 * side) for side in (4, 8, 6)]
    path = tmp_path / "sheet.png"
    fig = show_grid(pictures, ["a", "b\nc", "d"], path, columns=2, title="all")
    with Image.open(path) as image:
        width, height = image.size
    assert width == 320  # 3.2 inches
    assert height in (434, 435)  # 2 rows of 1.6 + 0.4, and 0.35; matplotlib cut off
    assert fig.get_suptitle() == "all"
    assert [ax.get_title() for ax in fig.axes] == ["a", "b\nc", "d", ""]
    assert not any(ax.axison for ax in fig.axes)
    for ax, picture in zip(fig.axes, pictures, strict=False):
        (shown,) = ax.images
        assert np.array_equal(shown.get_array(), to_pixels(picture))
        (frame,) = ax.patches
        height, width = picture.shape[1:]
        assert frame.get_bbox().bounds == (-0.5, -0.5, width, height)
        assert (frame.get_fill(), frame.get_edgecolor()[:3]) == (False, to_rgb("0.6"))
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert right - left == bottom - top == 16  # the longest side of all
        assert (left + right + 1, bottom + top + 1) == (width, height)
    assert fig.axes[0].get_position().y0 > fig.axes[2].get_position().y0
    filled = show_grid(pictures[:1], ["a"], path, columns=1, to_scale=False).axes[0]
    assert filled.get_xlim() == (-0.5, 7.5)


def test_a_row_is_a_sheet_of_one_row(tmp_path):
    pictures = [np.zeros((2, 2)), np.ones((150, 150))]
    fig = show_row(pictures, ["black", "white"], tmp_path / "row.png")
    assert len(fig.axes) == 2
    assert fig.get_size_inches().tolist() == pytest.approx([3.2, 1.9])
    low = [ax.get_position().y0 for ax in fig.axes]
    assert low[0] == pytest.approx(low[1])
    assert fig.axes[0].images[0].get_interpolation() == "nearest"  # no mush
    assert fig.axes[1].images[0].get_interpolation() != "nearest"
    with pytest.raises(ValueError, match="2 images, 1 titles"):
        show_row(pictures, ["black"], tmp_path / "row.png")


def test_classes_have_a_row_each_with_gaps_between(tmp_path):
    red, blue = (Image.new("RGB", (5, 5), color) for color in ("red", "blue"))
    rows = {"one": [red], "two": [blue, red, blue]}
    fig = show_classes(rows, tmp_path / "classes.png", "a title", side=4)
    assert (tmp_path / "classes.png").is_file()
    (ax,) = fig.axes
    sheet = ax.images[0].get_array()
    expected = np.full((2 * 6 - 2, 3 * 6 - 2, 3), 255)
    for i, j, color in ((0, 0, red), (1, 0, blue), (1, 1, red), (1, 2, blue)):
        expected[6 * i : 6 * i + 4, 6 * j : 6 * j + 4] = color.getpixel((0, 0))
    assert np.array_equal(sheet, expected)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["one", "two"]
    assert ax.get_yticks().tolist() == [2, 8]
    assert ax.get_title() == "a title"


# What the main training draws


def test_curves_show_every_epoch(tmp_path):
    keys = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy", "lr")
    history = [
        dict(zip(keys, values, strict=True))
        for values in ((3.0, 2.5, 0.25, 0.3, 0.1), (1.0, 2.0, 0.75, 0.5, 0.05))
    ]
    fig = draw_curves(history, 2, tmp_path / "curves.png", "a title")
    assert (tmp_path / "curves.png").is_file()
    assert fig.get_suptitle() == "a title"
    loss, right, rate = fig.axes
    seen = [[[*line.get_xdata()], [*line.get_ydata()]] for line in loss.lines]
    assert seen == [[[1, 2], [3.0, 1.0]], [[1, 2], [2.5, 2.0]]]
    assert [list(line.get_ydata()) for line in right.lines[:2]] == [[25, 75], [30, 50]]
    assert list(right.lines[2].get_xdata()) == [2, 2]
    assert list(rate.lines[0].get_ydata()) == [0.1, 0.05]
    assert [ax.get_title() for ax in fig.axes][:2] == ["loss", "accuracy, %"]
    texts = [text.get_text() for text in right.get_legend().get_texts()]
    assert texts == ["train", "valid", "kept: epoch 2"]


@pytest.mark.parametrize("classes", [3, 21])
def test_confusion_is_shaded_by_the_true_class(classes, tmp_path):
    counts = np.zeros((classes, classes), int)
    counts[0, :2], counts[1, 1] = (2, 6), 5  # the others do not occur
    names = [f"{i:02}" for i in range(classes)]
    fig = draw_confusion(counts, names, tmp_path / "confusion.png", "a title")
    ax = fig.axes[0]
    shades = ax.images[0].get_array()
    assert shades[0, :2].tolist() == [0.25, 0.75]
    assert shades[1:, :2].tolist() == [[0, 1], *[[0, 0]] * (classes - 2)]
    assert (ax.get_title(), ax.get_ylabel()) == ("a title", "true class")
    cells = {
        text.get_text(): (text.get_position(), text.get_color()) for text in ax.texts
    }
    few = {"2": ((0, 0), "black"), "6": ((1, 0), "white"), "5": ((1, 1), "white")}
    assert cells == (few if classes <= 20 else {})
    assert [text.get_text() for text in ax.get_xticklabels()] == names
    assert ax.get_xticklabels()[0].get_rotation() == 0


def test_long_names_of_classes_are_turned(tmp_path):
    names = ["cat", "dog"]
    fig = draw_confusion(np.eye(2), names, tmp_path / "confusion.png", "")
    assert {text.get_rotation() for text in fig.axes[0].get_xticklabels()} == {90}


def test_the_surest_mistakes_come_first(tmp_path):
    paths = []
    for i in range(24):
        paths.append(tmp_path / f"{i}.png")
        Image.new("RGB", (2, 2), (i, i, i)).save(paths[-1])
    sure = 0.51 + np.arange(24) / 100
    seen = np.stack([1 - sure, sure], 1)  # all are taken for class 1
    labels = np.array([0, 1] * 12)  # every second one is
    path = tmp_path / "mistakes.png"
    fig = draw_mistakes(paths, labels, seen, ["no", "yes"], path, "test")
    titles = [ax.get_title() for ax in fig.axes]
    surest = [22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0]
    assert titles == [f"yes, {51 + i} %\nis no" for i in surest]
    shown = [int(ax.images[0].get_array()[0, 0, 0]) for ax in fig.axes]
    assert shown == surest
    assert fig.get_suptitle() == "12 of 24 test images are misread; the surest ones"
    assert fig.axes[0].get_xlim() == (-0.5, 1.5)
    many = draw_mistakes(paths, 0 * labels, seen, ["no", "yes"], path, "test")
    assert len(many.axes) == 18
    assert draw_mistakes(paths, 1 + 0 * labels, seen, ["no", "yes"], path, "") is None
    assert not path.exists()
