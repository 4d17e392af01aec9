"""Archive, PNG, split, index, mean: made whole, from what is there, or refused."""

import gzip
import io
import json
import os
import pickle
import random
import shutil
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts import CHAIN, CHAPTER_1, CODE, listing, must_run, refuses, run, start
from utils import BadInput, read_batches

TO_PNG, SPLIT, INDEX, MEAN = CHAIN
DATA = "data/digits"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The digits, prepared once; not to be changed."""
    root = tmp_path_factory.mktemp("digits")
    for script in CHAIN:
        must_run(script, root=root)
    return root


@pytest.fixture
def copy(digits, tmp_path):
    """A copy of the prepared digits, to be changed."""
    shutil.copytree(digits, tmp_path, dirs_exist_ok=True)
    return tmp_path


def archive_of(members):
    """Return a tar.gz with {name: content}; contents that are no bytes are pickled."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            if not isinstance(content, bytes):
                content = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"digits-batches-py/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def put_archive(root, content):
    folder = root / DATA
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "digits-python.tar.gz").write_bytes(content)


META = {"label_names": ["a", "b"]}
ROWS = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)
GOOD = {"data": ROWS, "labels": [0, 1, 1, 0]}


# What is made, and how


def test_the_chain_leaves_what_it_says(digits):
    home = digits / DATA
    assert len(list((home / "png").rglob("*.png"))) == 1797
    parts = {
        part: list((home / "split" / part).rglob("*.png"))
        for part in ("train", "valid", "test")
    }
    assert [len(files) for files in parts.values()] == [1438, 180, 179]
    names = [file.name for files in parts.values() for file in files]
    assert len(set(names)) == 1797
    for part, files in parts.items():
        lines = (home / f"{part}.txt").read_text(encoding="utf-8").splitlines()
        found = {}
        for line in lines:
            path, label = line.split("\t")
            found[home / path] = int(label)
        assert found == {file: int(file.parent.name) for file in files}
    record = json.loads((home / "mean_std.json").read_text(encoding="utf-8"))
    pixels = np.stack([np.asarray(Image.open(file)) for file in parts["train"]]) / 255
    np.testing.assert_allclose(record["mean"], pixels.mean((0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(record["std"], pixels.std((0, 1, 2)), rtol=1e-9)


def test_twice_gives_the_same_bytes(digits, tmp_path):
    for script in CHAIN:
        must_run(script, root=tmp_path, PYTHONHASHSEED="7", TZ="Asia/Shanghai")
    assert listing(tmp_path / "data") == listing(digits / "data")


def test_a_second_run_changes_nothing(copy):
    before = {p: p.stat().st_mtime_ns for p in (copy / DATA).rglob("*") if p.is_file()}
    for script in CHAIN:
        must_run(script, root=copy)
    after = {p: p.stat().st_mtime_ns for p in (copy / DATA).rglob("*") if p.is_file()}
    changed = {p.name for p in before if before[p] != after.get(p)}
    assert {name for name in changed if not name.startswith(".lock")} == set()


def test_each_script_makes_what_it_needs(tmp_path):
    out = must_run(MEAN, root=tmp_path)
    for script in (TO_PNG, SPLIT, INDEX):
        assert f"running {script.name}" in out
    assert ": running" not in must_run(MEAN, root=tmp_path)


def test_what_is_stale_is_made_again(copy):
    record = copy / DATA / "mean_std.json"
    before = record.read_text(encoding="utf-8")
    must_run(SPLIT, "--seed", 5, root=copy)
    out = must_run(MEAN, root=copy)
    assert "index of digits is stale: running 1_3_1_generate_txt.py" in out
    assert "1_2_split_dataset.py" not in out  # the split with seed 5 stays
    assert record.read_text(encoding="utf-8") != before
    put_archive(
        copy,
        archive_of(
            {
                "batches.meta": META,
                "data_batch_1": {
                    "data": np.repeat(ROWS, 5, 0),
                    "labels": GOOD["labels"] * 5,
                },
            }
        ),
    )
    out = must_run(MEAN, root=copy)
    assert "png of digits is stale: running 1_1_cifar10_to_png.py" in out
    assert json.loads(record.read_text(encoding="utf-8"))["images"] == 16


def test_a_new_split_replaces_the_old_one_whole(copy):
    must_run(SPLIT, "--ratio", 1, 1, 2, root=copy)
    parts = {
        p.name: len(list(p.rglob("*.png")))
        for p in (copy / DATA / "split").iterdir()
        if p.is_dir()
    }
    assert sum(parts.values()) == 1797
    assert abs(parts["test"] - 898) <= 10 and abs(parts["train"] - 449) <= 10
    assert not [p for p in (copy / DATA).iterdir() if p.suffix in (".part", ".old")]


def test_the_archive_may_be_deleted_once_it_is_unpacked(copy):
    (copy / DATA / "digits-python.tar.gz").unlink()
    assert ": running" not in must_run(MEAN, root=copy)


def test_a_set_with_test_images_keeps_them_unless_pooled(tmp_path):
    batch = {"data": np.repeat(ROWS, 10, 0), "labels": GOOD["labels"] * 10}
    put_archive(
        tmp_path,
        archive_of({"data_batch_1": batch, "test_batch": batch, "batches.meta": META}),
    )
    must_run(SPLIT, root=tmp_path)
    split = tmp_path / DATA / "split"
    test = [file.name for file in (split / "test").rglob("*.png")]
    assert len(test) == 40 and all(name.startswith("test_") for name in test)
    assert len(list((split / "train").rglob("*.png"))) == 36
    must_run(SPLIT, "--pool", root=tmp_path)
    test = [file.name for file in (split / "test").rglob("*.png")]
    assert len(test) == 8 and not all(name.startswith("test_") for name in test)
    assert len(list((split / "train").rglob("*.png"))) == 64


def test_copies_where_the_disk_has_no_links(tmp_path, digits):
    patch = tmp_path / "patch"
    patch.mkdir()
    (patch / "usercustomize.py").write_text("")
    (patch / "sitecustomize.py").write_text(
        "import os\n"
        "def link(*a, **k): raise OSError(1, 'no links here')\n"
        "os.link = link\n"
    )
    shutil.copytree(digits / DATA / "png", tmp_path / DATA / "png")
    shutil.copy(digits / DATA / "digits-python.tar.gz", tmp_path / DATA)
    must_run(SPLIT, root=tmp_path, PYTHONPATH=str(patch))
    one = next((tmp_path / DATA / "split" / "train").rglob("*.png"))
    assert one.stat().st_nlink == 1
    same = digits / DATA / "split"
    assert listing(tmp_path / DATA / "split") == listing(same)


def test_links_where_it_has(digits):
    one = next((digits / DATA / "split" / "train").rglob("*.png"))
    if os.name == "posix":
        assert one.stat().st_nlink == 2


# The user's own images


def own_images(folder):
    """Images of mixed formats, modes and sizes, names with blanks and Chinese."""
    shades = np.random.default_rng(1)
    kinds = [
        ("png", "RGB"),
        ("jpg", "RGB"),
        ("bmp", "L"),
        ("gif", "P"),
        ("png", "RGBA"),
        ("webp", "RGB"),
        ("png", "1"),
        ("tiff", "CMYK"),
        ("JPEG", "L"),
    ]
    for label, name in enumerate(("猫 cat", "dog's")):
        (folder / name / "deeper").mkdir(parents=True)
        for i in range(18):
            ending, mode = kinds[i % len(kinds)]
            size = tuple(shades.integers(1, 60, 2))
            pixels = (
                shades.integers(0, 100, (size[1], size[0], 3), np.uint8) + 120 * label
            )
            image = Image.fromarray(pixels.astype(np.uint8)).convert(mode)
            place = folder / name / ("deeper" if i % 5 == 0 else ".")
            separator = "\u2028" if i == 7 else " "  # which ends no line of an index
            image.save(place / f"图{separator}{i}.{ending}")
        (folder / name / "notes.txt").write_text("not an image")
        (folder / name / ".hidden.png").write_bytes(b"no image either")
    (folder / ".git").mkdir()


def test_own_images_of_all_kinds(tmp_path):
    folder = tmp_path / "my 图片"
    own_images(folder)
    before = listing(folder, ignore=())
    for script in CHAIN:
        must_run(script, "--dataset", folder, root=tmp_path)
    assert listing(folder, ignore=()) == before
    (home,) = (tmp_path / "data").iterdir()
    assert home.name.startswith("my 图片-")
    index = json.loads((home / "index.json").read_text(encoding="utf-8"))
    assert index["classes"] == ["dog's", "猫 cat"]
    counts = [
        len((home / f"{p}.txt").read_text(encoding="utf-8").split("\n")[:-1])
        for p in ("train", "valid", "test")
    ]
    assert sum(counts) == 36 and min(counts) >= 2
    (folder / "dog's" / "new.png").write_bytes(
        (folder / "dog's" / "图 4.png").read_bytes()
    )
    assert "split of my" in must_run(MEAN, "--dataset", folder, root=tmp_path)


def test_folders_of_one_name_are_two_data_sets(tmp_path):
    for place in ("a", "b"):
        own_images(tmp_path / place / "pets")
        must_run(INDEX, "--dataset", tmp_path / place / "pets", root=tmp_path)
    assert len(list((tmp_path / "data").iterdir())) == 2


# What can't be used: one line, status 2, nothing lost


def test_no_such_data_set(tmp_path):
    for script in CHAIN:
        refuses(
            script, "--dataset", "nothing", root=tmp_path, words=["nothing", "digits"]
        )
    refuses(SPLIT, "--seed", "x", root=tmp_path, words=["--seed", "--help"])


def test_cifar10_that_is_not_there(tmp_path):
    refuses(
        TO_PNG,
        "--dataset",
        "cifar10",
        root=tmp_path,
        words=["cifar-10-python.tar.gz", "--download"],
    )
    refuses(
        MEAN,
        "--dataset",
        "cifar10",
        root=tmp_path,
        words=["cifar-10-python.tar.gz", "--download"],
    )


def test_a_download_without_network(tmp_path):
    blocked = CHAPTER_1.parents[1] / "tests" / "offline"
    refuses(
        TO_PNG,
        "--dataset",
        "cifar10",
        "--download",
        root=tmp_path,
        words=["the download failed", "cifar-10-python.tar.gz"],
        PYTHONPATH=str(blocked),
    )
    assert not list((tmp_path / "data" / "cifar10").glob("*.tar.gz*"))
    assert not list((tmp_path / "data" / "cifar10").glob("*.part"))


class Hostile:
    """A pickle of it runs a command."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def bad_archives(marker):
    good = archive_of({"batches.meta": META, "data_batch_1": GOOD})
    batch = {"batches.meta": META, "data_batch_1": GOOD}
    changes = {
        "short rows": {"data": ROWS[:, :3000], "labels": [0, 1, 1, 0]},
        "float pixels": {"data": ROWS.astype(float), "labels": [0, 1, 1, 0]},
        "too few labels": {"data": ROWS, "labels": [0, 1]},
        "a label too large": {"data": ROWS, "labels": [0, 1, 2, 0]},
        "a negative label": {"data": ROWS, "labels": [0, 1, -1, 0]},
        "a label that is text": {"data": ROWS, "labels": [0, 1, "1", 0]},
        "no data": {"labels": [0]},
        "a list": [1, 2, 3],
        "text": b"this is not a pickle",
        "half a pickle": pickle.dumps(GOOD, 2)[:6000],
        "nothing": b"",
        "a command": {"data": Hostile(marker), "labels": [0]},
        "nested, a command": {"data": ROWS, "labels": [[Hostile(marker)]]},
        "an object of numpy": {"data": ROWS, "labels": [np.random.default_rng(0)]},
    }
    yield "cut off", good[: len(good) // 2]
    yield "empty", b""
    yield "not gzip", b"PK\x03\x04" * 100
    yield "gzip of nothing", gzip.compress(b"")
    yield "a flipped bit", good[:500] + bytes([good[500] ^ 1]) + good[501:]
    yield "no names", archive_of({"data_batch_1": GOOD})
    yield (
        "names that are paths",
        archive_of({**batch, "batches.meta": {"label_names": ["..", "a/b"]}}),
    )
    yield (
        "the same name twice",
        archive_of({**batch, "batches.meta": {"label_names": ["a", "a"]}}),
    )
    yield "no batches", archive_of({"batches.meta": META})
    for name, content in changes.items():
        yield name, archive_of({**batch, "data_batch_1": content})


@pytest.mark.parametrize("kind", [name for name, _ in bad_archives("x")])
def test_archives_that_cannot_be_used(kind, tmp_path):
    marker, archive = tmp_path / "the pickle ran", tmp_path / "digits-python.tar.gz"
    archive.write_bytes(dict(bad_archives(marker))[kind])
    with pytest.raises(BadInput) as error:
        list(read_batches(archive))
    assert str(archive) in str(error.value) and "again" in str(error.value)
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["cut off", "a command", "short rows"])
def test_nothing_is_lost_when_the_archive_is_bad(kind, copy):
    marker = copy / "the pickle ran"
    before = listing(copy / DATA / "png")
    put_archive(copy, dict(bad_archives(marker))[kind])
    refuses(TO_PNG, root=copy, words="digits-python.tar.gz")
    assert not marker.exists()
    assert listing(copy / DATA / "png") == before  # the old ones are not lost
    assert not list((copy / DATA).glob("png.*"))


def test_an_index_that_names_no_image_ends_the_script(copy):
    index = copy / DATA / "train.txt"
    lines = index.read_text(encoding="utf-8")
    for line, words in (("gone.png\t0", ["gone.png", "1_3_1"]), ("x 0", ["line 1439"])):
        index.write_text(f"{lines}{line}\n", encoding="utf-8")
        refuses(MEAN, root=copy, words=words)


def test_an_image_that_does_not_decode(copy):
    home = copy / DATA
    line = (home / "train.txt").read_text(encoding="utf-8").splitlines()[7]
    image = home / line.split("\t")[0]
    whole = image.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"text named .png"):
        image.unlink()
        image.write_bytes(content)
        (home / "mean_std.json").unlink(missing_ok=True)
        refuses(MEAN, root=copy, words=[image.name, "data set"])
        assert not (home / "mean_std.json").exists()


def test_folders_that_cannot_be_split(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    refuses(SPLIT, "--dataset", folder, root=tmp_path, words=[folder, "sub-folders"])
    own_images(folder)
    (folder / "empty").mkdir()
    refuses(SPLIT, "--dataset", folder, root=tmp_path, words=["empty", "no images"])
    shutil.copy(folder / "dog's" / "图 4.png", folder / "empty" / "one.png")
    refuses(
        SPLIT, "--dataset", folder, root=tmp_path, words=["empty", "too few images"]
    )


@pytest.mark.parametrize("ratio", [[8], [8, 1], [8, 1, 1, 1], [8, 0, 1], [8, -1, 1]])
def test_ratios_that_make_no_sense(ratio, copy):
    before = listing(copy / DATA / "split")
    refuses(SPLIT, "--ratio", *ratio, root=copy, words="--ratio")
    assert listing(copy / DATA / "split") == before


def test_a_damaged_record(copy):
    (copy / DATA / "index.json").write_text("{", encoding="utf-8")
    refuses(MEAN, root=copy, words=["index.json", "damaged", "1_3_1"])


# Disks


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
@pytest.mark.parametrize(("script", "limit"), [(TO_PNG, 100_000), (INDEX, 10_000)])
def test_a_disk_that_is_full(script, limit, tmp_path):
    """The kernel refuses to write more than ``limit`` bytes to any file."""
    if script is INDEX:
        must_run(SPLIT, root=tmp_path)
    before = listing(tmp_path / "data")
    code = (
        "import resource, runpy, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "sys.argv = sys.argv[1:]\n"
        "sys.path[0] = ''\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    driver = tmp_path / "driver.py"
    driver.write_text(code, encoding="utf-8")
    refuses(driver, script, root=tmp_path, words="File too large")
    assert listing(tmp_path / "data") == before
    must_run(script, root=tmp_path)


@pytest.mark.parametrize("place", ["png", "split"])
def test_no_space_left(place, copy):
    """Every file but the first 50 that is written or linked meets ENOSPC."""
    patch = copy / "patch"
    patch.mkdir()
    (patch / "sitecustomize.py").write_text(
        "import builtins, errno, os, shutil\n"
        "left, real_open = [50], builtins.open\n"
        "def full(*a, **k):\n"
        "    if left[0] <= 0:\n"
        "        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), a[0])\n"
        "    left[0] -= 1\n"
        "def open(file, mode='r', *a, **k):\n"
        "    if 'x' in mode: full(file)\n"
        "    return real_open(file, mode, *a, **k)\n"
        "builtins.open, os.link, shutil.copyfile = open, full, full\n"
    )
    script = TO_PNG if place == "png" else SPLIT
    options = ["--again"] if place == "png" else ["--seed", 9]
    before = listing(copy / DATA)
    refuses(
        script,
        *options,
        root=copy,
        words=["No space left", "free some"],
        PYTHONPATH=str(patch),
    )
    assert listing(copy / DATA) == before


@pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="needs a folder nobody can write"
)
def test_a_read_only_result(digits):
    for script in CHAIN:
        refuses(
            script,
            root=digits,
            words=["/proc/none", "TUTORIAL_RESULT"],
            TUTORIAL_RESULT="/proc/none",
        )
    refuses(SPLIT, root=digits, words=["/proc/none"], TUTORIAL_DATA="/proc/none")


# Several at once, and killed ones


def test_scripts_side_by_side(digits, tmp_path):
    processes = [start(MEAN, root=tmp_path) for _ in range(3)]
    for process in processes:
        _out, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, ""), err
    assert listing(tmp_path / "data") == listing(digits / "data")


@pytest.mark.parametrize("moment", range(10))
def test_killed_at_any_moment_and_run_again(moment, copy, digits):
    chance = random.Random(moment)
    script = CHAIN[moment % 4]
    home = copy / DATA
    made = [["png"], ["split"], ["train.txt", "index.json"], ["mean_std.json"]]
    for name in made[moment % 4]:
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    process = start(script, root=copy)
    time.sleep(chance.uniform(0.1, 1.0))
    process.kill()
    process.communicate()
    must_run(script, root=copy)
    must_run(MEAN, root=copy)
    assert listing(copy / "data") == listing(digits / "data")


# Names and places


def test_a_copy_in_a_folder_with_blanks_and_chinese(tmp_path):
    code = tmp_path / "我的 教程 copy" / "Code"
    shutil.copytree(CODE, code, ignore=shutil.ignore_patterns("__pycache__"))
    root = code.parent
    out = must_run(code / MEAN.relative_to(CODE), root=root, PYTHONIOENCODING="gbk")
    assert ": running" in out
    status, _, err = run(
        code / INDEX.relative_to(CODE), root=root, PYTHONIOENCODING="ascii"
    )
    assert (status, err) == (0, "")
