"""Rows of the migration table: they fail when they should, and leave nothing behind."""

import html.parser
import os
import random
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from utils import CODE, migration, proof
from utils.migration import Row, prove, raises, warns, works, wrong

WARN = "import warnings; warnings.warn('mind the step', {}); 3"
RAISES = Row(
    "1", "a", "int('x')", raises(ValueError, "invalid literal"), "3", "new == 3"
)
WARNS = replace(
    RAISES, old=WARN.format("UserWarning"), happens=warns(UserWarning, "step")
)
WORKS = replace(RAISES, old="2 + 1", happens=works(), proof="old == new")
WRONG = replace(RAISES, old="4", happens=wrong("old != 3"))
GOOD = [RAISES, WARNS, WORKS, WRONG]
BROKEN = [
    (RAISES, dict(old="int('3')"), "by torch: works"),
    (RAISES, dict(old="int([])"), "raises TypeError"),
    (
        RAISES,
        dict(happens=raises(ValueError, "other words")),
        "invalid literal for int",
    ),
    (RAISES, dict(happens=raises(LookupError, "invalid literal")), "raises ValueError"),
    (RAISES, dict(happens=works()), "raises ValueError"),
    (RAISES, dict(happens=warns(UserWarning, "invalid")), "raises ValueError"),
    (RAISES, dict(happens=wrong("old is None")), "raises ValueError"),
    (RAISES, dict(old=WARN.format("UserWarning")), "warns UserWarning: mind the step"),
    (WARNS, dict(old="3"), "by torch: works"),
    (WARNS, dict(old=WARN.format("FutureWarning")), "warns FutureWarning"),
    (WARNS, dict(happens=warns(UserWarning, "other words")), "mind the step"),
    (WARNS, dict(happens=works()), "warns UserWarning"),
    (WARNS, dict(happens=wrong("old == 3")), "warns UserWarning"),
    (WARNS, dict(old=WARNS.old.replace("3", "int('x')")), "raises ValueError"),
    (
        WARNS,
        dict(old=f"{WARNS.old}; {WARN.format('FutureWarning')}"),
        "warns FutureWarning",
    ),
    (WORKS, dict(old=RAISES.old), "raises ValueError"),
    (WORKS, dict(old=WARNS.old), "warns UserWarning"),
    (WORKS, dict(old=WARN.format("DeprecationWarning")), "warns DeprecationWarning"),
    (WORKS, dict(old="2 +"), "raises SyntaxError"),
    (WORKS, dict(old="import sys; sys.exit(3)"), "raises SystemExit"),
    (WRONG, dict(old="3"), "old != 3 is False"),
    (WRONG, dict(happens=wrong("old.odd")), "old.odd raises AttributeError"),
    (WRONG, dict(happens=wrong("old")), "old is 4"),
    (WRONG, dict(proof="new == 4"), "new == 4 is False"),
    (WRONG, dict(proof="new"), "new is 3"),
    (WRONG, dict(proof="new.odd == 1"), "new.odd == 1 raises AttributeError"),
    (WRONG, dict(new="int('x')"), "raises ValueError"),
    (WRONG, dict(new=WARNS.old), "warns UserWarning"),
    (WRONG, dict(given=WARNS.old), "warns UserWarning: what is given: mind the step"),
    (WRONG, dict(given="int('x')"), "raises ValueError: what is given: invalid"),
    (RAISES, dict(given="int('x')"), "raises ValueError: what is given: invalid"),
]


REAL_VERSION_OF = migration.version_of


@pytest.fixture(autouse=True)
def versions(monkeypatch):
    """Pretend that other versions are installed, at first the newest that were seen."""
    known = {name: seen[-1] for name, seen in migration.SEEN.items()}
    monkeypatch.setattr(
        migration, "version_of", lambda name: known.get(name) or REAL_VERSION_OF(name)
    )

    def install(**numbers):
        known.update({n: tuple(map(int, v.split("."))) for n, v in numbers.items()})

    return install


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.happens.kind)
def test_a_row_that_keeps_its_promise_is_one_proof_and_one_line(row, capsys):
    before = proof.held
    assert prove(row) == migration.Result(row, row.happens)
    assert proof.held == before + 1
    out, err = capsys.readouterr()
    assert re.fullmatch(rf"✓ 1 +{re.escape(row.happens.label)} +a\n", out)
    assert err == ""


