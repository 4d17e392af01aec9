"""A table of what changed, whose rows are run: the old form, the new one, a proof.

A :class:`Row` holds code as text. :func:`prove` runs it and fails, through
:func:`utils.proof.check`, if something else happens than the row says. The table is
written as Markdown by :func:`as_markdown` and as a page by :func:`as_html`.
"""

import ast
import contextlib
import html
import importlib.metadata
import io
import json
import linecache
import math
import os
import platform
import random
import re
import sys
import tempfile
import textwrap
import types
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import tensorboardX
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from tensorboardX import SummaryWriter
from torch import nn, optim
from torch.nn import init
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import InterpolationMode, v2

from utils import proof

SNIPPETS_KNOW = {  # what snippets find already imported
    **dict(F=F, Image=Image, Mode=InterpolationMode, Path=Path, init=init),
    **dict(lr_scheduler=lr_scheduler, nn=nn, np=np, optim=optim, torch=torch),
    **dict(torchvision=torchvision, transforms=transforms, v2=v2),
    **dict(SummaryWriter=SummaryWriter, tensorboardX=tensorboardX),
    **dict(DataLoader=DataLoader, Dataset=Dataset),
    **dict(io=io, json=json, math=math, os=os, random=random, sys=sys),
    "warnings": warnings,
}
SEEN = {  # the versions that all rows were run on
    "torch": ((2, 6), (2, 14)),
    "torchvision": ((0, 21), (0, 29)),
    "tensorboardx": ((2, 6),),
    "numpy": ((2, 2), (2, 4)),
    "python": ((3, 10), (3, 11)),
}
KINDS = ("works", "warns", "raises", "wrong")
COLUMNS = (
    *("where", "what changed", "the notes write", "what happens today"),
    *("write instead", "holds from"),
)
_HIDDEN = PendingDeprecationWarning, ImportWarning, ResourceWarning  # by Python


@dataclass(frozen=True)
class Outcome:
    """What becomes of a snippet.

    :ivar kind: one of :data:`KINDS`
    :ivar category: the class of the warning or the error
    :ivar words: some of its message; of what is silently wrong, an expression that
        shows it
    """

    kind: str
    category: type[BaseException] | None = None
    words: str = ""

    def __post_init__(self):
        if self.kind in ("warns", "raises"):
            if self.category in (BaseException, Exception, Warning):
                raise ValueError(f"{self.category.__name__} says too little: name one")
            if not self.words.strip():
                raise ValueError(f"{self.label}: give words of its message")

    @property
    def label(self) -> str:
        """``raises TypeError``."""
        if self.category:
            return f"{self.kind} {self.category.__name__}"
        return "silently wrong" if self.kind == "wrong" else self.kind

    def __str__(self):
        return f"{self.label}: {self.words}" if self.words else self.label


def works() -> Outcome:
    """Promise no error, and no warning that Python would show."""
    return Outcome("works")


def warns(category: type[Warning], words: str) -> Outcome:
    """Promise a warning of this class, with these words, and none of another class."""
    return Outcome("warns", category, words)


def raises(error: type[BaseException], words: str) -> Outcome:
    """Promise an error of this class, with these words."""
    return Outcome("raises", error, words)


def wrong(shown_by: str) -> Outcome:
    """Promise neither error nor warning; this expression is True all the same."""
    _must_be_able_to_fail(shown_by)
    return Outcome("wrong", None, shown_by)


