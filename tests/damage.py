"""Files damaged at random, and what has to come of reading them."""

import contextlib
import gzip
import io
import pickle
import re
import zipfile
from collections import namedtuple

import numpy as np
import torch
from hypothesis import strategies as st

import hostile
from utils import BadInput, load_image, read_batches, read_checkpoint, read_index
from utils.index import LARGEST_IMAGE, LARGEST_LABEL

# wholes: files to damage; read(content, folder): True if it is read, False if it is
# refused as it should be
Target = namedtuple("Target", "wholes read")

STEPS = [
    bytes([code]) for code in b"()]}lt0aesdubRcoipqrhjgNKJMXUTBCPQ.\x80\x85\x86\x87"
]
NUMBERS = [b"\0\0\0\0", b"\xff" * 8, b"\xff\xff\xff\x7f", b"\0\0\0\x10", b"\1"]
WORDS = [
    b"\n",
    b"\t",
    b"\r",
    b"..",
    b"/",
    b"-",
    b"9" * 12,
    b"\0" * 512,
    b"cos\nsystem\n",
]
KINDS = ["set", "insert", "delete", "repeat", "cut"]
NEW = STEPS + NUMBERS + WORDS
EDITS = st.tuples(
    st.sampled_from(KINDS),
    st.floats(0, 1, exclude_max=True),
    st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from(NEW)),
    st.integers(1, 40),
)


def changed(content, edits):
    """Return ``content`` with edits: kind, place in [0, 1), new bytes, how many."""
    content = bytearray(content)
    for kind, place, new, count in edits:
        at = int(place * len(content))
        if kind == "set":
            content[at : at + len(new)] = new
        elif kind == "insert":
            content[at:at] = new * (count if count > 30 else 1)
        elif kind == "delete":
            del content[at : at + count]
        elif kind == "repeat":
            content[at:at] = content[at : at + count]
        elif count > 35:
            del content[at:]
    return bytes(content)


def versions(wholes):
    """Return a strategy for versions of files with up to six edits."""
    return st.builds(changed, st.sampled_from(wholes), st.lists(EDITS, max_size=6))


def version(wholes, chance):
    """Return such a version, drawn from a random.Random: ten times as fast."""
    edits = [
        (
            chance.choice(KINDS),
            chance.random(),
            chance.choice([chance.randbytes(chance.randint(1, 4)), chance.choice(NEW)]),
            chance.randint(1, 40),
        )
        for _ in range(chance.randint(0, 6))
    ]
    return changed(chance.choice(wholes), edits)


def refused(read, path, content):
    """Return what ``read`` makes of this in a file; None if it refuses it in a line."""
    path.write_bytes(content)
    try:
        return read(path)
    except BadInput as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return None


def reads_index(content, folder):
    """Read an index; it has to be what a reader line by line finds."""
    path = folder / "train.txt"
    found = refused(read_index, path, content)
    if found is None:
        return False
    lines = re.split("\r\n|\r|\n", content.decode("utf-8-sig"))
    lines = lines if lines[-1] else lines[:-1]
    assert len(found[0]) == len(found[1]) == len(lines)
    for line, name, label in zip(lines, *found, strict=True):
        path, _, number = line.rpartition("\t")
        assert name == f"{folder}/{path}" and label == int(number) <= LARGEST_LABEL
        assert not path.startswith("/") and ".." not in path.split("/")
    return True


def reads_archive(content, folder):
    """Read an archive; its batches have to be sound."""
    path = folder / "a.tar.gz"
    found = refused(lambda path: list(read_batches(path)), path, content)
    if found is None:
        return False
    for part, names, images, labels in found:
        assert part in ("train", "test") and len(set(names)) == len(names) > 0
        assert images.dtype == np.uint8 and images.shape == (len(labels), 32, 32, 3)
        assert all(type(n) is int and 0 <= n < len(names) for n in labels)
    return len(found) > 0


def reads_pickle(content, folder):
    """Read an archive with this in the place of a batch."""
    whole = [("batches.meta", hostile.META), ("data_batch_1", content)]
    return reads_archive(hostile.tar_gz(whole), folder)


def reads_tar(content, folder):
    """Read an archive of this, packed."""
    return reads_archive(gzip.compress(content, 1), folder)


def are_sound(value):
    """See that there are tensors and plain data; look at all numbers of the tensors."""
    if isinstance(value, torch.Tensor):
        value.sum()
    elif isinstance(value, dict):
        assert all(type(key) in (str, int) for key in value)
        are_sound(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value[:100]:
            are_sound(each)
    else:
        assert value is None or type(value) in (str, int, float, bool, bytes)


def reads_checkpoint(content, folder):
    """Read a checkpoint; what is in it has to be sound."""
    path = folder / "step_000000001.ckpt"
    found = refused(read_checkpoint, path, content)
    if found is None:
        return False
    assert isinstance(found[1], dict)
    with contextlib.suppress(RecursionError):  # of a list in itself
        are_sound(found[0])
    return True


def reads_state(content, folder):
    """Read a checkpoint with this in it, and a right checksum."""
    return reads_checkpoint(hostile.checkpoint_of(content), folder)


def reads_program(content, folder):
    """Read a checkpoint with this pickle in it, and right checksums."""
    packed = hostile.torch_file(STATE, lambda _: content)
    return reads_state(packed, folder)


def reads_image(content, folder):
    """Decode an image; it has to be RGB."""
    path = folder / "image"
    found = refused(load_image, path, content)
    if found is None:
        return False
    assert found.mode == "RGB" and found.width * found.height <= LARGEST_IMAGE
    assert found.getpixel((found.width - 1, found.height - 1)) is not None
    return True


STATE = {
    "net": {"w": torch.arange(12.0).reshape(3, 4), "b": torch.ones(3)},
    "optimizer": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 0.1}]},
    "history": [{"loss": 0.3}],
    "best": None,
}
SAVED = hostile.torch_file(STATE)
with zipfile.ZipFile(io.BytesIO(SAVED)) as _zipped:
    PROGRAM = _zipped.read("archive/data.pkl")
SMALL = {"data": hostile.ROWS[:1], "labels": [1]}
BATCHES = [pickle.dumps(SMALL, protocol) for protocol in range(5)]
INDEX = "a/b.png\t0\nc/d e.png\t12\r\n中/f.png\t3\n..g\t255\n".encode()


def plain_tar():
    """Return an archive before it is packed."""
    return gzip.decompress(
        hostile.tar_gz([("batches.meta", hostile.META), ("test_batch", SMALL)])
    )


def some_images():
    """Return small images of many formats, as bytes."""
    kinds = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "PCX")
    photograph = hostile.photograph()
    plain = [hostile.saved(photograph, kind) for kind in kinds]
    odd = hostile.odd_images()
    return [*plain, *(odd[name] for name in odd if not name.startswith("turned"))]


WHOLE = plain_tar()
TARGETS = {
    "index": Target([INDEX, b"\xef\xbb\xbf" + INDEX], reads_index),
    "pickle of a batch": Target([*BATCHES, hostile.PYTHON_2], reads_pickle),
    "tar of batches": Target([WHOLE], reads_tar),
    "archive": Target([gzip.compress(WHOLE)], reads_archive),
    "checkpoint": Target([hostile.checkpoint_of(SAVED)], reads_checkpoint),
    "state of a checkpoint": Target([SAVED], reads_state),
    "pickle of a checkpoint": Target([PROGRAM], reads_program),
    "image": Target(some_images(), reads_image),
}