@pytest.mark.parametrize(("row", "change", "words"), BROKEN)
def test_a_row_that_breaks_its_promise_fails_and_says_how(row, change, words):
    before = proof.held
    with pytest.raises(AssertionError) as caught:
        prove(replace(row, **change, where="3.1.7", about="the changed thing"))
    assert words in str(caught.value)
    assert "3.1.7" in str(caught.value) and "the changed thing" in str(caught.value)
    assert proof.held == before


@pytest.mark.parametrize(
    "change",
    [
        dict(where=""),
        dict(about=" "),
        dict(old=""),
        dict(proof=""),
        dict(proof="True"),
        dict(proof="1 == 1"),
        dict(since="2.6"),
        dict(since="torch new"),
        dict(happens={"torch": works()}),
    ],
)
def test_a_row_that_says_too_little_is_refused(change):
    with pytest.raises(ValueError):
        replace(WORKS, **change)


@pytest.mark.parametrize(
    "make",
    [
        lambda: raises(Exception, "words"),
        lambda: raises(ValueError, " "),
        lambda: warns(Warning, "words"),
        lambda: warns(UserWarning, ""),
        lambda: wrong("1 == 2"),
    ],
)
def test_an_outcome_that_can_hardly_fail_is_refused(make):
    with pytest.raises(ValueError):
        make()


def test_both_forms_start_from_the_same_seed_in_a_program_of_their_own():
    draw = "[torch.rand(1).item(), np.random.rand(), random.random()]"
    row = replace(WORKS, old=draw, new=draw, given="count = []", proof="old == new")
    prove(row)
    prove(replace(row, old="count.append(1); count", new="count", proof="old != new"))
    prove(replace(row, old="mine = 3", new="0", proof="mine == 3 and old is None"))
    prove(replace(row, old="mine = 3", new="mine = 4", proof="mine == 4"))
    mine = wrong("mine == 3")
    prove(replace(row, old="mine = 3", happens=mine, new="mine = 4", proof="mine == 4"))


def test_a_snippet_is_a_main_program_whose_source_can_be_read():
    code = """
        import inspect, pickle

        class Net(nn.Module):
            pass

        loaded = pickle.loads(pickle.dumps(Net()))
        isinstance(loaded, Net), __name__, inspect.getsource(Net)
        """
    expected = "new == (True, '__main__', 'class Net(nn.Module):\\n    pass\\n')"
    prove(replace(WORKS, new=code, proof=expected))


def test_each_form_has_an_empty_folder_and_both_are_gone(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "Path('a.txt').write_text('x'); print('out'); print('err', file=sys.stderr)"
    row = replace(WORKS, old=code, new=f"{code}; os.listdir()")
    prove(replace(row, proof="new == ['a.txt'] and Path('a.txt').is_file()"))
    with pytest.raises(AssertionError):
        prove(replace(row, proof="new == []"))
    assert list(tmp_path.iterdir()) == []
    out, err = capfd.readouterr()
    assert "out\n" not in out.splitlines() and err == ""


HIDDEN = """
import sys, types
library = types.ModuleType("library")
source = 'import warnings\\ndef f(): warnings.warn("old", {})'
exec(compile(source, "library.py", "exec"), library.__dict__)
library.f()
"""


@pytest.mark.parametrize("kind", [DeprecationWarning, PendingDeprecationWarning])
def test_warnings_that_python_hides_count_only_where_a_row_names_them(kind):
    row = replace(WORKS, old=HIDDEN.format(kind.__name__), proof="new == 3")
    prove(row)
    prove(replace(row, happens=warns(kind, "old")))
    with pytest.raises(AssertionError, match="warns FutureWarning"):
        prove(replace(row, old=HIDDEN.format("FutureWarning")))


def state():
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "always": torch.is_warn_always_enabled(),
        "torch": torch.get_rng_state().tolist(),
        "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "random": random.getstate(),
        "folder": Path.cwd(),
        "main": id(sys.modules["__main__"]),
        "json": id(sys.modules["json"]),
        "missing": "sklearn.nothing" in sys.modules,
        "path": list(sys.path),
        "variables": dict(os.environ),
        "streams": (id(sys.stdout), id(sys.stderr)),
        "filters": list(warnings.filters),
    }


