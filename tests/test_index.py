"""Index files: what is read, what is refused, and how little memory it takes."""

import gc
import json
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from utils import BadInput, MyDataset, check, load_all, read_index
from utils import index as index_module
from utils.index import LARGEST_LABEL, LONGEST_LINE, Labels, Paths

MANY = 200_000


@pytest.fixture
def index(tmp_path):
    """A function that writes an index of these bytes, or text, and returns its path."""
    path = tmp_path / "train.txt"

    def write(content):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """An index of many lines, 1000 classes."""
    path = tmp_path_factory.mktemp("large") / "train.txt"
    text = "".join(f"train/n0144{i:06}.JPEG\t{i % 1000}\n" for i in range(MANY))
    path.write_bytes(text.encode())
    return path


def joined(home, names):
    """Return absolute paths, as strings."""
    return [os.path.join(home, name) for name in names]  # noqa: PTH118


# What is read


def test_paths_are_used_like_a_list(index):
    names = ["a.png", "中文/b c.png", str(Path("elsewhere").absolute()), "d\te.png"]
    path = index("".join(f"{name}\t0\n" for name in names))
    paths, _ = read_index(path, inside=False)
    strings = joined(path.parent, names)
    assert type(paths) is Paths and len(paths) == 4
    assert paths == strings and strings == paths and list(paths) == strings
    assert paths != strings[:3] and paths != [*strings[:3], "x"] and paths != "x"
    assert [paths[i] for i in range(-4, 4)] == strings * 2
    for i in (np.int64(1), np.uint8(1), torch.tensor(1), -3, np.int8(-3)):
        assert paths[i] == strings[1] and type(paths[i]) is str
    assert strings[2] in paths and "x" not in paths and paths.index(strings[3]) == 3
    assert list(reversed(paths)) == strings[::-1]
    for i in (4, -5):
        with pytest.raises(IndexError):
            paths[i]
    with pytest.raises(TypeError):
        paths["0"]
    assert repr(paths) == f"<4 paths, the first {strings[0]}>"


@given(
    st.slices(20),
    st.slices(20),
    st.integers(-20, 19),
    st.sampled_from([pickle.dumps, ForkingPickler.dumps]),
)
def test_slices_of_paths(first, second, i, dumps):
    texts = [b"x" * (n % 7) + b"%d" % n for n in range(20)]
    offsets = np.append(0, np.cumsum([len(text) for text in texts]))
    paths = Paths("/home", b"".join(texts), offsets)
    strings = joined("/home", [text.decode() for text in texts])
    assert paths[i] == strings[i]
    some, expected = paths[first][second], strings[first][second]
    assert some == expected and list(some) == expected and len(some) == len(expected)
    assert bool(some) == bool(expected) and repr(some)
    assert some.text is paths.text
    assert pickle.loads(dumps(some)) == expected


def test_labels_are_used_like_a_list(index):
    path = index("".join(f"{i}.png\t{label}\n" for i, label in enumerate([3, 0, 255])))
    _, labels = read_index(path)
    assert labels == [3, 0, 255] and labels == labels[:]
    assert [3, 0, 255] == labels  # noqa: SIM300 (the list is asked first)
    assert labels != [3, 0] and labels != (3, 0, 255) and labels[1:] == [0, 255]
    assert all(type(label) is int for label in (*labels, labels[0], labels[-1]))
    assert labels[np.int64(2)] == labels[torch.tensor(2)] == 255
    assert (labels.index(255), max(labels), sorted(set(labels))) == (
        2,
        255,
        [0, 3, 255],
    )
    assert json.dumps(labels[0]) == "3" and json.dumps(list(labels)) == "[3, 0, 255]"
    assert torch.equal(torch.tensor(labels), torch.tensor([3, 0, 255]))
    assert np.bincount(labels, minlength=256).sum() == 3
    assert np.shares_memory(np.asarray(labels), np.asarray(labels))
    check("labels", labels, [3, 0, 255])
    copy = pickle.loads(pickle.dumps(labels))
    assert copy == labels and type(copy) is Labels is type(labels[:2])


@pytest.mark.parametrize(
    ("largest", "size"),
    [(0, 1), (255, 1), (256, 2), (32767, 2), (32768, 4), (LARGEST_LABEL, 4)],
)
def test_labels_take_as_little_as_they_can(largest, size, index):
    _, labels = read_index(index(f"a.png\t1\nb.png\t{'0' * 30}{largest}\nc.png\t0"))
    assert labels == [1, largest, 0] and labels.itemsize == size


