"""The book's build: what it refuses, what it runs again, what it calls broken."""

import json
import sys
from pathlib import Path

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT / "Code" / "book"))
import build
import checks
import layout

from utils.console import BadInput
from utils.contents import number_of, title_and_summary
from utils.paths import CODE


def test_every_script_has_a_page_of_its_own_in_the_texts_order():
    scripts = layout.scripts_of()
    pages = [layout.docname(script) for script in scripts]
    assert len(set(pages)) == len(pages)
    lessons = {path for path in CODE.rglob("*.py") if number_of(path)}
    assert lessons <= set(scripts)
    for name in ("main", "predict"):
        assert f"main_training/{name}" in pages
    folders = list(dict.fromkeys(page.rpartition("/")[0] for page in pages))
    assert folders == sorted(folders), "sphinx-gallery sorts folders by name"


def test_every_chapter_has_an_introduction():
    for script in layout.scripts_of():
        for folder in layout.docname(script).split("/")[:-1]:
            lines = (layout.HEADERS / f"{folder}.rst").read_text(encoding="utf-8")
            assert len(lines.split("\n\n")[1].split()) > 20, folder


def test_without_sphinx_one_line(monkeypatch):
    monkeypatch.setattr(build, "NEEDED", {"no_such_module": "no-such-package"})
    with pytest.raises(BadInput, match=r"needs no-such-package: install .*The book"):
        build.main([])


@pytest.mark.parametrize("words", [["--jobs", "0"], ["--to", __file__]])
def test_bad_input(words, capsys):
    with pytest.raises(SystemExit) as ended:
        build.main(words)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unknown_chapter(monkeypatch):
    monkeypatch.setattr(build, "NEEDED", {})
    with pytest.raises(BadInput, match="no such chapter"):
        build.main(["no_such_chapter"])


def test_a_notebook_has_what_its_script_has(monkeypatch):
    pytest.importorskip("sphinx")
    import lessons

    monkeypatch.setenv("TUTORIAL_HOME", str(ROOT))
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    for script in (CODE / "main_training" / "predict.py", *CODE.rglob("1_3_2_*.py")):
        below = script.relative_to(ROOT).as_posix()
        cell = lessons.FIRST_CELL.format(script=below).replace("%matplotlib inline", "")
        names = {"__doc__": None}
        exec(cell, names)
        assert Path(names["__file__"]) == script
        assert sys.argv == [str(script)]
        assert sys.path[0] == str(script.parent)
        # Of a notebook: what --help shows, from the docstring.
        assert names["__doc__"].splitlines()[0] == title_and_summary(script)[0]


@pytest.fixture
def record(tmp_path, monkeypatch):
    """What is kept of a lesson that has run: (record, the file that it depends on)."""
    pytest.importorskip("sphinx")
    import lessons

    monkeypatch.setattr(lessons, "CODE", tmp_path)
    monkeypatch.setattr(lessons, "VERSIONS", ["torch"])
    monkeypatch.setattr(lessons, "mark_of_data", lambda: "digits 1")
    files = {}
    for name in ("1_1_lesson.py", lessons.USES_DATA):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1\n", encoding="utf-8")
        files[name] = lessons.sha256(path)
    kept = tmp_path / "record.json"
    text = json.dumps(lessons.depends_on(files, "settings"))
    kept.write_text(text, encoding="utf-8")
    return kept


def test_a_lesson_is_run_again_if_something_has_changed(record, monkeypatch):
    import lessons

    assert lessons.is_current(record, "settings")
    assert not lessons.is_current(record, "other settings")
    assert not lessons.is_current(record.with_name("none"), "settings")
    for name in ("1_1_lesson.py", lessons.USES_DATA):
        path = record.with_name(name) if "/" not in name else record.parent / name
        before = path.read_bytes()
        path.write_bytes(b"x = 2\n")
        assert not lessons.is_current(record, "settings"), name
        path.write_bytes(before)
    monkeypatch.setattr(lessons, "mark_of_data", lambda: "digits 2")
    assert not lessons.is_current(record, "settings")
    monkeypatch.undo()


def test_what_is_missing_is_said(tmp_path):
    script = tmp_path / "1_1_lesson.py"
    script.write_text('fig.savefig(RESULT / "a.png")\n', encoding="utf-8")
    page = tmp_path / "page.html"
    assert checks.missing(script, page) == ["1_1_lesson.py has no page"]
    page.write_text("<p>prose</p>", encoding="utf-8")
    assert len(checks.missing(script, page)) == 2
    out = '<div class="sphx-glr-script-out">1</div>'
    page.write_text(out, encoding="utf-8")
    assert "no picture" in checks.missing(script, page)[0]
    picture = '<img src="a.png" class = "sphx-glr-single-img"/>'
    page.write_text(out + picture, encoding="utf-8")
    assert checks.missing(script, page) == []


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ('<a class="x" href="other.html#here">', False),
        ('<a href="other.html#away">', True),
        ('<a href="none.html">', True),
        ('<img srcset="a.png, b.png 2.00x">', True),
        ('<img src="a.png">', False),
        ('<a href="https://example.org/none">', False),
        ('<a href="#">', False),
    ],
)
def test_broken_links(tmp_path, link, broken):
    (tmp_path / "a.png").touch()
    (tmp_path / "other.html").write_text('<p id="here">', encoding="utf-8")
    (tmp_path / "page.html").write_text(link, encoding="utf-8")
    assert len(checks.broken_links(tmp_path)) == broken


def test_pages_of_scripts_that_are_gone_are_removed(tmp_path):
    kept = ["1_data/1_1_a.html", "index.html", "_static/x_y/page.html"]
    for name in [*kept, "1_data/1_2_gone.html"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    build.remove_old(tmp_path, {"1_data/1_1_a", "index"})
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.html")}
    assert left == set(kept)