@pytest.mark.parametrize("end", ["", "1 / 0"])
@pytest.mark.parametrize("which", ["old", "new"])
def test_a_row_leaves_everything_as_it_was(which, end):
    upset = f"""
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.set_warn_always(False)
        torch.rand(3), np.random.rand(3), random.random()
        Path("below").mkdir()
        os.chdir("below")
        sys.path.insert(0, "nowhere")
        sys.modules["json"] = None
        sys.modules["sklearn.nothing"] = None
        os.environ["TUTORIAL_NOTHING"] = "1"
        warnings.simplefilter("error")
        sys.stdout = sys.stderr = io.StringIO()
        {end}
        """
    row = replace(WORKS, proof="new is new", **{which: upset})
    before = state()
    if end:
        with pytest.raises(AssertionError):
            prove(row)
    else:
        prove(row)
    after = state()
    assert {name: after[name] for name in before if after[name] != before[name]} == {}
    assert torch.zeros(1).dtype is torch.float32 and torch.zeros(1).device.type == "cpu"


@pytest.mark.parametrize(
    "since", ["torch 2.6", "torch 2.6, numpy 1.20", "python 3.9", "pillow 5"]
)
def test_a_promise_holds_from_its_version_on(since, versions):
    versions(torch="2.6.1")
    with pytest.raises(AssertionError):
        prove(replace(WORKS, old="4", since=since))


SEEN = [(name, version) for name, seen in migration.SEEN.items() for version in seen]


@pytest.mark.parametrize(("package", "version"), SEEN)
@pytest.mark.parametrize("patch", ["", ".0", ".7"])
@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.happens.kind)
def test_on_every_version_seen_a_row_that_differs_fails(
    package, version, patch, row, versions
):
    number = ".".join(map(str, version))
    versions(**{package: number + patch})
    row = replace(row, since=f"{package} {migration.SEEN[package][0][0]}")
    assert prove(row).promised
    for change in (dict(old="1 / 0"), dict(new="1 / 0"), dict(proof="new == 5")):
        with pytest.raises(AssertionError):
            prove(replace(row, **change))


@pytest.mark.parametrize(
    ("package", "version"),
    [
        *(("torch", "2.5"), ("torch", "2.7.1"), ("torch", "2.13"), ("torch", "2.15")),
        *(("torch", "3.0"), ("torchvision", "0.25.1"), ("torchvision", "0.30")),
        *(("tensorboardx", "2.5"), ("tensorboardx", "2.7"), ("numpy", "1.26")),
        *(("numpy", "2.3.5"), ("numpy", "2.5"), ("python", "3.9"), ("python", "3.12")),
    ],
)
@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.happens.kind)
def test_on_a_version_never_seen_a_row_may_differ_and_says_so(
    package, version, row, versions, capsys
):
    versions(**{package: version})
    row = replace(row, since=f"{package} 0.1")  # also where an older one was never seen
    before = proof.held
    assert prove(row).promised and proof.held == before + 1
    capsys.readouterr()
    for change in (dict(old="1 / 0"), dict(new="1 / 0"), dict(proof="new == 5")):
        assert not prove(replace(row, **change)).promised
    first, *others = capsys.readouterr().out.splitlines()
    short = ".".join(version.split(".")[:2])
    assert f"not promised for {package} {short}" in first and len(others) == 2
    assert "happens: raises ZeroDivisionError" in first and proof.held == before + 1


def test_one_package_that_was_not_seen_is_enough(versions, capsys):
    row = replace(WORKS, old="4", since="torch 2.6, tensorboardX 2.6")
    for unseen in ("torch", "tensorboardx"):
        versions(torch="2.14", tensorboardx="2.6")
        with pytest.raises(AssertionError):
            prove(row)
        versions(**{unseen: "2.9"})
        assert not prove(row).promised
    row = replace(row, happens={"torch 2.6": works(), "python 3.12": works()})
    versions(torch="2.14", tensorboardx="2.6", python="3.13")
    assert not prove(row).promised
    assert capsys.readouterr().out.endswith(
        "not promised for torch 2.14, tensorboardx 2.6, python 3.13 happens: works\n"
    )


