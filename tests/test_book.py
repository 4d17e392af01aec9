"""The book in headless Chromium, from the disk and with the network cut.

A part of the book is built once; ``tests/slow/walk_book.py`` walks all of it. These
tests skip where Sphinx or a browser is missing; in CI, which installs both, they fail.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from book.definitions import Lesson, source_alone
from places import CODE, ROOT, missing
from utils.contents import find_scripts
from viewer import NoBrowserError
from walk import (
    copies,
    notebook_program,
    offline_browser,
    problems,
    search,
    show,
)

PART = ["2.2.2.8", "3.1.6", "3.1.8", "5.3"]
LESSON = "3_optimizer/3_1_loss_functions/3_1_06_KLDivLoss"
BUTTONS = "button.copy-code"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    try:
        with offline_browser(tmp_path_factory.mktemp("chromium")) as started:
            yield started
    except NoBrowserError as error:
        missing(str(error))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder of a part of the book."""
    for package in ("sphinx", "sphinx_gallery", "pydata_sphinx_theme"):
        if not importlib.util.find_spec(package):
            missing(f"{package} is not installed")
    html = tmp_path_factory.mktemp("book") / "site"
    build(html, *PART)
    return html


def build(site: Path, *arguments: object) -> str:
    """Build a part of the book, without a complaint; return what was printed."""
    command = [sys.executable, CODE / "book" / "build.py", *arguments, "--to", site]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, encoding="utf-8", timeout=600
    )
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout


def pages(site: Path) -> list[Path]:
    return [p for p in sorted(site.rglob("*.html")) if "_static" not in p.parts]


# What the reader sees


def test_every_page_is_whole_and_readable(site, browser):
    walked = pages(site)
    assert {"index.html", "snippets.html", "pictures.html", "cheatsheet.html"} <= {
        page.name for page in walked
    }
    narrow = {p.name: problems(browser, p, [400], ["dark"]) for p in walked}
    wide = {p.name: problems(browser, p, [1400], ["light"]) for p in walked}
    found = [*narrow.items(), *wide.items()]
    assert not [(name, wrong) for name, wrong in found if wrong]


def test_formulas_and_pictures_are_there_to_be_seen(site, browser):
    show(browser, (site / f"{LESSON}.html").as_uri())
    seen = browser.execute_script(
        "return ['.math svg', 'article img', 'dl.facts dt', 'details.proofs li',"
        "'.admonition.the-notes', '.admonition.then-now', '.promise']"
        ".map((what) => document.querySelectorAll(what).length)"
    )
    source = (CODE / f"{LESSON}.py").read_text(encoding="utf-8")
    formulas = source.count(":math:") + source.count(".. math::")
    assert seen[0] >= formulas > 0
    assert seen[1:3] == [1, 5]
    assert seen[3] >= source.count("check(") and seen[4:6] == [1, 1]
    assert seen[6] == source.count("# →")


def test_proofs_stand_apart_from_other_output(site, browser):
    show(browser, (site / f"{LESSON}.html").as_uri())
    script = (
        "return [...document.querySelectorAll(arguments[0])].map((n) => n.textContent)"
    )
    output = browser.execute_script(script, ".sphx-glr-script-out")
    proofs = browser.execute_script(script, "details.proofs")
    assert any("target 0.8541: -0.6667" in text for text in output)
    assert not any("✓" in text for text in output)
    assert any("element-wise: p (log p - x)" in text for text in proofs)
    for text in proofs:
        said, count = text.split(), text.strip().count("\n") - 1
        assert said[0] == "✓" and int(said[1]) == max(count, 1), text


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("KLDivLoss", LESSON),
        ("权值初始化", "2_model/2_2_weight_init/index"),
        ("batchmean", LESSON),
    ],
)
def test_search_finds(site, browser, word, page):
    found = [href.partition("#")[0] for href in search(browser, site, word)]
    found = [href.partition("?")[0] for href in found]
    assert f"{page}.html" in found


def test_search_finds_nothing_of_what_is_not_there(site, browser):
    assert search(browser, site, "Zwiebelkuchen") == []


# What copy buttons copy