def test_lines_end_with_newlines_alone(index):
    odd = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
    path = index(f"\ufeffa{odd}.png\t1\r\n b.png\t2\rc\ufeff\t3\nd\t4")
    paths, labels = read_index(path)
    assert paths == joined(path.parent, [f"a{odd}.png", " b.png", "c\ufeff", "d"])
    assert labels == [1, 2, 3, 4]


def test_samples_have_python_labels(index):
    path = index("".join(f"{i}.png\t{300 * i}\n" for i in range(3)))
    for i in range(3):
        image = Image.fromarray(np.full((4, 4, 3), i, np.uint8))
        image.save(path.with_name(f"{i}.png"))
    dataset = MyDataset(path)
    for i in (0, 2, -1, np.int64(1), torch.tensor(1)):
        image, label = dataset[i]
        assert type(label) is int and label == 300 * image.getpixel((0, 0))[0]
    assert len(dataset.classes) == 601 and len(dataset) == 3
    images, labels = load_all(path, 4)
    assert labels.dtype == torch.int64 and labels.tolist() == [0, 300, 600]
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2]


# What is refused


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x.png 0", "train.txt, line 3: 'x.png 0' is not path<TAB>label"),
        ("x.png\tzero", "train.txt, line 3"),
        ("x.png\t-1", "train.txt, line 3"),
        ("x.png\t١", "train.txt, line 3"),
        ("x.png\t", "train.txt, line 3"),
        ("\t0", "train.txt, line 3"),
        ("", "train.txt, line 3"),
        ("x\0.png\t0", r"line 3: 'x\\x00.png\\t0' has a NUL character"),
        ("x.png\t2147483648", "line 3: the label 2147483648 is larger than 2147483647"),
        ("x.png\t" + "9" * 9999, "line 3: the label 99999999999999999999… is larger"),
    ],
)
def test_lines_that_are_none_of_an_index(line, words, tmp_path):
    index = tmp_path / "train.txt"
    index.write_text(f"a.png\t0\nb.png\t1\n{line}\nc.png\t0\n", encoding="utf-8")
    with pytest.raises(BadInput, match=words):
        MyDataset(index)


def test_index_files_that_cannot_be_used(tmp_path):
    index = tmp_path / "train.txt"
    with pytest.raises(BadInput, match=r"train\.txt: is missing: run 1_3_1"):
        MyDataset(index)
    index.write_text("")
    with pytest.raises(BadInput, match=r"train\.txt: is empty: run 1_3_1"):
        MyDataset(index)
    index.write_bytes("中文.png\t0\n".encode("gbk"))
    with pytest.raises(BadInput, match=r"train\.txt: is not UTF-8"):
        MyDataset(index)
    index.write_text("gone.png\t0\n")
    with pytest.raises(BadInput, match=r"gone\.png: is missing: .*train\.txt names it"):
        MyDataset(index)[0]
    (tmp_path / "index.json").write_text('{"classes": ["a"]}')
    index.write_text("gone.png\t1\n")
    with pytest.raises(BadInput, match="has the label 1, but there are 1 classes"):
        MyDataset(index)


def test_the_line_is_named_also_in_a_large_file(large, tmp_path):
    index = tmp_path / "train.txt"
    lines = large.read_bytes().splitlines(keepends=True)
    lines[150_000] = lines[170_000] = b"x.png\n"
    index.write_bytes(b"".join(lines))
    with pytest.raises(BadInput, match=r"line 150001: 'x\.png' is not"):
        read_index(index)
    lines[190_000] = b"\xff\t0\n"
    index.write_bytes(b"".join(lines))
    with pytest.raises(BadInput, match="is not UTF-8"):
        read_index(index)


# Against a reader that goes line by line


