"""The scripts on machines with other habits, and on one with none of the usual things.

The same input gives the same bytes there: tests/slow/same_output.py looks at all files,
here a handful stands for them.
"""

import ast
import json
import multiprocessing
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from outputs import comparable, differences
from places import CODE, keep_caches, listing, unfit
from run import find_scripts
from scripts import CHAIN, must_run, refuses
from utils import BadInput, class_folders, find_dataset, read_index
from utils.index import load_image

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told so")
NOBODY = 12345  # a user without a name and without a home
HANDFUL = [
    script
    for script in find_scripts()
    if script in CHAIN
    or script.stem
    in {
        "1_6_13_ColorJitter",  # random, and many pictures
        "2_2_2_10_sparse",
        "3_1_07_BCELoss",
        "3_3_10_LBFGS",
        "4_1_2_06_add_embedding",  # events, texts and a picture of pictures
        "5_1_torch",  # pickles
    }
]


# Names


def test_unfit_names_are_found():
    for name in (
        "CON",
        "nul.txt",
        "aux.png",
        "a:b",
        "a.",
        "a ",
        "what?",
        "a\tb",
        "LPT1",
    ):
        assert unfit(name), name
    for name in (
        "console.py",
        "aux_.png",
        ".gitignore",
        "和 中文.txt",
        "com10",
        "a.b c",
    ):
        assert not unfit(name), name


def tiny_images(folder: Path, *names: str) -> Path:
    """Make images of one colour each, for every name."""
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2), (i, 2 * i, 255 - i)).save(path, "png")
    return folder


@LINUX
def test_names_that_only_linux_takes(tmp_path):
    """Every image of such a folder is found, and is learned under its own label."""
    classes = ["AUX", "Cat", "Cat.", "a:b", "cat", "cat ", '*?<>|"', "back\\slash"]
    files = ["NUL.png", "nul.png", "1:2.png", " .png", "a\tb.png", "\x85.png", "t .png"]
    names = [f"{name}/{file}" for name in classes for file in files]
    own = tiny_images(tmp_path / "own: CON.", *names)
    must_run(CHAIN[2], "--dataset", own, root=tmp_path)
    home = next((tmp_path / "data").iterdir())
    found = {}
    for part in ("train", "valid", "test"):
        for path, label in zip(*read_index(home / f"{part}.txt"), strict=True):
            pixel = load_image(path).getpixel((0, 0))
            found[names[pixel[0]]] = label
    order = sorted(classes)
    assert found == {name: order.index(name.split("/")[0]) for name in names}


@LINUX
@pytest.mark.parametrize("name", ["b/a\nb.png", "b/a\rb.png", b"b/\xff\xc4\xe3.png"])
def test_names_that_no_index_can_hold(name, tmp_path):
    own = tiny_images(tmp_path, "b/1.png", "a/1.png", os.fsdecode(name))
    with pytest.raises(BadInput, match=r"line break.* UTF-8: give it another") as error:
        class_folders(own)
    assert str(tmp_path) in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("file", ["1.png", "{}.png"])
def test_a_disk_that_takes_two_names_for_one(file, tmp_path, monkeypatch):
    """No image is lost there in silence, whether their files have one name or two."""
    names = [
        f"{name}/{i}{file.format(name)}" for name in ("Cat", "cat") for i in range(3)
    ]
    own = tiny_images(tmp_path / "own", *names)

    def fold(path: object) -> str:
        before, here, after = str(path).partition("split.part")
        return before + here + after.lower()

    for place, name, at in (
        (Path, "mkdir", 0),
        (os, "link", 1),
        (shutil, "copyfile", 1),
    ):
        real = getattr(place, name)

        def folded(*args, real=real, at=at, **options):
            args = [*args[:at], type(args[at])(fold(args[at])), *args[at + 1 :]]
            return real(*args, **options)

        monkeypatch.setattr(place, name, folded)
    script = CHAIN[1]
    monkeypatch.setattr(sys, "argv", [str(script), "--dataset", str(own)])
    with pytest.raises(BadInput, match="does not tell apart, such as Cat and cat"):
        runpy.run_path(str(script), run_name="__main__")
    home = find_dataset(str(own)).home
    assert [path.name for path in home.iterdir() if path.is_dir()] == []
    assert len(list(own.rglob("*.png"))) == 6


def test_a_long_name_becomes_a_shorter_one(tmp_path):
    own = tmp_path / ("图" * 80)  # 240 bytes
    own.mkdir()
    data = find_dataset(str(own))
    assert len(os.fsencode(data.name)) <= 200
    data.home.mkdir(parents=True)
    data.home.rmdir()
    other = tmp_path / ("图" * 79)
    other.mkdir()
    assert find_dataset(str(other)).name != data.name


def test_a_path_that_is_too_long(tmp_path):
    deep = tmp_path.joinpath(*["a long name" * 20] * 20)
    refuses(CHAIN[0], root=tmp_path, words="too long", TUTORIAL_DATA=str(deep))


# Processes


def test_what_starts_processes_can_be_imported():
    """A spawned process imports the script that started it: it must do nothing then."""
    starters = []
    for path in sorted(CODE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"num_workers=|Process\(|\bDiskLoader\(", text) and (
            "utils" not in path.parts and "rows" not in path.parts
        ):
            starters.append(path.stem)
            last = ast.parse(text).body[-1]
            assert isinstance(last, ast.If), path.name
            assert ast.unparse(last.test) == "__name__ == '__main__'", path.name
    assert {"main", "loader_speed"} <= set(starters)


