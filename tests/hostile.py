"""Files from strangers, made when they are wanted, and what our readers make of them.

    python tests/hostile.py FOLDER [GROUP …]

Writes each file into FOLDER, reads it, and prints a line of JSON: what came of it, the
seconds of one core that it took, and the MB that the process grew by. It is a process
of its own, since what is not refused may end it.
"""

import functools
import gzip
import hashlib
import io
import json
import os
import pickle
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections import namedtuple
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Code"))
from utils import BadInput
from utils.archive import read_batches
from utils.index import load_image, read_index

GB = 1 << 30
ROWS = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)
BATCH = {"data": ROWS, "labels": [0, 1, 1, 0]}
META = {"label_names": ["a", "b"]}

# says: a pattern of what is said of it; None: it is read
Case = namedtuple("Case", "group name file content says")


class Runs:
    """A pickle of it calls something."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


# Pickles, each in the place of a batch


def text(words):
    return b"X" + struct.pack("<I", len(words)) + words.encode()


def pickles():
    """Yield name, content, and what is said of it."""
    import builtins
    import subprocess

    head, code = b"\x80\x04", "which is code"
    make = (os.mkdir, "the pickle ran")
    yield "os.mkdir", pickle.dumps({"data": Runs(*make)}, 2), code
    yield "eval", pickle.dumps({"data": Runs(eval, "__import__('os')")}, 4), code
    yield "exec", pickle.dumps([Runs(exec, "import os")], 0), code
    chain = Runs(getattr, Runs(builtins.__import__, "os"), "system")
    yield "a chain of getattr", pickle.dumps(chain, 2), code
    run = Runs(subprocess.Popen, ["touch", "the pickle ran"])
    yield "Popen in a list", pickle.dumps({"labels": [[[run]]]}, 2), code
    yield "an object of numpy", pickle.dumps(np.random.default_rng(0), 4), code
    yield "INST", b"(S'the pickle ran'\nios\nmkdir\n.", "no step of plain data"
    yield "OBJ", b"(cos\nmkdir\nX\x01\0\0\0ao.", code
    yield "an extension", head + b"\x82\x01.", "no step of plain data"
    yield "a reference", b"Pstorage\n.", "no step of plain data"
    state = b"(NX\x01\0\0\0adu\x86b."
    yield "a state for a function", b"c_codecs\nencode\n" + state, "not a batch"
    yield "a call of data", head + text("a") + b"\x85\x85R.", "not a batch"

    yield "100 GB of memory slots", head + b"]r" + struct.pack("<I", 2**32 - 1), ""
    yield "slots, in text", b"]p99999999999999999999\n.", "the step PUT"
    for size in (3 * GB, 2**40, 2**63 - 1):
        length = struct.pack("<Q", size)
        yield f"{size} bytes declared", head + b"\x8e" + length + b"x.", "not a batch"
        yield f"bytearray of {size}", head + b"\x96" + length + b"x.", "not a batch"
        yield f"a text of {size}", head + b"\x8d" + length + b"x.", "not a batch"
    many = b"](c_codecs\nencode\nq\0" + text("x" * (1 << 20)) + b"q\1"
    many += text("latin1") + b"q\2" + b"h\0h\1h\2\x86R" * 20_000 + b"e."
    yield "20 GB of copies", head + many, "no dictionary"
    yield "tuples as a key", head + b"}(K\1" + b"q\0h\0\x86" * 60 + b"K\1u.", "a key"
    yield (
        "100,000 tuples as a key",
        head + b"})" + b"\x85" * 100_000 + b"K\1s.",
        "a key",
    )
    keys = b"".join(
        b"\x8a\x0b" + ((2**61 - 1) * i).to_bytes(11, "little") + b"N"
        for i in range(1, 60_000)
    )
    yield "60,000 keys of one hash", head + b"}(" + keys + b"u.", "a key"
    yield "a million dictionaries", head + b"(" + b"}" * 1_100_000 + b"l.", "steps"
    lists = b"]" * 200_000 + b"a" * 199_999
    yield "a list in a list in a …", head + lists + b".", "no dictionary"
    yield "a list in itself", head + b"]\x94h\0a.", "no dictionary"

    array = pickle.dumps(BATCH, 2)
    assert b"K\x04M\x00\x0c\x86" in array
    for name, shape in {
        "10^12 rows": b"\x8a\x06" + (10**12).to_bytes(6, "little") + b"M\0\x0c\x86",
        "-1 rows": b"J\xff\xff\xff\xffM\0\x0c\x86",
        "a shape of text": b"X\1\0\0\0aM\0\x0c\x86",
        "2^32 times 2^32": (b"\x8a\x05\0\0\0\0\1") * 2 + b"\x86",
    }.items():
        content = array.replace(b"K\x04M\x00\x0c\x86", shape)
        yield f"an array of {name}", content, "not as many as it says"
    two = pickle.dumps({"data": ROWS, "more": ROWS}, 2)
    yield "two arrays", two, "more than one array"
    yield "an array of objects", pickle.dumps({"data": np.array([{}])}, 2), "not uint8"
    yield "an array of times", pickle.dumps({"data": ROWS.astype("M8[s]")}, 2), "uint8"
    yield "no images", pickle.dumps({"data": ROWS[:0], "labels": []}, 4), "no images"
    yield "nothing", b"", "not a batch"
    yield "text", b"this is not a pickle", "not a batch"
    for part in (0.001, 0.5, 0.999):
        yield f"{part:.1%} of it", array[: int(part * len(array))], "not a batch"
    for protocol in range(5):
        whole = pickle.dumps(BATCH, protocol)
        yield f"a batch of protocol {protocol}", whole, None
    yield "a batch of Python 2", PYTHON_2, None


PYTHON_2 = (  # as CIFAR-10's own files are: cPickle, protocol 2, Python 2
    b"\x80\x02}q\1(U\x06labelsq\2]q\3(K\0K\1K\1K\0eU\x04dataq\4cnumpy.core.multiarray"
    b"\n_reconstruct\nq\5cnumpy\nndarray\nq\6K\0\x85U\1b\x87Rq\7(K\1K\4M\0\x0c\x86"
    b"cnumpy\ndtype\nq\x08U\2u1K\0K\1\x87Rq\x09(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff"
    b"\xff\xffK\0tb\x89T" + struct.pack("<I", ROWS.size) + ROWS.tobytes() + b"tbu."
)


# Archives


def tar_gz(members, end=b""):
    """Return a tar.gz of (name or TarInfo, content); what is no bytes is pickled."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for info, content in members:
            if not isinstance(content, bytes):
                content = pickle.dumps(content, 2)
            if isinstance(info, str):
                info = tarfile.TarInfo(f"digits/{info}")
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(file.getvalue() + end, 1)