def by_line(content):
    """Return names and labels of an index of these bytes, or what is said of it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not UTF-8"
    lines = re.split("\r\n|\r|\n", text)
    if not lines[-1]:
        lines.pop()
    if not lines:
        return "is empty"
    samples = []
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"(.+)\t([0-9]+)", line, re.DOTALL)
        if not match:
            return f"line {number}: {line[:60]!r} is not path<TAB>label"
        if "\0" in match[1]:
            return f"line {number}: {line[:60]!r} has a NUL character"
        folders = match[1].split("/")
        if int(match[2]) >= 2**31:
            label = re.sub("(.{20}).+", r"\1…", str(int(match[2])))
            return f"line {number}: the label {label} is larger"
        if folders[0] == "" or ".." in folders:
            return f"line {number}: {match[1][:60]!r} leads out of the folder"
        samples.append((match[1], int(match[2])))
    return samples


characters = st.sampled_from("\t\t //..09aé中😀\v\f\x1c\x85\u2028\ufeff٣۞-+_")
names = st.text(characters, min_size=1, max_size=8)
names = st.one_of(names, names, st.builds("{}/../{}".format, names, names))
labels = st.one_of(
    st.integers(0, 2**31 - 1),
    st.sampled_from(["000", f"{'0' * 12}7", 2**31 - 1]),
).map(str)
large_labels = st.sampled_from([2**31, 2**32, 2**64, 10**18, 10**30])
good = st.builds("{}\t{}".format, names, labels)
bad = st.one_of(
    st.text(characters, max_size=8),
    st.builds("{}\t{}".format, names, large_labels),
    st.builds("{}\0{}".format, names, good),
)
ends = st.sampled_from(["\n", "\n", "\r\n", "\r"])


def texts(lines):
    """Return a strategy for the bytes of an index of these lines."""
    whole = st.lists(st.builds(str.__add__, lines, ends), max_size=12).map("".join)
    start = st.sampled_from(["", "", "\ufeff"])
    parts = st.tuples(start, whole, st.one_of(st.just(""), lines))
    return parts.map("".join).map(str.encode)


some_bad = texts(st.one_of(good, good, good, good, bad))
contents = st.one_of(
    texts(good), some_bad, st.builds(bytes.__add__, some_bad, st.binary(max_size=3))
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A path to write to, again and again."""
    return tmp_path_factory.mktemp("property") / "train.txt"


@given(content=contents, block=st.sampled_from([1, 2, 3, 7, 20, 1 << 20]))
def test_it_agrees_with_a_reader_that_goes_line_by_line(content, block, place):
    place.write_bytes(content)
    expected = by_line(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "_BLOCK", block)
        if isinstance(expected, str):
            with pytest.raises(BadInput) as error:
                read_index(place)
            said = re.sub("^[:,] ", "", str(error.value).removeprefix(str(place)))
            assert said.startswith(" ".join(expected.split()))
        else:
            paths, found = read_index(place)
            assert paths == joined(place.parent, [path for path, _ in expected])
            assert found == [label for _, label in expected]


# Memory


def test_memory_while_it_is_read_and_after(large):
    size = large.stat().st_size / MANY
    read_index(large)
    gc.collect()
    blocks = sys.getallocatedblocks()
    tracemalloc.start()
    try:
        paths, labels = read_index(large)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sys.getallocatedblocks() - blocks < 1000  # no object a line
    assert kept / MANY < size + 8 + 2  # its text, an offset, a label
    assert peak / MANY < 2 * size + 8 + 8 + 8 + 4 + 80  # a block's share: 16 MB
    assert len(paths) == len(labels) == MANY


def test_pickles_are_small(large):
    paths, labels = read_index(large)
    assert len(pickle.dumps(paths)) < large.stat().st_size + 8 * MANY
    assert len(pickle.dumps(labels)) < 2 * MANY + 1000
    assert len(pickle.dumps(paths[5::2][:10])) < 1000
    assert pickle.loads(pickle.dumps(paths))[::999] == list(paths[::999])


def test_a_pickle_keeps_the_order():
    paths = Paths("/home", b"abc", np.array([0, 1, 2, 3]))
    for part in (paths[::-1], paths[1:], paths):
        assert list(pickle.loads(pickle.dumps(part))) == list(part)
    assert pickle.loads(pickle.dumps(paths)).text == b"abc"


def test_lines_of_the_greatest_length_wherever_a_block_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.index._BLOCK", 1)
    longest = "x" * (LONGEST_LINE - 6) + ".png\t1"
    index = tmp_path / "train.txt"
    index.write_text(f"a.png\t0\n{longest}\nb.png\t2\n", encoding="utf-8")
    paths, labels = read_index(index)
    assert labels == [0, 1, 2]
    assert [len(Path(path).name) for path in paths] == [5, LONGEST_LINE - 2, 5]


def test_the_bad_line_is_named_not_one_with_many_zeros(tmp_path):
    index = tmp_path / "train.txt"
    index.write_text(f"a.png\t{'0' * 99}1\nb.png\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 2: 'b\.png' is not"):
        read_index(index)