@dataclass(frozen=True)
class Row:
    """One change, or one error of the notes, as code.

    :ivar where: the heading of the notes: ``1.6.8``, ``preface``, ``cheat sheet``
    :ivar about: what changed, and why; code in single backticks
    :ivar old: as the notes write it
    :ivar happens: an :class:`Outcome`, or ``{"torch 2.6": one, "torch 2.9": another}``,
        each from that version on
    :ivar new: what to write instead; it must work
    :ivar proof: an expression that must be True; ``old`` and ``new`` are the values of
        the snippets' last expressions (None if there is none), and names that they
        bind can be used too
    :ivar given: what both need; it runs before each
    :ivar since: the versions from which on the row holds, with commas between
    """

    where: str
    about: str
    old: str
    happens: Outcome | dict[str, Outcome]
    new: str = ""
    proof: str = ""
    given: str = ""
    since: str = "torch 2.6"

    def __post_init__(self):
        for name in ("given", "old", "new"):
            code = textwrap.dedent(getattr(self, name)).strip("\n")
            object.__setattr__(self, name, code)
        object.__setattr__(self, "about", self.about.rstrip(". ") + ".")
        if not (self.where and self.about.strip(".") and self.old):
            raise ValueError(f"{self.name}: where, about and old are needed")
        if self.new and not self.proof:
            raise ValueError(f"{self.name}: the new form needs a proof")
        if self.proof:
            _must_be_able_to_fail(self.proof)
        for needed in (self.since, *self.outcomes):
            _requirements(needed)

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.where}: {plain(self.about)}"

    @property
    def headline(self) -> str:
        """The first sentence of ``about``, as it reads on a console."""
        return re.split(r"\.(?= |$)", plain(self.about))[0]

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome from each version on."""
        alone = isinstance(self.happens, Outcome)
        return {self.since: self.happens} if alone else self.happens

    @property
    def chapter(self) -> int:
        """0 for the preface, 1 to 4, 5 for the cheat sheet."""
        number = re.match(r"\d+", self.where)
        return int(number[0]) if number else 0 if "preface" in self.where else 5

    def expected(self) -> Outcome | None:
        """Return what should happen on the installed versions; None: not promised."""
        if not _holds(self.since):
            return None
        fitting = [outcome for since, outcome in self.outcomes.items() if _holds(since)]
        return fitting[-1] if fitting else None

    def unsure(self) -> bool:
        """Is this a version that nobody ran the row on, where it may well differ?

        That is any version not in :data:`SEEN`, older, between two or newer, of a
        package that the row names. Of a package that SEEN lacks, all count as seen.
        """
        named = {p for s in (self.since, *self.outcomes) for p in packages(s)}
        return any(p in SEEN and version_of(p)[:2] not in SEEN[p] for p in named)


@dataclass(frozen=True)
class Result:
    """What became of a row here.

    :ivar happens: as the row says, or, if ``promised`` is False, as it was seen
    """

    row: Row
    happens: Outcome
    promised: bool = True


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Sort rows by the notes' headings, those of one heading as they were given."""

    def key(row: Row) -> tuple:
        return row.chapter, [int(number) for number in re.findall(r"\d+", row.where)]

    return sorted(rows, key=key)


def prove(row: Row) -> Result:
    """Run a row and print one line; it counts as a proof.

    On versions that the row makes no promise for, the line says what happens there.

    :raises AssertionError: something else happens; the message shows both sides
    """
    expected = row.expected()
    with _undisturbed(), tempfile.TemporaryDirectory(**_LENIENT) as folder:
        old = _run(row, "old", Path(folder, "old"))
        new = _run(row, "new", Path(folder, "new"))
        promise = [expected or works(), works(), row.proof or "no proof"]
        seen = [_seen(promise[0], old, new), _seen(works(), new, new)]
        seen += [_evaluated(row.proof, new, old, new) if row.proof else "no proof"]
        if old.fault:  # what is given is part of both forms
            seen = [old.fault] * 3
    kept = [str(part) for part in promise] == [str(part) for part in seen]
    if expected is None or (row.unsure() and not kept):
        print(_line(row, f"not promised for {_installed(row)}", f"happens: {seen[0]}"))
        return Result(row, seen[0], promised=False)
    claim = _line(row, expected.label, row.headline)
    titles = ("the old form", "the new form", "the proof")
    by_hand = {title: str(part) for title, part in zip(titles, promise, strict=True)}
    by_run = {title: str(part) for title, part in zip(titles, seen, strict=True)}
    proof.check(claim, by_hand, by_run)
    return Result(row, expected)


def _line(row: Row, label: str, text: str) -> str:
    return _cut(f"{row.where:<11} {label:<26} {text}", 100)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


# Versions


def packages(since: str) -> list[str]:
    """Return ["torch"] of ``torch 2.6``."""
    return [package for package, _ in _requirements(since)]


def version_of(package: str) -> tuple[int, ...]:
    """Return the installed version; an empty one, older than all, if it is missing."""
    if package == "python":
        text = platform.python_version()
    elif package in sys.modules and hasattr(sys.modules[package], "__version__"):
        text = sys.modules[package].__version__
    else:
        try:
            text = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return ()
    return _version(text)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"[\d.]*", text)[0].split(".") if part)


