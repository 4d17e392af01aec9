"""Every script does what it says, alone, from anywhere, and leaves no mess.

All scripts run once, together, the first time a test asks for one of them: see
``lesson_runs`` and ``snippet_runs`` in ``conftest.py``.
"""

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from book.definitions import Lesson
from places import CODE, LONGEST, ROOT, listing, unfit
from promises import first_broken, promises
from run import find_scripts, run_scripts
from snippets import borrowed

SCRIPTS = find_scripts()
NUMBERED = re.compile(r"(\d(?:_\d+)+)_(\w+)")
LESSONS = [script for script in SCRIPTS if NUMBERED.fullmatch(script.stem)]
WIDE, LONG = 300, 140  # pixels of a picture, lines of a lesson


def every(scripts: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("script", scripts, ids=[s.stem for s in scripts])


def read(script: Path) -> str:
    return script.read_text(encoding="utf-8")


def none(problems: list[str]) -> None:
    assert not problems, "\n".join(problems)


# What a run shows


@every(SCRIPTS)
def test_runs(script, lesson_runs):
    done = lesson_runs[script]
    assert done.stderr == ""
    assert done.status == 0, done.stdout


@every(LESSONS)
def test_proves(script, lesson_runs):
    assert lesson_runs[script].proofs > 0


@every(LESSONS)
def test_keeps_its_promises(script, lesson_runs):
    expected = promises(read(script))
    assert expected, "promises no output (# →)"
    broken = first_broken(expected, lesson_runs[script].stdout)
    assert broken is None, broken


@every(SCRIPTS)
def test_leaves_something_to_look_at(script, lesson_runs, result_root):
    # main.py has a folder for each data set and run, beside it.
    place = script.with_suffix("") if script in LESSONS else script.parent
    folder = result_root / place.relative_to(CODE)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, f"nothing in {folder}"
    problems = [picture_problem(path) for path in files if path.suffix == ".png"]
    none([problem for problem in problems if problem])


def picture_problem(path: Path) -> str | None:
    """Say what is wrong with a PNG that a script left."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
    except Exception as error:  # Pillow raises many kinds
        return f"{path.name}: {error}"
    if image.width < WIDE:
        return f"{path.name}: {image.width} pixels wide, at least {WIDE} are seen"
    if all(low == high for low, high in image.convert("RGB").getextrema()):
        return f"{path.name}: all of one colour"
    return None


def test_leaves_no_mess(lesson_runs):
    none(lesson_runs.left + lesson_runs.changed)


def test_every_name_is_one_on_every_system(lesson_runs, data_root, result_root):
    names = sorted(listing(ROOT))
    names += [f"Data/{name}" for name in listing(data_root)]
    names += [f"Result/{name}" for name in listing(result_root)]
    assert len(names) > 2000
    assert [name for name in names if any(map(unfit, name.split("/")))] == []
    long = [name for name in names if len(name) > LONGEST]
    assert long == []
    places = {
        place for name in names for place in (name, *map(str, Path(name).parents))
    }
    same = {}
    for place in places:
        key = unicodedata.normalize("NFC", place).casefold()
        assert same.setdefault(key, place) == place


# What people copy


@every(LESSONS)
def test_definitions_take_nothing_from_elsewhere(script):
    none(borrowed(Lesson.read(script)))


@every(
    [script for script in LESSONS if re.search(r"(?m)^\s*(def|class) ", read(script))]
)
def test_definitions_work_alone(script, snippet_runs):
    none(snippet_runs[script])


# From other places, on other consoles


def chosen() -> list[Path]:
    """Return a lesson of chapter 1.6, one that reads data, and one that draws."""
    wanted = [
        lambda script, text: (
            script.name.startswith("1_6_") and "_00_" not in script.name
        ),
        lambda script, text: "needs(" in text and script.name >= "1_3_2",
        lambda script, text: "plt.subplots" in text and script.name >= "2",
    ]
    first = [
        next((script for script in LESSONS if fits(script, read(script))), None)
        for fits in wanted
    ]
    return list(dict.fromkeys(script for script in first if script))


FOREIGN = "a folder with blanks 和 中文 名字"


PLACES = [("foreign", "gbk"), ("own", None), ("root", "ascii")]


@pytest.mark.parametrize(
    ("script", "place", "encoding"),
    [(s, *place) for s, place in zip(chosen(), itertools.cycle(PLACES))],
    ids=lambda value: value.stem if isinstance(value, Path) else str(value),
)
def test_runs_by_hand(script, place, encoding, tmp_path, monkeypatch):
    folder = {"own": script.parent, "root": ROOT, "foreign": tmp_path / FOREIGN}[place]
    folder.mkdir(exist_ok=True)
    if encoding:
        monkeypatch.setenv("PYTHONIOENCODING", encoding)
    else:
        monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    before = set(folder.iterdir())
    relative = os.path.relpath(script, folder) if place != "foreign" else script
    done = run_by_hand(relative, folder)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert done.stderr == b""
    if encoding:
        assert done.stdout.decode(encoding)
    none([path.name for path in folder.iterdir() if path not in before])


def run_by_hand(script: Path | str, cwd: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(script)]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False)


@pytest.fixture(scope="module")
def copied_code(tmp_path_factory) -> Path:
    code = tmp_path_factory.mktemp("copy") / FOREIGN / "Code"
    shutil.copytree(CODE, code, ignore=shutil.ignore_patterns("__pycache__"))
    return code


@every(chosen()[1:])
def test_runs_in_a_copy_with_a_foreign_name(script, copied_code, tmp_path, monkeypatch):
    monkeypatch.delenv("TUTORIAL_DATA")
    monkeypatch.delenv("TUTORIAL_RESULT")
    copy = copied_code / script.relative_to(CODE)
    done = run_by_hand(copy, tmp_path)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert done.stderr == b""
    result = copied_code.parent / "Result" / script.relative_to(CODE).with_suffix("")
    assert any(result.iterdir())
    assert list(tmp_path.iterdir()) == []


@every(chosen()[:1])
def test_runs_spawned(script, lesson_runs):
    (done,) = run_scripts([script], start_method="spawn")
    assert (done.status, done.stderr) == (0, "")
    expected = lesson_runs[script]
    assert (done.stdout, done.proofs) == (expected.stdout, expected.proofs)


# The shape that all lessons have


@every(LESSONS)
def test_title(script):
    doc = ast.get_docstring(ast.parse(read(script)), clean=False) or ""
    title, underline, *_ = [*doc.strip("\n").splitlines(), "", ""]
    number = ".".join(str(int(part)) for part in number_of(script))
    assert title.startswith(f"{number} "), "the number is not the file's"
    assert " · " in title
    chinese = title.partition(" · ")[2]
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
    assert set(underline) == {"="}
    assert len(underline) >= columns(title), f"{columns(title)} columns wide"


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def number_of(script: Path) -> list[str]:
    return NUMBERED.fullmatch(script.stem)[1].split("_")


@every(LESSONS)
def test_shape(script):
    source = read(script)
    assert len(source.splitlines()) <= LONG, "one idea, 40 to 120 lines"
    assert re.search(r"(?m)^# %%$", source), "no cells"
    assert re.search(r"(?m)^RESULT = result_dir\(__file__\)$", source)
    assert "plt.show" not in source
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", source)
    assert "os.chdir" not in source


@every(LESSONS)
def test_headings_are_underlined(script):
    for line, text in prose(read(script))[1:]:
        heading, underline, *_ = [*text.splitlines(), "", ""]
        if underline and set(underline) == {"-"}:
            assert len(underline) >= columns(heading), f"line {line}: too short"


@every(LESSONS)
def test_stands_in_its_folder(script):
    for folder in script.relative_to(CODE).parts[:-1]:
        number = re.match(r"\d+(_\d+)*_", folder)[0]
        assert script.name.startswith(number), f"{script.name} in {folder}"


def test_numbers_are_unique():
    numbers = [tuple(map(int, number_of(script))) for script in LESSONS]
    assert [number for number in numbers if numbers.count(number) > 1] == []


@every(LESSONS)
def test_text_is_restructured_text(script):
    core = pytest.importorskip(
        "docutils.core", reason="docutils comes with what builds the book"
    )
    problems = []
    for line, text in prose(read(script)):
        settings = {"report_level": 2, "halt_level": 5, "warning_stream": Problems()}
        core.publish_doctree(text, settings_overrides=settings)
        problems += [f"line {line}: {p}" for p in settings["warning_stream"].lines]
    none(problems)


class Problems:
    """A stream for what docutils finds."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines += filter(None, text.splitlines())


def prose(source: str) -> list[tuple[int, str]]:
    """Return the docstring and the text of each cell, with its line."""
    texts = [(1, ast.get_docstring(ast.parse(source)) or "")]
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        if line == "# %%":
            text = []
            for comment in lines[number:]:
                if not comment.startswith("#"):
                    break
                text.append(comment[2:])
            texts.append((number, "\n".join(text)))
    return texts