@pytest.mark.parametrize(
    ("torch_version", "since"),
    [
        ("2.5.1", "torch 2.6"),
        ("2.14.1", "torch 2.15"),
        ("2.14.1", "torch 2.6, torchvision 9"),
        ("2.14.1", "no-such-package 1.0"),
    ],
)
def test_outside_its_range_a_row_says_what_happens(
    torch_version, since, versions, capsys
):
    versions(torch=torch_version)
    before = proof.held
    result = prove(replace(RAISES, old="4", since=since))
    assert (result.promised, result.happens, proof.held) == (False, works(), before)
    assert not prove(replace(RAISES, given="1 / 0", since=since)).promised
    first, second = capsys.readouterr().out.splitlines()
    assert "not promised for" in first and "happens: works" in first
    assert "happens: raises ZeroDivisionError: what" in second
    assert not first.startswith("✓")


def test_on_a_version_newer_than_any_seen_a_row_may_differ(versions, capsys):
    versions(torch="2.99")
    assert prove(WORKS).promised
    assert not prove(replace(WORKS, old="4")).promised
    assert "not promised for torch 2.99" in capsys.readouterr().out
    versions(torch="2.14.7")
    with pytest.raises(AssertionError):
        prove(replace(WORKS, old="4"))


def test_outcomes_by_version(versions):
    row = replace(WORKS, happens={"torch 2.6": works(), "torch 2.9": RAISES.happens})
    raising = replace(row, old=RAISES.old, proof="new == 3")
    for version, fitting, other in (("2.6", row, raising), ("2.14", raising, row)):
        versions(torch=version)
        assert prove(fitting).promised
        with pytest.raises(AssertionError):
            prove(other)
    versions(torch="2.8")  # nobody knows since when it is otherwise
    assert prove(row).promised and not prove(raising).promised
    versions(torch="2.5")
    assert not prove(row).promised


def test_version_numbers_are_compared_as_numbers(monkeypatch):
    monkeypatch.setattr(migration, "version_of", REAL_VERSION_OF)
    assert migration._version("2.14.1+cu130") > migration._version("2.6.0")
    assert migration._version("2.15.0a0+git12") > migration._version("2.14")
    assert migration.version_of("no-such-package") == ()
    assert migration.version_of("torch")[0] >= 2
    assert migration.version_of("python") == sys.version_info[:3]


def test_rows_stand_in_the_order_of_the_notes():
    places = ["cheat sheet", "3.1.10", "1.6", "3.1.2", "preface", "1.6.9", "1.6.10"]
    rows = [replace(WORKS, where=where) for where in places]
    rows.append(replace(WORKS, where="1.6.9", about="a second one"))
    found = [row.where for row in migration.in_order(rows)]
    expected = ["preface", "1.6", "1.6.9", "1.6.9", "1.6.10", "3.1.2", "3.1.10"]
    assert found == [*expected, "cheat sheet"]
    assert [row.about for row in migration.in_order(rows)][3] == "a second one."
    assert [row.chapter for row in migration.in_order(rows)] == [0, 1, 1, 1, 1, 3, 3, 5]


def results():
    nasty = "'<b> & | ` *x* [y](z)'"
    rows = [
        replace(WORKS, about="`a|b` < c & **d** | e", old=nasty, new=nasty),
        replace(WORKS, old=f"if 1 < 2:\n    x_ = {nasty}\nx_", new=f"x = {nasty}\nx"),
        replace(RAISES, happens=raises(ValueError, "invalid literal for int() with")),
        replace(
            WRONG, happens=wrong("'<' != '|' != old"), since="torch 2.6, numpy 1.20"
        ),
        replace(WORKS, happens={"torch 2.6": works(), "torch 99": RAISES.happens}),
        replace(WORKS, since="torch 99", old="'<script>'"),
        replace(WRONG, new="", proof=""),
        replace(WORKS, given="y = '|'", old="y = 2 + 1; y"),
        replace(WORKS, given="a = 1\nb = '<|>'", old="a + 2"),
    ]
    return [prove(row) for row in rows]


def cells_of(line):
    return re.split(r"(?<!\\)\|", line)[1:-1]