def header(name, kind=tarfile.REGTYPE, size=0, link=""):
    """Return the header of a file in an archive."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


@functools.cache
def zeros():
    """Return 64 MB of zeros as a gzip file; many of them, in a row, are one too."""
    return gzip.compress(bytes(64 << 20), 1)


def bomb(name, kind=tarfile.REGTYPE):
    """Return a tar.gz of 10 GB of zeros, which takes 10 MB."""
    start = header(name, kind, 10 * GB).tobuf(tarfile.GNU_FORMAT)
    return gzip.compress(start) + 160 * zeros()


WHOLE = [("batches.meta", META), ("data_batch_1", BATCH)]


def archives():
    """Yield name, content, and what is said of it."""
    yield "a whole one", tar_gz(WHOLE), None
    out = "leads out of the folder"
    for name in ("../data_batch_2", "a/../../b", "/tmp/x", "C:/x", "C:x", "..\\x"):
        yield f"the name {name}", tar_gz([*WHOLE, (header(name), b"")]), out
    neither = "neither a file nor a folder"
    kinds = dict(
        link=b"1", symlink=b"2", device=b"3", disk=b"4", pipe=b"6", sparse=b"S"
    )
    for name, kind in kinds.items():
        info = header("data_batch_2", kind, link="/etc/passwd")
        yield f"a {name}", tar_gz([*WHOLE, (info, b"")]), neither
    yield "10 GB as a batch", bomb("a/data_batch_1"), "too large .10240 MB"
    yield "10 GB that is none", bomb("a/readme.html"), "too large .10240 MB"
    for kind in (b"L", b"K", b"x", b"g"):
        yield f"10 GB of a header {kind}", bomb("a", kind), "nobody needs"
    yield "10 GB after the end", tar_gz(WHOLE) + bomb("a")[200:], "damaged"
    yield "10 GB of nothing else", 160 * zeros(), "damaged"
    starts = [header(f"a/{i}", size=192 << 20).tobuf() for i in range(4)]
    many = b"".join(gzip.compress(start) + 3 * zeros() for start in starts)
    yield "768 MB in files of 192", many, "more than an archive"
    start = header("data_batch_1", size=192 << 20).tobuf()
    yield "192 MB as a batch", gzip.compress(start) + 3 * zeros(), "not a batch"
    minus = header("a/data_batch_1").tobuf()
    for size in (-512, -(2**40), -1):
        packed = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
        block = bytearray(minus)
        block[124:136] = packed
        block[148:156] = b"        "
        block[148:156] = b"%06o\0 " % sum(block)
        name = f"a file of {size} bytes"
        yield name, gzip.compress(bytes(block) + bytes(5120)), "below zero"
    yield "twice the same name", tar_gz([*WHOLE, WHOLE[1]]), "is in it twice"
    some = [(header(f"f{i}"), b"") for i in range(2000)]
    yield "2000 files", tar_gz(some), "more than an archive"
    deep = header("x", b"L", 0).tobuf() * 2000
    yield "2000 names of a name", gzip.compress(deep), "damaged"
    tar = bytearray(gzip.decompress(tar_gz([*WHOLE, ("test_batch", BATCH)])))
    middle = tar.rindex(b"digits/test_batch")
    tar[middle + 3] ^= 1
    yield "a bad header", gzip.compress(bytes(tar)), "bad header"
    good = bytearray(tar_gz(WHOLE))
    good[-8] ^= 1
    yield "a bad checksum", bytes(good), "damaged"
    names = ["a", "A"], ["x" * 300, "y"], ["..", "b"], ["a/b", "c"], ["a ", "b"], []
    for labels in (*names, ["a", "a"], ["a\n", "b"], "ab", [1, 2], [["a"], "b"]):
        start = ("batches.meta", {"label_names": labels})
        what = "no usable label_names"
        yield f"classes {labels!r:.20}", tar_gz([start, WHOLE[1]]), what
    lots = {"label_names": list(map(str, range(100_000)))}
    yield "100,000 classes", tar_gz([("batches.meta", lots)]), "no usable label_names"


# Images


def photograph():
    """Return a picture, 40 x 20, none of whose sides are alike."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:10, :20], pixels[10:, :20], pixels[:10, 20:] = 240, (250, 0, 0), (0, 0, 250)
    return Image.fromarray(pixels)


