"""Files from strangers: read right, or refused in one line, in bounded time and memory.

The files themselves are made in ``hostile.py``.
"""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from PIL import Image

import damage
import hostile
from scripts import CHAPTER_1, PREDICT, must_run, refuses
from test_main_training import program
from utils import (
    BadInput,
    MyDataset,
    Net,
    class_folders,
    find_dataset,
    load_all,
    load_image,
    newest_checkpoint,
    read_index,
    read_weights,
    save_weights,
)
from utils import fit as fitted
from utils.archive import read_batches, unpickle
from utils.index import LONGEST_LINE, class_names

pytestmark = pytest.mark.filterwarnings("ignore:Palette images with Transparency")
TESTS = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a process of its own makes of all hostile files; it may have ended early."""
    folder = tmp_path_factory.mktemp("hostile")
    done = subprocess.run(
        [sys.executable, str(TESTS / "hostile.py"), str(folder)],
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    *cases, last = [json.loads(line) for line in done.stdout.splitlines()]
    return SimpleNamespace(cases=cases, last=last, done=done)


@pytest.mark.parametrize("group", hostile.GROUPS)
def test_each_is_read_or_refused_in_a_line(group, seen):
    cases = [case for case in seen.cases if case["group"] == group]
    assert len(cases) >= 20, seen.done.stderr
    wrong = []
    for case in cases:
        line = case.get("refused")
        if case["says"] is None:
            fine = "read" in case
        else:
            fine = line is not None and line.startswith("FILE") and "\n" not in line
            fine = fine and re.search(case["says"], line) and len(line) < 300
            fine = fine and re.search("delete|again|take it|mend|put|save it", line)
        wrong += [] if fine else [case]
    assert wrong == []


def test_all_were_read_and_none_ran(seen):
    assert (seen.done.returncode, seen.done.stderr) == (0, "")
    assert seen.last == {"left": ["files"]}  # not "the pickle ran"


def test_in_bounded_time_and_memory(seen):
    for case in seen.cases:
        assert case["seconds"] < 10, case
        assert case["grew"] < 300, case  # MB: a file in an archive may have 200
    if sys.platform == "linux":  # the test sees something
        assert max(case["grew"] for case in seen.cases) > 150


# Batches


def test_a_batch_is_what_the_pickle_holds():
    for protocol in range(5):
        found = unpickle(pickle.dumps(hostile.BATCH, protocol))
        assert found.keys() == {"data", "labels"}
        assert np.array_equal(found["data"], hostile.ROWS)
        assert found["labels"] == hostile.BATCH["labels"]
    found = unpickle(hostile.PYTHON_2)
    assert np.array_equal(found["data"], hostile.ROWS) and found["labels"] == [
        0,
        1,
        1,
        0,
    ]
    turned = np.asfortranarray(hostile.ROWS)
    assert np.array_equal(unpickle(pickle.dumps({"data": turned}, 2))["data"], turned)


def test_an_archive_that_is_missing(tmp_path):
    words = r"a\.tar\.gz: is missing: run 1_1_cifar10_to_png\.py .* --download"
    with pytest.raises(BadInput, match=words):
        list(read_batches(tmp_path / "a.tar.gz"))


@pytest.mark.parametrize("data", [7, None, "大"])
def test_an_array_of_no_bytes(data):
    make = np.zeros(1, np.uint8).__reduce__()[0]

    class Array:
        def __reduce__(self):
            state = (1, (1,), np.dtype(np.uint8), False, data)
            return make, (np.ndarray, (0,), b"b"), state

    with pytest.raises(pickle.UnpicklingError, match="its array is damaged"):
        unpickle(pickle.dumps({"data": Array()}, 2))


# Images


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A folder with a class of all odd images that can be used, and one of few."""
    folder = tmp_path_factory.mktemp("odd") / "mine"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    for i, (file, content) in enumerate(hostile.odd_images().items()):
        for name in ("a", "b")[: 2 if i % 9 == 0 else 1]:
            (folder / name / file).write_bytes(content)
    return folder


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_photographs_are_upright(kind, odd):
    """By EXIF, in each of eight ways; colours of JPEG are a little off at edges."""
    expected = np.asarray(hostile.photograph()).astype(int)
    for orientation in range(1, 9):
        found = np.asarray(load_image(odd / "a" / f"turned {orientation}.{kind}"))
        assert found.shape == expected.shape
        difference = np.abs(found - expected)
        assert np.median(difference) < 4 and difference.mean() < 12, orientation
    broken = load_image(odd / "a" / "broken EXIF.jpg")
    assert broken.size == (20, 40)  # as it lies


