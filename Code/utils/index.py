"""Index files, and reading the images that they name: without torch."""

from __future__ import annotations

import json
import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from utils.console import BadInput


def read_index(index: str | Path) -> tuple[list[str], list[int]]:
    """Read an index file of lines ``path<TAB>label``, UTF-8.

    :return: the images' paths, made absolute by the folder of the index file, and the
        labels, whole numbers from 0
    :raises BadInput: the file is missing or empty, or a line is not of this form
    """
    index = Path(index)
    try:
        text = index.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise BadInput(f"{index}: is missing: run 1_3_1_generate_txt.py") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{index}: is not UTF-8 text: save it as UTF-8") from error
    home = str(index.absolute().parent)
    paths, labels = [], []
    for number, line in enumerate(text.splitlines(), 1):
        path, tab, label = line.rpartition("\t")
        if not (tab and path and label.isascii() and label.isdecimal()):
            raise BadInput(
                f"{index}, line {number}: {line[:60]!r} is not path<TAB>label with a "
                "label counted from 0: mend it, or run 1_3_1_generate_txt.py"
            )
        paths.append(os.path.join(home, path))  # noqa: PTH118 (six times as fast)
        labels.append(int(label))
    if not paths:
        raise BadInput(f"{index}: is empty: run 1_3_1_generate_txt.py")
    return paths, labels


def class_names(index: str | Path, labels: list[int]) -> list[str]:
    """Return the class of each label: from ``index.json`` beside the index, or numbers.

    :raises BadInput: a label has no name
    """
    record = Path(index).with_name("index.json")
    if record.is_file():
        classes = json.loads(record.read_text(encoding="utf-8")).get("classes", [])
    else:
        classes = [str(label) for label in range(max(labels) + 1)]
    if max(labels) >= len(classes):
        raise BadInput(
            f"{index}: has the label {max(labels)}, but there are {len(classes)} "
            "classes, counted from 0: mend it, or run 1_3_1_generate_txt.py"
        )
    return classes


def load_image(path: str | Path, index: str | Path | None = None) -> Image.Image:
    """Return the image as RGB, decoded.

    :param index: the index file that names it, for the error's message
    :raises BadInput: it is missing or can't be decoded
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        remedy = "check the name"
        if index is not None:
            remedy = f"{index} names it: put it back, or run 1_3_1_generate_txt.py"
        raise BadInput(f"{path}: is missing: {remedy}") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path}: is a folder: name the images in it") from error
    except UnidentifiedImageError as error:
        raise BadInput(
            f"{path}: is not an image that Pillow reads: take it out of the data set"
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, PermissionError):
            raise
        raise BadInput(
            f"{path}: can't be decoded ({error}): take it out of the data set, or "
            "replace it"
        ) from error


def fit(image: Image.Image, side: int = 32) -> Image.Image:
    """Return the image as ``side`` x ``side`` pixels; as it is, if it has them."""
    if image.size == (side, side):
        return image
    return image.resize((side, side), Image.Resampling.BILINEAR)