def saved(image, kind, **options):
    """Return an image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width, height, bits, color, data=b"", more=b""):
    """Return a PNG file with any header, and any data."""

    def chunk(tag, content):
        crc = struct.pack(">I", zlib.crc32(tag + content))
        return struct.pack(">I", len(content)) + tag + content + crc

    size = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    end = chunk(b"IDAT", zlib.compress(data, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + more + end


def turned(orientation, kind):
    """Return a file whose picture is upright once it is turned as its EXIF data say."""
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpositions' inverses
    image = photograph()
    if orientation > 1:
        image = image.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {}
    options |= {"lossless": True} if kind == "WEBP" else {}
    return saved(image, kind, exif=exif, **options)


def odd_images():
    """Return {name: content} of images that are odd, and can be used."""
    rgb = photograph()
    grey = np.linspace(0, 65535, 800).astype(np.uint16).reshape(20, 40)
    palette = rgb.quantize(4)
    frames = [rgb, rgb.transpose(Image.Transpose.ROTATE_180)]
    tag = b"\x31\x01\x02\0\x07\0\0\0"  # "Software", 7 bytes of text
    noted = saved(rgb, "TIFF", tiffinfo={305: "nobody"})
    assert tag in noted
    broken = bytearray(turned(6, "JPEG"))
    broken[30:40] = b"\xff" * 10
    found = {
        "cmyk.jpg": saved(rgb.convert("CMYK"), "JPEG"),
        "cmyk.tif": saved(rgb.convert("CMYK"), "TIFF"),
        "palette.png": saved(palette, "PNG", transparency=bytes([0, 128, 255, 255])),
        "palette.gif": saved(palette, "GIF", transparency=1),
        "grey with alpha.png": saved(rgb.convert("LA"), "PNG"),
        "16 bits.png": saved(Image.fromarray(grey), "PNG"),
        "16 bits.tif": saved(Image.fromarray(grey), "TIFF"),
        "16 bits.pgm": b"P5 40 20 65535\n" + grey.astype(">u2").tobytes(),
        "16 bits in colour.png": png(
            2, 1, 16, 2, b"\0" + struct.pack(">6H", 65535, 256, 255, 0, 32768, 1)
        ),
        "a tag beyond the end.tif": noted.replace(tag, tag[:4] + b"\0\xff\xff\0"),
        "one bit.png": saved(rgb.convert("1"), "PNG"),
        "animated.gif": saved(frames[0], "GIF", save_all=True, append_images=frames),
        "animated.png": saved(frames[0], "PNG", save_all=True, append_images=frames),
        "animated.webp": saved(
            frames[0], "WEBP", save_all=True, append_images=frames, lossless=True
        ),
        "1 x 1.png": saved(rgb.resize((1, 1)), "PNG"),
        "wide.png": saved(rgb.resize((20_000, 1)), "PNG"),
        "high.png": saved(rgb.resize((1, 20_000)), "PNG"),
        "broken EXIF.jpg": bytes(broken),
    }
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        for orientation in range(1, 9):
            found[f"turned {orientation}.{kind.lower()}"] = turned(orientation, kind)
    return found


def bad_images():
    """Yield name, content, and what is said of it."""
    whole = saved(Image.fromarray(ROWS.reshape(64, 64, 3)), "PNG")
    yield "text.png", b"text named .png", "not an image"
    yield "empty.png", b"", "not an image"
    yield "half.png", whole[: len(whole) // 2], "can't be decoded"
    yield "half.jpg", saved(photograph(), "JPEG")[:-60], "can't be decoded"
    decoded = "can't be decoded"
    yield "bomb.png", png(60_000, 60_000, 8, 2, bytes(1 << 20)), decoded
    large = bytes((13_000 // 8 + 1) * 13_000)
    yield "large.png", png(13_000, 13_000, 1, 0, large), "scale it down"
    gif = saved(photograph(), "GIF")
    yield "bomb.gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:], decoded
    note = b"a\0\0" + zlib.compress(bytes(200 << 20), 1)
    note = struct.pack(">I", len(note)) + b"zTXt" + note
    note += struct.pack(">I", zlib.crc32(note[4:]))
    yield "note.png", png(1, 1, 8, 0, b"\0\0", note), decoded
    yield "float.tif", saved(Image.new("F", (9, 9)), "TIFF"), "32-bit numbers"
    yield "int.tif", saved(Image.new("I", (9, 9)), "TIFF"), "32-bit numbers"
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    yield "program.eps", program + b"(the image ran) (w) file\n%%EOF\n", "a program"
    yield "archive.png", tar_gz(WHOLE), "not an image"


# Index files


def indexes():
    """Yield name, content, and what is said of it."""
    line = "is not path<TAB>label"
    yield "CRLF", b"a.png\t0\r\nb.png\t1\r\n", None
    yield "a BOM", b"\xef\xbb\xbfa.png\t0\n", None
    yield "the same line twice", b"a.png\t0\na.png\t0\n", None
    yield "no newline at the end", b"a.png\t0", None
    yield "dots in names", b"..a/b../...\t0\n.a/./..b.png\t1\n", None
    yield "UTF-16", "a.png\t0\n".encode("utf-16"), "is not UTF-8"
    yield "a NUL", b"a\0.png\t0\n", "line 1: 'a\\\\x00.png\\\\t0' has a NUL"
    yield "a negative label", b"a.png\t0\nb.png\t-1\n", f"line 2: 'b.png\\\\t-1' {line}"
    for label in (b"zero", b"1.5", b"1e3", b"0x10", b" 1", b"1_000", b"", b"\xd9\xa3"):
        yield f"the label {label}", b"a.png\t" + label + b"\n", "line 1: "
    yield "a huge label", b"a.png\t" + b"9" * 30_000 + b"\n", "is larger than"
    yield "30,000 zeros", b"a.png\t" + b"0" * 30_000 + b"\n", "30,000 digits"
    out = "leads out of the folder"
    for path in ("../a.png", "a/../../b.png", "/etc/passwd", "a/..", "..", "//host/a"):
        yield f"the path {path}", f"a.png\t0\n{path}\t0\n".encode(), f"line 2: .*{out}"
    yield "a line of 3 MB", b"a" * (3 << 20) + b"\t0\n", "longer than 32,767 bytes"
    far = b"a.png\t0\n" * 200_000 + b"b" * 40_000 + b"\t0\n"
    yield "a long line far down", far, "line 200001: 'bbbbb.*longer than"
    yield "long lines of zeros", (b"a\t" + b"0" * 32_000 + b"\n") * 300, "32,000 digits"
    yield "a line of 2 GB", 2 * GB, "line 1: .*longer than 32,767 bytes"  # sparse
    yield "no text", os.urandom(5000), "is not UTF-8"


# Weights and checkpoints


SHAPE = b"K\x03K\x04\x86"  # of the tensor in it


def torch_file(value=None, change=None, compress=zipfile.ZIP_STORED, **more):
    """Return what ``torch.save`` writes; ``change`` is made to the pickle in it."""
    import torch

    if value is None:
        weights = {"w": torch.arange(12.0).reshape(3, 4)}
        value = {"net": weights, "info": {"classes": ["a"]}}
    file = io.BytesIO()
    torch.save(value, file)
    if change is None and compress == zipfile.ZIP_STORED and not more:
        return file.getvalue()
    again = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(again, "w", compress) as new:
        for name in old.namelist():
            content = old.read(name)
            if change and name.endswith("data.pkl"):
                content = change(content)
            new.writestr(name, more.get(name.rpartition("/")[2], content))
    return again.getvalue()


def torch_files():
    """Yield name, content, and what is said of it."""
    import torch

    yield "whole", torch_file(), None
    yield "a pickle in disguise", pickle.dumps(Runs(os.mkdir, "the pickle ran")), ""
    run = {"net": Runs(os.mkdir, "the pickle ran"), "info": {}}
    yield "a command inside", torch_file(run), "mkdir"
    yield "a whole network", torch_file(torch.nn.Linear(2, 2)), "code"
    old = io.BytesIO()
    torch.save({"w": torch.ones(3)}, old, _use_new_zipfile_serialization=False)
    yield "of old times", old.getvalue(), "did not write it"
    packed = torch_file(compress=zipfile.ZIP_DEFLATED, **{"0": bytes(100 << 20)})
    yield "100 MB of zeros, packed", packed, "larger than"
    packed = torch_file(compress=zipfile.ZIP_DEFLATED)
    yield "packed, and small", packed, "larger than it looks"
    state = b"\x80\x02ccollections\nOrderedDict\n)RK\1b."
    yield "a state of 1", torch_file(change=lambda _: state), "no sound state"
    for name, before, after in (
        ("whose memory is larger than its record", b"K\x0ctq", b"J\0\0\0\x10tq"),
        ("larger than its memory", SHAPE, b"K\x03K\x40\x86"),
        ("of a size below zero", SHAPE, b"K\x03J\xff\xff\xff\xff\x86"),
        ("of 2^40 numbers", SHAPE, b"K\x03\x8a\x06\0\0\0\0\0\1\x86"),
    ):

        def change(pickled, before=before, after=after):
            assert before in pickled
            return pickled.replace(before, after, 1)

        yield f"a tensor {name}", torch_file(change=change), "a tensor in it"
    deep = b"\x80\x02})" + b"\x85" * 100_000 + b"K\1s."
    yield "100,000 tuples as a key", torch_file(change=lambda _: deep), "a key"
    slow = b"\x80\x02}(K\1" + b"q\0h\0\x86" * 60 + b"K\1u."
    yield "tuples as a key", torch_file(change=lambda _: slow), "a key"
    array = b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R."
    yield "a bytearray of 2 GB", torch_file(change=lambda _: array), "code"
    flipped = bytearray(torch_file())
    flipped[flipped.index(struct.pack("<f", 5.0))] ^= 1
    yield "a flipped bit", bytes(flipped), "checksum"
    whole = torch_file()
    for part in (0.01, 0.5, 0.99):
        yield f"{part:.0%} of it", whole[: int(part * len(whole))], ""
    yield "nothing", b"", ""
    yield "text", b"text", ""
    for name, value in {
        "a list": [1],
        "a tensor": torch.ones(2),
        "a text": "a",
    }.items():
        yield name, torch_file(value), ""
    yield "no tensors", torch_file({"net": {"w": 1}, "info": {}}), "other things"
    yield "no info", torch_file({"net": {"w": torch.ones(1)}, "info": []}), "other"


def checkpoint_of(content, settings=None):
    """Return a checkpoint of these bytes, with a right checksum."""
    settings = {"lr": 0.1} if settings is None else settings
    line = json.dumps(settings).encode() + b"\n" + content
    head = {"sha256": hashlib.sha256(line).hexdigest(), "settings": settings}
    return b"tutorial-checkpoint " + json.dumps(head).encode() + b"\n" + content


def checkpoints():
    """Yield name, content, and what is said of it."""
    for name, content, says in torch_files():
        if name not in ("no tensors", "no info"):  # which a checkpoint need not have
            says = says if says is None else f"no whole checkpoint.*{says}"
            yield name, checkpoint_of(content), says
    yield "settings that are a list", checkpoint_of(torch_file(), [1]), "no whole"
    nested = b"tutorial-checkpoint " + b"[" * 100_000 + b"\n"
    yield "nested brackets", nested, "no whole checkpoint"
    yield "no newline", b"tutorial-checkpoint " + bytes(5 << 20), "no whole checkpoint"


# All of them


def batches():
    """Yield archives with each of the pickles as a batch."""
    for name, content, says in pickles():
        yield name, tar_gz([("batches.meta", META), ("data_batch_1", content)]), says


def images():
    """Yield name, content, and what is said of it."""
    yield from ((name, content, None) for name, content in odd_images().items())
    yield from bad_images()


GROUPS = {
    "pickle": (batches, "a.tar.gz"),
    "archive": (archives, "a.tar.gz"),
    "image": (images, None),
    "index": (indexes, "train.txt"),
    "weights": (torch_files, "net_params.pt"),
    "checkpoint": (checkpoints, "step_000000001.ckpt"),
}


def all_cases(groups):
    """Yield the cases of these groups, one after the other: some are large."""
    for group in groups:
        make, file = GROUPS[group]
        for name, content, says in make():
            yield Case(group, name, file or name, content, says)


def reader(group):
    """Return the function that reads such files."""
    if group in ("pickle", "archive"):
        return lambda path: len(list(read_batches(path)))
    if group == "image":
        return lambda path: np.asarray(load_image(path)).shape
    if group == "index":
        return lambda path: len(read_index(path)[0])
    from utils import read_checkpoint, read_weights

    return read_weights if group == "weights" else read_checkpoint


def peak(reset=False):
    """Return the most MB that the process had at a time; on Linux, since the reset."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except OSError:
        return 0