def _requirements(since: str) -> list[tuple[str, tuple[int, ...]]]:
    found = []
    for part in since.split(","):
        match = re.fullmatch(r"\s*([\w-]+) (\d+(?:\.\d+)*)\s*", part)
        if not match:
            raise ValueError(f"{since!r}: write it like 'torch 2.6, numpy 2.0'")
        found.append((match[1].lower(), _version(match[2])))
    return found


def _holds(since: str) -> bool:
    return all(version_of(package) >= least for package, least in _requirements(since))


def _installed(row: Row) -> str:
    def number(package: str) -> str:
        return ".".join(map(str, version_of(package)[:2])) or "(missing)"

    named = [p for since in (row.since, *row.outcomes) for p in packages(since)]
    return ", ".join(f"{p} {number(p)}" for p in dict.fromkeys(named))


# Running


@dataclass
class _Trial:
    """A snippet that has run."""

    names: dict
    folder: Path
    file: str
    value: object = None
    error: BaseException | None = None
    warned: list = field(default_factory=list)
    module: types.ModuleType | None = None
    fault: Outcome | None = None  # of what is given

    def outcome(self) -> Outcome:
        if self.error is not None:
            message = str(self.error) or "(no message)"
            return Outcome("raises", type(self.error), message)
        for one in self.warned:
            if self.shows(one):
                return Outcome("warns", one.category, str(one.message) or "(none)")
        return works()

    def shows(self, one: warnings.WarningMessage) -> bool:
        """Would Python show this warning to somebody who runs the snippet?"""
        if issubclass(one.category, DeprecationWarning):
            return one.filename.startswith(self.file.partition(",")[0])
        return not issubclass(one.category, _HIDDEN)


def _run(row: Row, which: str, folder: Path) -> _Trial:
    """Run the given code and then the old or the new one, as a program of its own."""
    folder.mkdir()
    trial = _Trial(dict(SNIPPETS_KNOW), folder, f"<{row.where}, {which}>")
    if not getattr(row, which):
        return trial
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (old code draws from it)
    random.seed(0)
    with _program(trial) as trial.warned:
        _attempt(trial, row.given, f"<{row.where}, given>")
        if (given := trial.outcome()).kind != "works":
            trial.fault = replace(given, words=f"what is given: {given.words}")
            return trial
        trial.warned.clear()
        _attempt(trial, getattr(row, which), trial.file)
    return trial


def _attempt(trial: _Trial, code: str, file: str) -> None:
    try:
        trial.value = _value(code, trial.names, file)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        trial.error = error.with_traceback(None)


@contextlib.contextmanager
def _program(trial: _Trial) -> Iterator[list]:
    """Be the program that the snippet is: its folder, its name, silence, warnings."""
    was_here, was_main = Path.cwd(), sys.modules["__main__"]
    quiet = io.StringIO()
    trial.module = sys.modules["__main__"] = types.ModuleType("__main__")
    trial.module.__dict__.update(trial.names, __file__=trial.file)
    trial.names = trial.module.__dict__
    os.chdir(trial.folder)
    try:
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                yield warned
    finally:
        os.chdir(was_here)
        sys.modules["__main__"] = was_main