def test_markdown_has_a_line_of_six_cells_for_each_row():
    text = migration.as_markdown(results(), "# A < title")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert [len(cells_of(line)) for line in lines] == [6] * 11
    first, multi, *_ = lines[2:]
    assert r"`a\|b` &lt; c &amp; **d** \| e." in first
    assert multi.count("<pre>") == 2 and "1 &lt; 2:&#10;    x&#95; =" in multi
    assert "torch 2.6: works; torch 99: raises ValueError" in lines[6]
    assert "not promised for torch" in lines[7]
    assert all("before it" not in line for line in lines[:9])
    assert cells_of(lines[9])[2] == r" before it: `y = '\|'`<br>`y = 2 + 1; y` "
    pre = "<pre>a = 1&#10;b = '&lt;&#124;&gt;'</pre>"
    assert cells_of(lines[10])[2] == f" before it: {pre}<br>`a + 2` "


class Page(html.parser.HTMLParser):
    """Every tag that opens is closed; collects the text of cells."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.codes = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag in ("meta", "input", "wbr"):
            return
        self.open.append(tag)
        attributes = dict(attributes)
        assert not {"src", "href"} & attributes.keys()
        if tag == "tr" and "class" in attributes:
            self.rows.append((attributes["class"], []))
        if tag == "td":
            self.rows[-1][1].append(attributes["data-of"])
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "code" in self.open:
            self.codes[-1] += data


def test_the_page_shows_each_row_and_the_very_code_that_ran():
    done = results()
    text = migration.as_html(done, "A < title", "some `code`")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert [kind for kind, _ in page.rows] == [r.happens.kind for r in done]
    assert all(cells == list(migration.COLUMNS) for _, cells in page.rows)
    for result in done:
        assert result.row.old in page.codes
        assert not result.row.new or result.row.new in page.codes
        assert not result.row.proof or result.row.proof in page.codes
        assert not result.row.given or result.row.given in page.codes
    assert "<script" not in text and "@import" not in text and "url(" not in text
    assert "A &lt; title" in text and "prefers-color-scheme" in text


def rows_of_the_lesson():
    folder = str(CODE / "5_cheatsheet")
    sys.path.insert(0, folder)
    try:
        from rows import ROWS
    finally:
        sys.path.remove(folder)
    return ROWS


def test_the_table_covers_the_notes():
    rows = rows_of_the_lesson()
    assert len(rows) >= 150
    keys = [(row.where, row.about) for row in rows]
    assert len(set(keys)) == len(keys)
    assert {row.chapter for row in rows} == set(range(6))
    old = "\n".join(row.old for row in rows)
    typos = ["TripleMarginLoss", "sequeeze", "unsequence", "lr_schedular", "troch"]
    typos += ["COncatDataset", "torchvison", "Sequtntial", "name_modules", "nn,Conv2d"]
    typos += ["torchvision.transform.", "__ init __", "forward（self，x）"]
    typos += ["param_groups[]"]
    assert [typo for typo in typos if typo not in old] == []


def test_the_table_is_in_order_and_names_what_it_was_run_on():
    rows = rows_of_the_lesson()
    assert rows == migration.in_order(rows)
    for row in rows:
        for package, least in migration._requirements(row.since):
            assert least[:2] <= migration.SEEN[package][-1], row.name
        for package in {p for since in row.outcomes for p in migration.packages(since)}:
            assert package in migration.SEEN, row.name


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("new[0] == 1", True),
        ("(new[:1] == 1)", True),
        ("new[0] == 2", False),
        ("new == new", False),  # two values, not one
        ("new[0]", False),  # 1.0 is not True
    ],
)
def test_a_proof_is_one_value_and_true(expression, holds, tmp_path):
    old, new = (migration._Trial({}, tmp_path, f"<{name}>") for name in ("old", "new"))
    for kind in (torch.tensor, np.array):
        new.value = kind([1.0, 2.0])
        found = migration._evaluated(expression, new, old, new)
        assert (found == expression) is holds, found


@pytest.mark.parametrize(
    ("error", "kept"), [("KeyboardInterrupt", False), ("SystemExit", True)]
)
def test_ctrl_c_is_no_outcome_of_a_row(error, kept, tmp_path):
    trial = migration._Trial({}, tmp_path, "<row>")
    if kept:  # a snippet that ends its program
        migration._attempt(trial, f"raise {error}", "<row>")
        assert type(trial.error).__name__ == error
        return
    with pytest.raises(KeyboardInterrupt):
        migration._attempt(trial, f"raise {error}", "<row>")
    assert trial.error is None