def test_sixteen_bits_become_eight(odd):
    grey = np.linspace(0, 65535, 800).astype(np.uint16).reshape(20, 40)
    expected = np.repeat((grey >> 8)[..., None], 3, 2)
    for ending in ("png", "tif", "pgm"):
        found = load_image(odd / "a" / f"16 bits.{ending}")
        assert found.mode == "RGB" and np.array_equal(np.asarray(found), expected)
    colour = np.asarray(load_image(odd / "a" / "16 bits in colour.png"))
    assert colour.tolist() == [[[255, 1, 0], [0, 128, 0]]]


def test_odd_images_of_other_kinds(odd):
    plain = np.asarray(hostile.photograph()).astype(int)
    for name in ("animated.png", "animated.gif", "animated.webp", "cmyk.tif"):
        found = np.asarray(load_image(odd / "a" / name)).astype(int)
        assert np.abs(found - plain).mean() < 2, name  # of an animation, the first
    clear = np.asarray(load_image(odd / "a" / "palette.png"))
    assert len(np.unique(clear.reshape(-1, 3), axis=0)) == 4  # colours stay
    assert load_image(odd / "a" / "wide.png").size == (20_000, 1)
    assert load_image(odd / "a" / "wide.png", largest=400).size == (400, 1)
    assert load_image(odd / "a" / "1 x 1.png", largest=400).size == (1, 1)