def test_copied_snippets_are_those_that_are_tested_and_run(site, browser, tmp_path):
    show(browser, (site / "snippets.html").as_uri())
    texts = copies(browser, BUTTONS)
    lessons = map(Lesson.read, find_scripts(PART))
    expected = [source_alone(n, d) for n in lessons for d in n.definitions]
    assert expected and [text.strip("\n") for text in texts] == expected
    programs = [tmp_path / f"{i}.py" for i in range(len(texts))]
    for program, text in zip(programs, texts, strict=True):
        program.write_text(text, encoding="utf-8")
    run = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path)"
    done = subprocess.run(
        [sys.executable, "-c", run, *map(str, programs)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_copied_cells_of_a_lesson_run(site, browser, result_root):
    show(browser, (site / f"{LESSON}.html").as_uri())
    cells = copies(browser, BUTTONS)
    assert cells[0].startswith("__file__ = ")
    done = subprocess.run(
        [sys.executable, "-"],
        input="\n\n".join(cells),
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ element-wise: p (log p - x)" in done.stdout
    folder = result_root / Path(LESSON)
    assert (folder / "loss_and_gradient.png").is_file()


def test_the_filter_of_the_snippets(site, browser):
    from selenium.webdriver.common.by import By

    show(browser, (site / "snippets.html").as_uri())
    heads = "section > section > section > h3"
    count = len(browser.find_elements(By.CSS_SELECTOR, heads))
    browser.find_element(By.CSS_SELECTOR, "input.filter").send_keys("log_sigmoid(")
    left = [
        h for h in browser.find_elements(By.CSS_SELECTOR, heads) if h.is_displayed()
    ]
    assert 0 < len(left) < count


# The sheet on paper


def test_the_sheet_prints_without_what_belongs_to_the_screen(site, browser):
    show(browser, (site / "cheatsheet.html").as_uri(), "dark")
    media = "Emulation.setEmulatedMedia"
    browser.execute_cdp_cmd(media, {"media": "print"})
    try:
        shown = browser.execute_script(
            "dispatchEvent(new Event('beforeprint'));"
            "return [...document.querySelectorAll('header, nav, footer, button, input,"
            " .bd-sidebar-primary, .bd-sidebar-secondary')]"
            ".filter((n) => n.checkVisibility()).map((n) => n.className)"
        )
        theme = browser.execute_script("return document.documentElement.dataset.theme")
    finally:
        browser.execute_cdp_cmd(media, {"media": ""})
    assert (shown, theme) == ([], "light")


def test_the_table_has_every_row(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(CODE / "book"))
    import extras
    from docutils.core import publish_doctree
    from docutils.nodes import problematic, row

    text = "\n".join(extras.table()).replace(".. code-block:: python\n", ".. code::\n")
    document = publish_doctree(text, settings_overrides={"report_level": 2})
    from rows import ROWS

    heads = {r.chapter for r in ROWS}
    assert len(list(document.findall(row))) == len(ROWS) + len(heads) > 300
    assert not list(document.findall(problematic))


# Notebooks


def test_a_notebook_finds_its_clone(site, tmp_path, result_root):
    program = tmp_path / "notebook.py"
    program.write_text(notebook_program(site / "_downloads", LESSON), encoding="utf-8")
    for folder, clone, status in [
        (ROOT / "tests", {}, 0),  # anywhere in the clone,
        (tmp_path, {"TUTORIAL_HOME": str(ROOT)}, 0),  # or told where it is
        (tmp_path, {}, 1),
    ]:
        done = subprocess.run(
            [sys.executable, str(program)],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **clone},
        )
        assert done.returncode == status, done.stderr
        if status:
            assert "Put this notebook into a clone" in done.stderr
            assert len(done.stderr.splitlines()) == 1
        else:
            assert "✓ element-wise: p (log p - x)" in done.stdout


# In another language


def test_a_translation(site, tmp_path):
    """All prose can be translated; what the book adds finds its place all the same."""
    from babel.messages.pofile import read_po, write_po

    copy = Path(shutil.copytree(site.parent, tmp_path / "copy"), "site")
    build(copy, *PART, "--gettext")
    templates = {
        path.relative_to(f"{copy}.gettext").with_suffix(""): path
        for path in Path(f"{copy}.gettext").rglob("*.pot")
    }
    found = {page.relative_to(site).with_suffix("") for page in pages(site)}
    assert set(templates) == {*found, Path("extras")} - {Path("search")}
    locale = tmp_path / "locale"
    words = ""
    for name, path in templates.items():
        with path.open("rb") as file:
            catalog = read_po(file)
        for message in catalog:
            if message.id:
                message.string = f"译：{message.id}"
                words += f"{message.id}\n"
        target = locale / "zh_CN" / "LC_MESSAGES" / name.with_suffix(".po")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            write_po(file, catalog)
    for prose in ("KLDivLoss · KL散度", "the notes", "claims proven", "Total running"):
        assert prose in words
    said = build(copy, *PART, "--language", "zh_CN", "--translations", locale)
    assert "✓" not in said, "a translation is no reason to run a lesson again"
    page = (copy / f"{LESSON}.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN"' in page
    for box in ("the-notes", "then-now"):
        assert re.search(
            rf'class="{box} admonition">\s*<p class="[\w-]*title">译：', page
        )
    assert re.search(r"<summary>.*译：\d+ claims proven", page, re.S)
    assert '"copied": "译：copied ✓"' in page
    printed = r"<(script|style|pre|template|details)\b.*?</\1>"
    visible = re.sub(printed, "", page, flags=re.S)
    prose = re.findall(r"<p>(?!<)([^<]{40,})", visible)
    assert prose and not [text for text in prose if not text.startswith("译：")]


# That the walk sees what is wrong


BROKEN = {
    "no picture": '<img src="none.png" width="20">',
    "the console": "<script>nothing_of_this_name()</script>",
    "the console: no network": '<script src="https://example.org/a.js"></script>',
    "not drawn": '<span class="math">\\(x\\)</span>',
    "pixels wide": '<div style="width: 2000px">wide</div>',
    "too wide": '<div style="overflow: hidden"><p style="width: 3000px">cut</p></div>',
    "hard to read": '<p style="color: #999; background: #fff">pale</p>',
    "hard to read: through": '<p style="opacity: 0.4; background: #fff">pale</p>',
}
FINE = (
    '<p>text</p><div style="overflow: auto"><p style="width: 2000px">scrolls</p></div>'
)


@pytest.mark.parametrize("wrong", BROKEN)
def test_the_walk_sees(wrong, browser, tmp_path):
    kind = wrong.split(": ")[0] if wrong.startswith("hard") else wrong.split(": no")[0]
    page = tmp_path / "page.html"
    body = "<!doctype html><meta charset='utf-8'><body style='color: #000'><article>"
    page.write_text(f"{body}{FINE}</article>", encoding="utf-8")
    assert problems(browser, page, widths=[400], themes=["light"]) == []
    page.write_text(f"{body}{FINE}{BROKEN[wrong]}</article>", encoding="utf-8")
    found = problems(browser, page, widths=[400], themes=["light"])
    assert any(kind in problem for problem in found), found