def limit_memory(gigabytes):
    """Let what would take more end in a MemoryError, not in a machine that swaps."""
    try:
        import resource
    except ImportError:
        return
    size = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    size += gigabytes * GB
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def main():
    """Read them all."""
    folder = Path(sys.argv[1]).absolute()
    os.chdir(folder)
    import torch  # noqa: F401 (its memory does not count)

    if sys.platform == "linux":
        limit_memory(8)
    for case in all_cases(sys.argv[2:] or GROUPS):
        group, path = case.group, folder / "files" / case.file
        path.parent.mkdir(exist_ok=True)
        if isinstance(case.content, int):
            with path.open("wb") as file:
                file.truncate(case.content)
        else:
            path.write_bytes(case.content)
        read, before = reader(group), peak(reset=True)
        start = time.process_time()
        try:
            found = {"read": str(read(path))[:60]}
        except BadInput as error:
            found = {"refused": str(error).replace(str(path), "FILE")}
        except BaseException as error:
            found = {"fell": f"{type(error).__name__}: {error}"[:200]}
        found |= {"seconds": time.process_time() - start, "grew": peak() - before}
        found |= {"group": group, "name": case.name, "says": case.says}
        print(json.dumps(found), flush=True)
        path.unlink()
    print(json.dumps({"left": [path.name for path in folder.iterdir()]}))


if __name__ == "__main__":
    main()