def _value(code: str, names: dict, file: str) -> object:
    """Run code; return the value of its last expression."""
    linecache.cache[file] = len(code), None, code.splitlines(True), file
    tree = ast.parse(code, file)
    last = (
        tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    )
    exec(compile(tree, file, "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), file, "eval"), names)


def _seen(promised: Outcome, old: _Trial, new: _Trial) -> Outcome:
    """Return the promised outcome if it is what happened, else what did."""
    seen = old.outcome()
    if promised.kind == "wrong" and seen.kind == "works":
        expression = _evaluated(promised.words, old, old, new)
        if expression == promised.words:
            return promised
        return Outcome("works", None, expression)
    if promised.kind == "raises" == seen.kind:
        fits = seen.category is promised.category
        return promised if fits and promised.words in seen.words else seen
    if promised.kind == "warns" and old.error is None:
        fits = any(
            one.category is promised.category and promised.words in str(one.message)
            for one in old.warned
        )
        others = [
            Outcome("warns", one.category, str(one.message))
            for one in old.warned
            if old.shows(one) and one.category is not promised.category
        ]
        return others[0] if others else promised if fits else seen
    return seen


def _evaluated(expression: str, home: _Trial, old: _Trial, new: _Trial) -> str:
    """Return the expression if it is True, else what it is instead.

    It knows the names of both snippets, those of ``home`` first, and runs in its
    folder.
    """
    other = old if home is new else new
    names = {**other.names, **home.names, "old": old.value, "new": new.value}
    trial = _Trial(names, home.folder, home.file)
    with _program(trial):
        try:
            value = _value(f"({expression}\n)", trial.names, "<proof>")
        except Exception as error:
            return f"{expression} raises {error!r}"
    if isinstance(value, torch.Tensor | np.ndarray) and math.prod(value.shape) == 1:
        value = value.item()
    if isinstance(value, bool | np.bool_) and value:
        return expression
    return f"{expression} is {_cut(repr(value), 200)}"


def _must_be_able_to_fail(expression: str) -> None:
    nodes = ast.walk(ast.parse(f"({expression}\n)", mode="eval"))
    if not any(isinstance(node, ast.Name) for node in nodes):
        raise ValueError(f"{expression!r} can't fail: it names nothing")


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Put back what a row may change for those after it."""
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    seeds = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    always, gradients = torch.is_warn_always_enabled(), torch.is_grad_enabled()
    modules, path, variables = dict(sys.modules), list(sys.path), dict(os.environ)
    sources = set(linecache.cache)
    torch.set_warn_always(True)
    try:
        yield
    finally:
        torch.set_warn_always(always)
        torch.set_grad_enabled(gradients)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_default_dtype(dtype)
        torch.set_rng_state(seeds[0])
        np.random.set_state(seeds[1])  # noqa: NPY002
        random.setstate(seeds[2])
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(variables)
        sys.modules.update(modules)
        for name in [n for n, module in sys.modules.items() if module is None]:
            if name not in modules:
                del sys.modules[name]
        for name in set(linecache.cache) - sources:
            del linecache.cache[name]


_LENIENT = {"prefix": "tutorial-row-", "ignore_cleanup_errors": True}


# Writing


def plain(markdown: str) -> str:
    """Return ``about`` as it reads on a console."""
    return re.sub(r"(`+)(.+?)\1", r"\2", markdown)


def as_markdown(results: Iterable[Result], title: str) -> str:
    """Return the results as a table in Markdown, with a line above it."""
    lines = [title, "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for result in results:
        row = result.row
        before = f"before it: {_code(row.given)}<br>" if row.given else ""
        cells = [_marked(row.where), _marked(row.about), before + _code(row.old)]
        cells += [_marked(_happens(result)), _code(row.new), row.since]
        lines += [f"| {' | '.join(cells)} |"]
    return "\n".join(lines) + "\n"


def _happens(result: Result) -> str:
    """Say what happens here, in Markdown: the words of a message as code."""
    outcome = result.happens
    words = " ".join(outcome.words.split()).replace("`", "'")
    text = outcome.label + (f": `{_cut(words, 160)}`" if words else "")
    if not result.promised:
        return f"{text} (not promised for {_installed(result.row)})"
    if len(result.row.outcomes) > 1:
        outcomes = result.row.outcomes.items()
        each = [f"{since}: {other.label}" for since, other in outcomes]
        text += f" ({'; '.join(each)})"
    return text


def _marked(text: str) -> str:
    """Escape what would end a cell, or be taken for a tag, outside of code."""
    parts = re.split(r"(`[^`]*`)", text.replace("|", r"\|"))
    return "".join(
        part if part.startswith("`") else html.escape(part, quote=False)
        for part in parts
    ).replace("\n", " ")


def _code(code: str) -> str:
    """Return code for a cell: a line between backticks, more lines as a block."""
    if not code:
        return ""
    if "\n" not in code and "`" not in code:
        return f"`{code}`".replace("|", r"\|")
    escaped = html.escape(code, quote=False)
    for sign in "|*_`[]\\~$":
        escaped = escaped.replace(sign, f"&#{ord(sign)};")
    return f"<pre>{escaped}</pre>".replace("\n", "&#10;")


def as_html(results: Iterable[Result], title: str, text: str) -> str:
    """Return the results as a page that needs no other file.

    Wide screens show a table, narrow ones a card for each row; buttons choose the
    outcomes.
    """
    results = list(results)
    counts = {kind: sum(r.happens.kind == kind for r in results) for kind in KINDS}
    names = dict(
        zip(KINDS, ("works", "warns", "raises", "silently wrong"), strict=True)
    )
    buttons = [_BUTTON.format("all", "checked", "all", len(results))]
    buttons += [_BUTTON.format(k, "", names[k], counts[k]) for k in KINDS if counts[k]]
    head = "".join(f"<th scope='col'>{column}</th>" for column in COLUMNS)
    body = "\n".join(map(_html_row, results))
    hide = ",".join(f"#{k}:checked~table tbody tr:not(.{k})" for k in KINDS)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_STYLE}{hide}{{display:none}}</style></head>
<body><h1>{html.escape(title)}</h1>
<p>{_inline(text)}</p>
{"".join(buttons)}
<table><thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table></body></html>
"""


def _html_row(result: Result) -> str:
    row, kind = result.row, result.happens.kind
    before = f"<details><summary>before it</summary>{_block(row.given)}</details>"
    shown = f"<details><summary>the proof</summary>{_block(row.proof)}</details>"
    cells = [
        html.escape(row.where),
        _inline(row.about),
        (before if row.given else "") + _block(row.old),
        f"<b class='{kind}'></b>{_inline(_happens(result))}",
        _block(row.new) + (shown if row.proof else ""),
        html.escape(row.since),
    ]
    inner = "".join(
        f"<td data-of='{column}'><div>{cell}</div></td>"
        for column, cell in zip(COLUMNS, cells, strict=True)
        if cell or column == "write instead"
    )
    return f"<tr class='{kind}'>{inner}</tr>"


def _block(code: str) -> str:
    """Return code as a block that breaks, where it must, after a bracket or a comma."""
    text = re.sub(r"([(\[,])", r"\1<wbr>", html.escape(code))
    return f"<pre><code>{text}</code></pre>" if code else ""


def _inline(markdown: str) -> str:
    """Turn a line of Markdown into HTML: code, bold, nothing else."""
    text = html.escape(markdown)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)


_BUTTON = """
<input type="radio" name="kind" id="{0}" {1}><label for="{0}">{2} <i>{3}</i></label>"""
_STYLE = """
:root{color-scheme:light dark;--back:#fff;--text:#1f2328;--dim:#59636e;--line:#d1d9e0;
--code:#f3f5f8;--works:#1a7f37;--warns:#9a6700;--raises:#cf222e;--wrong:#8250df}
@media(prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--dim:#9198a1;
--line:#3d444d;--code:#1b222c;--works:#3fb950;--warns:#d29922;--raises:#f85149;
--wrong:#ab7df8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1500px;padding:1rem;background:var(--back);
color:var(--text);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.5rem 0}p{max-width:70ch}
input{position:absolute;opacity:0}
label{display:inline-block;margin:.25rem .25rem .75rem 0;padding:.15rem .7rem;
border:1px solid var(--line);border-radius:1rem;cursor:pointer}
label i{color:var(--dim);font-style:normal}
input:checked+label{background:var(--text);color:var(--back)}
input:checked+label i{color:inherit}
input:focus-visible+label{outline:2px solid var(--wrong)}
table{border-collapse:collapse;width:100%;table-layout:fixed}
th{position:sticky;top:0;background:var(--back);text-align:left}
th,td{padding:.5rem;border-bottom:1px solid var(--line);vertical-align:top}
td div{overflow-wrap:anywhere}
th:nth-child(1){width:7%}th:nth-child(2){width:21%}th:nth-child(4){width:17%}
th:nth-child(6){width:8%}
code{background:var(--code);border-radius:4px;padding:.1em .25em;
font:13px/1.45 ui-monospace,monospace}
pre{margin:0 0 .4rem;background:var(--code);border-radius:6px;padding:.4rem .5rem;
white-space:pre-wrap;overflow-wrap:break-word}
pre code{padding:0;background:none}
summary{color:var(--dim);cursor:pointer;font-size:13px}
b{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.4em}
b.works{background:var(--works)}b.warns{background:var(--warns)}
b.raises{background:var(--raises)}b.wrong{background:var(--wrong)}
@media(max-width:900px){h1{font-size:1.2rem}thead{display:none}
table,tbody,tr,td{display:block}tr{border:1px solid var(--line);border-radius:8px;
margin-bottom:1rem;padding:.25rem .5rem}td{border:0;padding:.3rem}
td::before{content:attr(data-of);color:var(--dim);font-size:12px}}
"""