def test_all_ways_see_the_same(odd, tmp_path):
    names = class_folders(odd)["a"]
    assert len(names) > 45
    index = odd / "train.txt"
    index.write_text("".join(f"{name}\t0\n" for name in names), encoding="utf-8")
    images, _ = load_all(index)
    dataset = MyDataset(index)
    for name, pixels, (image, _) in zip(names, images, dataset, strict=False):
        assert image == load_image(odd / name), name
        assert np.array_equal(pixels.numpy(), np.asarray(fitted(image))), name
    index.unlink()


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A folder for results with weights, of the run ``mine``, and what they say."""
    root = tmp_path_factory.mktemp("network")
    path = root / "result/main_training/digits/mine/net_params.pt"
    path.parent.mkdir(parents=True)
    info = dict(classes=["a", "b"], mean=[0.5] * 3, std=[0.2] * 3, side=32)
    info |= dict(mirror=False, made_from="x", epoch=1)
    torch.manual_seed(0)
    save_weights(path, Net(2), info)
    return root, path, info


def test_predict_sees_them_too(odd, network):
    root, path, info = network
    names = [str(odd / file) for file in class_folders(odd)["a"]]
    names = [name for name in names if re.search("6.jpeg|16 bits|wide|cmyk", name)]
    assert len(names) == 8
    lines = must_run(PREDICT, "--name", "mine", *names, root=root).splitlines()
    net = Net(2).eval()
    net.load_state_dict(read_weights(path)[0])
    for name, line in zip(names, lines[:-1], strict=True):
        pixels = torch.from_numpy(np.array(fitted(load_image(name)))).permute(2, 0, 1)
        with torch.no_grad():
            chances = net((pixels[None] / 255 - 0.5) / 0.2).softmax(1)[0]
        first = info["classes"][int(chances.argmax())]
        assert line.startswith(f"{name}: {first} {100 * chances.max():.1f} %"), line


def test_a_folder_of_odd_images_is_prepared(odd, tmp_path):
    must_run(CHAPTER_1 / "1_3_2_mydataset.py", "--dataset", odd, root=tmp_path)


def test_predict_refuses_a_picture_that_is_too_large(network, tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(hostile.png(13_000, 13_000, 1, 0, bytes(1626 * 13_000)))
    words = ["large.png: has 13000 x 13000 pixels", "scale it down"]
    refuses(PREDICT, "--name", "mine", large, root=network[0], words=words)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(BadInput, match=r"a\.png: is no file"):
        load_image(tmp_path / "a.png")
    with pytest.raises(BadInput, match="is a folder"):
        load_image(tmp_path)


def test_what_is_no_fault_of_the_image(tmp_path, monkeypatch):
    hostile.photograph().save(tmp_path / "a.png")

    def full(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Image, "open", full)
    with pytest.raises(OSError, match="Too many"):
        load_image(tmp_path / "a.png")


@pytest.mark.skipif(sys.platform == "win32", reason="such names can't be made")
@pytest.mark.parametrize("name", [b"a\nb.png", b"a\rb.png", b"a\xffb.png"])
def test_names_that_no_line_can_hold(name, tmp_path):
    (tmp_path / "a").mkdir()
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "a") + b"/" + name)).touch()
    except OSError:
        pytest.skip("this disk takes UTF-8 alone")
    with pytest.raises(BadInput, match="give it another one"):
        class_folders(tmp_path)


# Index files and records


def test_a_line_is_not_read_beyond_what_a_path_can_have(tmp_path):
    index = tmp_path / "train.txt"
    longest = "é" * ((LONGEST_LINE - 2) // 2) + "a"[: (LONGEST_LINE - 2) % 2]
    index.write_text(f"{longest}\t0\nb\t1\n", encoding="utf-8")
    assert list(read_index(index)[1]) == [0, 1]
    index.write_text(f"b\t1\na{longest}\t0\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 2: .* longer than 32,767 bytes"):
        read_index(index)


def test_paths_may_lead_out_where_that_is_meant(tmp_path):
    (tmp_path / "set").mkdir()
    hostile.photograph().save(tmp_path / "a.png")
    index = tmp_path / "set/train.txt"
    index.write_text(f"../a.png\t0\n{tmp_path / 'a.png'}\t1\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 1: '\.\./a\.png' leads out"):
        MyDataset(index)
    dataset = MyDataset(index, inside=False)
    assert dataset[0][0] == dataset[1][0] == hostile.photograph()


def test_names_of_classes(tmp_path):
    index = tmp_path / "train.txt"
    with pytest.raises(BadInput, match="label 2147483647, as if there were so many"):
        class_names(index, [0, 2**31 - 1])
    record = tmp_path / "index.json"
    for text in ("[1]", "{", "[" * 100_000, '{"classes": 3}', '{"classes": [["a"]]}'):
        record.write_text(text)
        with pytest.raises(BadInput, match=r"index\.json: .*run 1_3_1"):
            class_names(index, [0])
    record.write_text('{"classes": ["a"]}')
    assert class_names(index, [0]) == ["a"]


@pytest.mark.parametrize(
    "text",
    ["[]", "{", "{}", "[" * 100_000, '{"mean": [0.1, 0.2], "std": [1, 1, 1]}',
     '{"mean": [0.1, 0.2, NaN], "std": [0.1, 0.1, 0.1], "images": 3}',
     '{"mean": [0.1, 0.2, "0.3"], "std": [0.1, 0.1, 0.1], "images": 3}',
     '{"mean": [0.1, 0.2, 0.3], "std": [0.1, 0.1, 0.1], "images": -3}',
     '{"mean": [0.1, 0.2, 0.3], "std": [0.1, 0.1, 0.1], "images": 0}',
     '{"mean": [0.1, 0.2, 0.3], "std": [0.1, 0.1, 0.1], "images": true}',
     '{"mean": [0.1, 0.2, 1.3], "std": [0.1, 0.1, 0.1], "images": 3}',
     '{"mean": [0.1, 0.2, -0.3], "std": [0.1, 0.1, 0.1], "images": 3}',
     '{"mean": [0.1, 0.2, 0.3], "std": "0.1", "images": 3}'],
)  # fmt: skip
def test_records_of_the_mean(text, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.prepare.DATA_ROOT", tmp_path)
    data = find_dataset("digits")
    data.home.mkdir()
    (data.home / "mean_std.json").write_text(text)
    with pytest.raises(BadInput, match=r"mean_std\.json: is damaged .*1_5_1_compute"):
        data.record("mean_std")


# Weights and checkpoints


def test_weights_of_other_networks(network, tmp_path):
    root, path, info = network
    other = path.parent.with_name("other") / "net_params.pt"
    other.parent.mkdir()
    for net, changes in (
        (torch.nn.Linear(2, 2), {}),
        (Net(3), {}),
        (Net(2), {"classes": 2}),
        (Net(2), {"std": [0, 0, 0]}),
        (Net(2), {"side": 10**6}),
    ):
        save_weights(other, net, {**info, **changes})
        words = ["other", "net_params.pt: are not the weights", "--name"]
        refuses(PREDICT, "--name", "other", root=root, words=words)


def test_a_checkpoint_of_another_program(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    content = hostile.checkpoint_of(hostile.torch_file({"net": {}}))
    (folder / "step_000000001.ckpt").write_bytes(content)
    assert newest_checkpoint(folder, {"lr": 0.1}) == {"net": {}}
    training = SimpleNamespace(
        out=tmp_path,
        args=SimpleNamespace(resume=True),
        together=SimpleNamespace(first=True),
        belongs_to=lambda: {"lr": 0.1},
        say=print,
        net=Net(2),
    )
    make = program().Training
    training.take_up = lambda state: make.take_up(training, state)
    with pytest.raises(BadInput, match=r"checkpoints: .*leave --resume out"):
        make.resume(training)


# Damaged at random: tests/slow/fuzz.py does it many more times


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to write to, again and again."""
    return tmp_path_factory.mktemp("mutants")


@pytest.mark.parametrize("name", damage.TARGETS)
def test_damaged_at_random(name, place):
    target = damage.TARGETS[name]
    came_of_it = []

    @settings(max_examples=60)
    @given(damage.versions(target.wholes))
    def read(content):
        came_of_it.append(target.read(content, place))

    read()
    assert {True, False} <= set(came_of_it)  # some were read, some refused