@pytest.mark.parametrize(
    ("path", "out"), [("C:/a", True), ("C:", True), ("a:b", True), ("ab", False)]
)
def test_drives_lead_out_on_windows(path, out, monkeypatch):
    raw = np.frombuffer(f"{path}\t0\n".encode(), np.uint8)
    starts, last = np.array([0]), np.array([len(path)])
    found = []
    for name in ("nt", "posix"):
        with monkeypatch.context() as system:
            system.setattr("utils.index.os.name", name)
            found.append(index_module._leads_out(raw, starts, last))
    assert found == [out, False]


def test_spawned_workers_share_the_paths(large):
    paths, _ = read_index(large)
    name = paths[0]
    one, two = ForkingPickler.dumps(paths), ForkingPickler.dumps(paths)
    assert max(len(one), len(two)) < 2000
    first, second = pickle.loads(one), pickle.loads(two)
    assert first == paths[:] and second[-1] == paths[-1] and first[0] == name
    paths.text[0] = ord("x")
    assert first[0] == second[0] == paths[0] != name


def test_spawned_workers_get_copies_where_memory_to_share_is_short(large, monkeypatch):
    def full(_):
        raise RuntimeError("unable to allocate shared memory(shm)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    paths, _ = read_index(large)
    copy = pickle.loads(ForkingPickler.dumps(paths))
    assert copy[::999] == list(paths[::999]) and type(copy.text) is bytes


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and fork")
def test_forked_workers_share_the_paths(large):
    code = (
        "import os, re, sys\n"
        "from utils.index import read_index\n"
        "def own():\n"
        "    text = open('/proc/self/smaps_rollup').read()\n"
        "    return int(re.search(r'Private_Dirty: +(\\d+)', text)[1])\n"
        "def grown(samples):\n"
        "    before = own()\n"
        "    for path, label in samples: pass\n"
        "    return own() - before\n"
        "def in_a_worker(samples):\n"
        "    ours, theirs = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        os.write(theirs, str(grown(samples())).encode())\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    return int(os.read(ours, 20))\n"
        "paths, labels = read_index(sys.argv[1])\n"
        "listed = list(zip(paths, labels))\n"
        "print(in_a_worker(lambda: zip(paths, labels)))\n"
        "print(in_a_worker(lambda: listed))\n"
        "print('torch' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(large)]
    env = {**os.environ, "PYTHONPATH": str(Path(index_module.__file__).parents[1])}
    out = subprocess.run(
        command, check=True, env=env, capture_output=True, text=True
    ).stdout
    flat, listed, torch_there = out.split()
    assert int(flat) < 1000, f"{flat} kB"  # of this index, 7 MB
    assert int(listed) > 50 * MANY / 1024  # what the test is able to see
    assert torch_there == "False"


def test_images_become_32_pixels_square_unless_said(index, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    for name, size in (("a.png", (30, 20)), ("b.png", (32, 32))):
        Image.fromarray(pixels).resize(size).save(tmp_path / name)
    images, _ = load_all(index("a.png\t0\nb.png\t1"))
    wide = Image.fromarray(pixels).resize((32, 32), Image.Resampling.BILINEAR)
    assert images.shape == (2, 32, 32, 3)
    assert np.array_equal(images[0], wide)
    with Image.open(tmp_path / "b.png") as image:
        assert np.array_equal(images[1], image)
        assert index_module.fit(image) is image
    assert load_all(tmp_path / "train.txt", 8)[0].shape == (2, 8, 8, 3)


def test_all_images_are_read_of_many(index, tmp_path):
    for value in range(7):
        Image.new("RGB", (2, 2), (value + 1,) * 3).save(tmp_path / f"{value}.png")
    count = 1503  # they are read some hundreds at a time
    lines = [f"{i % 7}.png\t{i % 3}\n" for i in range(count)]
    images, labels = load_all(index("".join(lines)), 2)
    expected = torch.arange(count)
    assert torch.equal(images[:, 1, 1, 2], (expected % 7 + 1).byte())
    assert torch.equal(labels, expected % 3)


def test_a_data_set_stays_in_its_folder_unless_told(index):
    outside = index("../a.png\t0")
    with pytest.raises(BadInput, match="leads out of"):
        MyDataset(outside)
    assert len(MyDataset(outside, inside=False)) == 1