def test_spawned_workers_bring_the_same_batches(tmp_path, monkeypatch):
    from torchvision.transforms import v2

    from utils import DiskLoader, MyDataset

    own = tiny_images(tmp_path, *(f"{i}.png" for i in range(7)))
    index = own / "index.txt"
    index.write_text("".join(f"{i}.png\t{i % 3}\n" for i in range(7)), encoding="utf-8")
    vary = v2.Compose([v2.RandomCrop(2, padding=2), v2.ToImage()])

    def batches(workers):
        loader = DiskLoader(MyDataset(index, vary), 3, True, 1, workers)
        return [(x.tolist(), y.tolist()) for x, y in loader]

    expected = batches(0)
    method = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    try:
        assert batches(1) == expected
    finally:
        multiprocessing.set_start_method(method, force=True)


# All at once: nobody's machine


@pytest.fixture(scope="module")
def strange():
    """What a handful of scripts leaves where everything is unusual.

    The checkout is a copy with Windows' ends of lines, below a folder with a long name,
    and can't be written; data and results lie elsewhere. One core, no window, no HOME;
    if we are root, the user is one whom the system does not know. New files are
    readable to nobody else, the console knows ASCII only, it is another time, and
    hashes have another seed.
    """
    if not sys.prefix.isascii():
        pytest.skip("in an ASCII locale torch can't be imported from such a folder")
    place = Path(tempfile.mkdtemp(prefix="tutorial-strange-"))  # pytest's own are ours
    place.chmod(0o755)
    code = place / ("a long name, 和 中文, " * 8).strip() / "Code"
    shutil.copytree(CODE, code, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [code.parent, code, *code.rglob("*")]:
        if path.suffix == ".py":
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o555 if path.is_dir() else 0o444)
    ours = place / "ours"
    keep_caches()
    shutil.copytree(os.environ["MPLCONFIGDIR"], ours / "matplotlib")
    unusual = {
        "LC_ALL": "C",
        "MPLBACKEND": "TkAgg",
        "MPLCONFIGDIR": str(ours / "matplotlib"),
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONHASHSEED": "7",
        "PYTHONUTF8": "0",
        "TUTORIAL_DATA": str(ours / "data"),
        "TUTORIAL_RESULT": str(ours / "result"),
        "TZ": "Asia/Kathmandu",
    }
    kept = ("PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "SYSTEMROOT")
    env = {k: v for k, v in os.environ.items() if k in kept} | unusual
    command = [sys.executable, str(code / "run.py"), "--jobs", "1", "--keep-going"]
    command += [script.stem for script in HANDFUL]
    if shutil.which("taskset"):
        command[:0] = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    if sys.platform == "linux" and os.getuid() == 0 and shutil.which("setpriv"):
        for path in [ours, *ours.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        may = "+dac_read_search"  # our Python may stand where only root may look
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        caps = [f"--inh-caps=-all,{may}", f"--ambient-caps=-all,{may}"]
        command[:0] = ["setpriv", *user, *caps]
    before = listing(place)
    done = subprocess.run(
        command, cwd=ours, env=env, umask=0o077, capture_output=True, check=False
    )
    yield done, ours, [n for n in listing(place) if n not in before]
    for path in [code.parent, code, *code.rglob("*/")]:
        path.chmod(0o755)  # so that it can be deleted
    shutil.rmtree(place)


def test_nobodys_machine(strange):
    done, ours, new = strange
    assert done.stderr == b""
    assert done.returncode == 0, done.stdout.decode()
    assert done.stdout.decode("ascii").count("ok ") == len(HANDFUL)
    assert [
        name for name in new if not name.startswith(("ours/data", "ours/res"))
    ] == []
    if os.name == "posix":
        made = [*(ours / "data").rglob("*"), *(ours / "result").rglob("*")]
        assert [path for path in made if path.stat().st_mode & 0o077] == []


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> Path:
    """What the same scripts leave here: the folder with data and results."""
    place = tmp_path_factory.mktemp("usual")
    own = {"TUTORIAL_DATA": place / "data", "TUTORIAL_RESULT": place / "result"}
    subprocess.run(
        [sys.executable, CODE / "run.py", *(script.stem for script in HANDFUL)],
        env={**os.environ, **{name: str(path) for name, path in own.items()}},
        capture_output=True,
        check=True,
    )
    return place


@pytest.mark.parametrize("script", HANDFUL, ids=lambda script: script.stem)
def test_the_same_bytes_everywhere(script, strange, usual):
    place = script.relative_to(CODE).with_suffix("")
    there = comparable(strange[1] / "result" / place)
    assert there
    assert differences(comparable(usual / "result" / place), there) == []


@pytest.mark.parametrize("script", CHAIN[-1:], ids=lambda script: script.stem)
def test_the_same_data_everywhere(script, strange, usual):
    there = comparable(strange[1] / "data" / "digits")
    assert json.loads(there["mean_std.json"])["images"] == 1438
    assert differences(comparable(usual / "data" / "digits"), there) == []
