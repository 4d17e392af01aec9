"""Break the code in small ways, one at a time, and see whether a check or test notices.

    python tests/slow/mutants.py lessons [3_1 4_5 ...] [--per-lesson 10]
    python tests/slow/mutants.py utils [train proof ...] [--per-module 40] [--refusals]
        [--unlike SEED:N ...]

``lessons``: of each lesson the formulas are broken: what stands on the by-hand side of
its checks, and the functions and classes that its checks use; drawing is left out, and
so are default values, and values that are given to PyTorch's side too, for then both
sides change alike. The break is caught if the lesson fails, or breaks a promise
(``# →``), or takes twenty times as long.

``utils``: a module is broken in a copy of the checkout, and the tests in ``TESTS`` run.
Beside what is broken in formulas, statements are deleted, results replaced by None and
conditions negated. Drawing is counted apart: no test looks at where a label stands.
With ``--refusals`` each ``raise`` is taken out, and nothing else is broken. What an
earlier sample showed has got its tests: ``--unlike 1:20`` leaves out what ``--seed 1
--per-module 20`` would draw.

Prints a table and what survived, and exits with 1 below the shares asked for. Each
break gets a fork of a process that has imported torch: Linux and macOS only.
"""

import argparse
import ast
import contextlib
import gc
import importlib
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "Code")]

from promises import first_broken, promises

PRELOAD = [
    "numpy",
    "PIL.Image",
    "torch",
    "torch._dynamo",
    "torchvision",
    "torchvision.transforms.v2",
    "sklearn.datasets",
    "sklearn.metrics",
    "matplotlib.pyplot",
    "tensorboardX",
    "tensorboard.backend.event_processing.event_accumulator",
]
LESSON = re.compile(r"\d(_\d+)+_\w+\.py")
PRODUCERS = re.compile(r"1_[1-5]_")  # they get a copy of the data, without what
MADE_BY = {  # they make themselves: what is there would not be made again
    "1_1_cifar10_to_png.py": "png",
    "1_2_split_dataset.py": "split",
    "1_3_1_generate_txt.py": "index.json",
    "1_5_1_compute_mean.py": "mean_std.json",
}

# The tests of each module, the quick ones first: lessons, files, and tests of a file by
# the words in their names.
ONE_OR_FEW = "alone or part_in or first_one or gpu or cannot or restart_is or norm"
REFUSED = "tests/test_untrusted.py -k read_or_refused or ran or memory"
TESTS = {
    "__init__": ["tests/test_small_parts.py", "tests/test_faults.py -k picture"],
    "archive": [
        f"{REFUSED} or batch or no_bytes or missing",
        "tests/test_faults.py -k download or fetched or address or archive or unasked",
        "tests/test_data_chain.py -k archive or chain_leaves or own_images",
    ],
    "batches": ["tests/test_batch_loader.py", "tests/test_batches.py"],
    "checkpoint": [
        "tests/test_checkpoint.py",
        f"{REFUSED} or weights or checkpoint",
    ],
    "child": [
        "tests/test_run.py",
        "tests/test_faults.py -k outlives",
    ],
    "console": [
        "tests/test_small_parts.py",
        "tests/test_faults.py -k signal or silently or disk or files",
        "tests/test_data_chain.py -k ratios or no_such",
    ],
    "contents": ["tests/test_run.py -k not heavy"],
    "dataset": [
        "tests/test_index.py",
        "tests/test_data_chain.py -k no_such or names_no_image or one_name or pooled",
    ],
    "download": [
        "tests/test_faults.py -k download or not_the_file or fetched or address"
        " or server_says",
    ],
    "events": ["tests/test_small_parts.py"],
    "images": ["1_6_00", "tests/test_pictures.py", "tests/test_index.py"],
    "index": [
        "tests/test_index.py",
        "tests/test_untrusted.py -k upright or sixteen or odd or no_file or fault"
        " or line or out or classes",
        REFUSED,
    ],
    "migration": ["tests/test_migration.py"],
    "model": ["tests/test_small_parts.py"],
    "pace": ["tests/test_pace.py"],
    "paths": [
        "tests/test_small_parts.py",
        "tests/test_faults.py -k killed_left or full_disk or replaced",
        "tests/test_data_chain.py -k record or disk or read_only or no_such",
    ],
    "pickles": ["tests/test_pickles.py", f"{REFUSED} or batch"],
    "prepare": [
        "tests/test_faults.py -k waits or clocks or replaced",
        "tests/test_data_chain.py",
    ],
    "processes": [
        f"tests/test_processes.py -k {ONE_OR_FEW}",
        f"tests/test_processes.py -k not ({ONE_OR_FEW})",
    ],
    "proof": ["tests/test_proof.py"],
    "racing": ["tests/test_racing.py", "tests/test_speedrun.py -k leaves or one_line"],
    "report": ["tests/test_pictures.py"],
    "runner": ["tests/test_run.py"],
    "schedule": ["tests/test_schedule.py", "tests/test_small_parts.py", "3_4_5"],
    "signal": ["tests/test_signal.py"],
    "surface": ["tests/test_surface.py", "3_3_01"],
    "train": [
        "tests/test_small_parts.py -k devices",
        "tests/test_train.py",
        "tests/test_batches.py",
        "tests/test_main_training.py -k none or sense or mirrored or options",
    ],
}
OWN_SERVER = {"runner", "child"}  # their tests start the server that others share


stopped = []  # Ctrl-C came: report what is done


# What is broken, and how


@dataclass(frozen=True)
class Mutant:
    """One break: the line, the code before and after, and the whole text after."""

    path: Path
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        place = self.path.relative_to(ROOT).as_posix()
        return f"{place}:{self.line}: {self.before}  →  {self.after}"


_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_PAIRS = (
    "max min|maximum minimum|amax amin|argmax argmin|cummax cummin|floor ceil|"
    "sin cos|sum mean|any all|zeros ones|zeros_like ones_like|std var|sinh cosh|"
    "triu tril|unsqueeze squeeze|append extend|cumsum cumprod|log log1p|exp expm1|"
    "startswith endswith|clamp_min clamp_max|logical_and logical_or"
)
_NAMES = {}
for pair in _PAIRS.split("|"):
    one, other = pair.split()
    _NAMES |= {one: other, other: one}


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of one expression (or ``x += 1``)."""
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op):
            if type(op) in _OPERATORS:
                yield changed(node, op=_OPERATORS[type(op)]())
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                new = _OPERATORS[type(op)]()
                yield changed(node, ops=[*ops[:i], new, *ops[i + 1 :]])
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=float(value)):
            yield ast.Constant(1.5 * value if value else 1.0)
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            yield changed(node, id=_NAMES[name])
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in _NAMES:
            yield changed(node, attr=_NAMES[name])
        case ast.Call(keywords=keywords):
            for i, word in enumerate(keywords):
                if word.arg in ("min", "max"):
                    new = changed(word, arg=_NAMES[word.arg])
                    yield changed(
                        node, keywords=[*keywords[:i], new, *keywords[i + 1 :]]
                    )


def changed(node: ast.AST, **fields: object) -> ast.AST:
    """Return a copy of a node with other fields."""
    old = {name: getattr(node, name) for name in node._fields if hasattr(node, name)}
    return type(node)(**{**old, **fields})


def expressions(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield (node, replacement) in ``node`` and below: what is computed, no texts."""
    for new in replacements(node):
        yield node, new
    if isinstance(node, ast.Slice):
        for bound in filter(None, (node.lower, node.upper)):
            if not isinstance(bound, ast.Constant | ast.UnaryOp):
                yield bound, ast.BinOp(bound, ast.Add(), ast.Constant(1))
    if isinstance(node, ast.JoinedStr) or is_message(node):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    left_out = {"annotation", "returns", "decorator_list", "type_comment"}
    for name, value in ast.iter_fields(node):
        if name in left_out:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from expressions(child)


def is_message(node: ast.AST) -> bool:
    """Is it a call that only says something, or the claim and tolerance of a check?"""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "print",
        "check",
        "check_less",
        "warnings.filterwarnings",
    )


def statements(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield statements deleted, results replaced and conditions negated."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.Expr() | ast.Raise() | ast.Assert() | ast.Delete():
                yield node, ast.Pass()
            case ast.AugAssign() | ast.Break() | ast.Continue() | ast.Global():
                yield node, ast.Pass()
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield node, ast.Pass()
            case ast.Return(value=ast.expr() as value):
                if not (isinstance(value, ast.Constant) and value.value is None):
                    yield node, ast.Return(ast.Constant(None))
        tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp) else []
        tests += node.ifs if isinstance(node, ast.comprehension) else []
        for test in tests:
            once = isinstance(test, ast.UnaryOp) or (
                isinstance(test, ast.Compare)
                and isinstance(
                    test.ops[0], ast.Eq | ast.NotEq | ast.Is | ast.IsNot | ast.In
                )
            )
            if not once:  # else the operator, exchanged, says the same
                yield test, ast.UnaryOp(ast.Not(), test)


def mutants(
    path: Path, source: str, places: Sequence[tuple[ast.AST, ast.AST]]
) -> list[Mutant]:
    """Return the breaks, each one once, in the order of the file."""
    raw = source.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = {}
    for node, new in places:
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        text = ast.unparse(ast.fix_missing_locations(new))
        if isinstance(new, ast.expr):
            text = f"({text})"
        whole = (raw[:begin] + text.encode() + raw[end:]).decode()
        try:
            compile(whole, str(path), "exec")
        except SyntaxError:
            continue
        before = " ".join(raw[begin:end].decode().split())
        found.setdefault(whole, Mutant(path, node.lineno, before, text, whole))
    return sorted(found.values(), key=lambda mutant: mutant.line)


# Which code of a lesson is a formula by hand


@dataclass
class Fact:
    """What a statement says of a name: ``name = value``, also in a loop's head."""

    names: set[str]
    value: ast.AST
    node: ast.AST
    keeps_old: bool = False


@dataclass
class Lesson:
    """A lesson's definitions, and its other statements in their order.

    :ivar given: calls that are statements: what they get is no formula by hand
    """

    definitions: dict[str, ast.AST] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    checks: list[tuple[int, ast.Call]] = field(default_factory=list)
    given: list[tuple[int, ast.Call]] = field(default_factory=list)


def formulas(source: str) -> list[ast.AST]:
    """Return the nodes of a lesson that are formulas by hand."""
    tree, last = ast.parse(source), picture_line(source)
    lesson = Lesson()
    for node in tree.body:
        if node.lineno < last:
            note(node, lesson)
    mine, theirs = set(), set()
    operands = []
    for index, call in lesson.checks:
        by_hand = argument(call, 1, "by_hand")
        operands += [by_hand] if computes(by_hand) else []
        reach(by_hand, index, lesson, mine)
        reach(argument(call, 2, "by_torch"), index, lesson, theirs)
    used = (mine | theirs) & lesson.definitions.keys()
    found = [lesson.definitions[name] for name in sorted(used)]
    found = [without_defaults(node) for node in found if not draws(node)]
    for index, call in lesson.given:  # writer.add_scalar(…), loss.backward()
        reach(call, index, lesson, theirs)
    found += [lesson.facts[i].value for i in sorted(mine - theirs - used)]
    return found + operands


def picture_line(source: str) -> int:
    """Return the line where the cell with the picture begins."""
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        if line == "# %%" and re.match(r"# (The|A|An|Two)\b.*picture", lines[number]):
            return number
    return len(lines) + 1


def note(node: ast.stmt, lesson: Lesson) -> None:
    """Take down what a statement defines, and its checks."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        lesson.definitions[node.name] = node
        return
    heads = [value for _, value in ast.iter_fields(node) if isinstance(value, ast.expr)]
    heads += [item.context_expr for item in getattr(node, "items", ())]
    for head in heads:
        for call in ast.walk(head):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "check":
                lesson.checks.append((len(lesson.facts), call))
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                pairs = [(target, value)]
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    pairs = list(zip(target.elts, value.elts, strict=False))
                for one, part in pairs:
                    inner = isinstance(one, ast.Attribute | ast.Subscript)
                    lesson.facts.append(Fact(bound(one), part, node, inner))
        case ast.AugAssign(target=target, value=value):
            lesson.facts.append(Fact(bound(target), value, node, True))
        case ast.For(target=target, iter=value):
            lesson.facts.append(Fact(bound(target), value, node))
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=one, attr=name)) as call):
            if name not in ("append", "extend", "update"):
                lesson.given.append((len(lesson.facts), node.value))
            else:
                parts = ast.Tuple([*call.args, *(word.value for word in call.keywords)])
                lesson.facts.append(Fact(bound(one), parts, node, True))
    for name in ("body", "orelse", "finalbody", "handlers"):
        for child in getattr(node, name, ()):
            if isinstance(child, ast.stmt):
                note(child, lesson)


def bound(target: ast.AST) -> set[str]:
    """Return the names that an assignment gives a value, or a new part: x of x[i]."""
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        target = target.value
    if isinstance(target, ast.Tuple | ast.List):
        return set().union(*map(bound, target.elts))
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def argument(call: ast.Call, place: int, name: str) -> ast.expr:
    for word in call.keywords:
        if word.arg == name:
            return word.value
    given = call.args[place] if place < len(call.args) else call.args[-1]
    return given.value if isinstance(given, ast.Starred) else given


def computes(value: ast.expr) -> bool:
    """Is there more in it than numbers and names?"""
    return any(
        isinstance(node, ast.BinOp | ast.Compare | ast.Call | ast.Subscript)
        for node in ast.walk(value)
    )


def reach(value: ast.AST, index: int, lesson: Lesson, seen: set) -> None:
    """Add what ``value`` is computed from: definitions by name, facts by number."""
    for name in {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}:
        if name in lesson.definitions and name not in seen:
            seen.add(name)
            reach(lesson.definitions[name], 0, lesson, seen)
        for i in range(min(index, len(lesson.facts)) - 1, -1, -1):
            fact = lesson.facts[i]
            if name in fact.names:
                if i not in seen:
                    seen.add(i)
                    reach(fact.value, i, lesson, seen)
                if not fact.keeps_old:
                    break


_DRAWING = re.compile(
    r"\b(plt|pyplot|savefig|subplots|imshow|ImageDraw|show_row|show_grid|set_title|ax)\b"
)


def without_defaults(node: ast.AST) -> ast.AST:
    """Take away the parameters: their default values are settings, not formulas."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef):
            inner.args = ast.arguments([], [], None, [], [], None, [])
    return node


def draws(node: ast.AST) -> bool:
    """Does a function or class draw?"""
    return bool(_DRAWING.search(ast.unparse(node)))


# Trying them out, each in a fork of this process


@dataclass
class Attempt:
    """A child that runs: what for, where, and until when."""

    what: object
    folder: Path
    deadline: float


@dataclass(frozen=True)
class Outcome:
    """How a child ended: its wait status, its output, and the seconds of a core."""

    status: int
    stdout: str
    stderr: str
    seconds: float
    late: bool


def start(folder: Path, function: Callable[[], int], cpu: float) -> int:
    """Fork; the child calls the function, its output in the folder; return its pid."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 99
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, name in ((1, "stdout"), (2, "stderr")):
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        limit = int(cpu) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        memory = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (24 << 30, memory))
        os.chdir(folder)
        for name in ("tmp", "result"):
            (folder / name).mkdir()
        os.environ["TMPDIR"] = str(folder / "tmp")
        tempfile.tempdir = None
        sys.modules["numpy"].random.seed()
        status = function()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else int(bool(ending.code))
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status & 0xFF)


def outcomes(
    work: Sequence[object],
    begin: Callable[[object, Path], tuple[int, float]],
    jobs: int,
    until: float = float("inf"),
) -> Iterator[tuple[object, Outcome]]:
    """Run a child for each piece of work, ``jobs`` at a time; yield them as they end.

    :param begin: starts one in a fresh folder; returns pid and seconds of the clock
    :param until: start no more after this time
    """
    waiting, running = list(work)[::-1], {}
    with tempfile.TemporaryDirectory(
        prefix="mutants-", ignore_cleanup_errors=True
    ) as place:
        count = 0
        while waiting or running:
            if time.monotonic() > until or stopped:
                waiting.clear()
            while waiting and len(running) < jobs:
                folder = Path(place, str(count)).resolve()
                folder.mkdir()
                count += 1
                what = waiting.pop()
                pid, seconds = begin(what, folder)
                running[pid] = Attempt(what, folder, time.monotonic() + seconds)
            for pid, attempt in list(running.items()):
                ended, status, used = os.wait4(pid, os.WNOHANG)
                late = not ended and time.monotonic() > attempt.deadline
                if late:
                    kill_group(pid)
                    ended, status, used = os.wait4(pid, 0)
                if ended:
                    del running[pid]
                    kill_group(pid)
                    kill_those_in(attempt.folder)
                    texts = [
                        Path(attempt.folder, name).read_text("utf-8", "replace")
                        for name in ("stdout", "stderr")
                    ]
                    yield (
                        attempt.what,
                        Outcome(status, *texts, used.ru_utime + used.ru_stime, late),
                    )
                    shutil.rmtree(attempt.folder, ignore_errors=True)
            time.sleep(0.005)


def kill_group(pid: int) -> None:
    """Kill what a child has started and left running."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def kill_those_in(folder: Path) -> None:
    """Kill processes of ours whose working directory lies in the child's folder."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "cwd").readlink().is_relative_to(folder):
                os.kill(int(place.name), signal.SIGKILL)


# Lessons


def run_lesson(path: Path, source: str, folder: Path, base: Path, quick: bool) -> int:
    """In the child: run the text of a lesson as if it stood in its file."""
    data = base / "data"
    if PRODUCERS.match(path.name):
        leave_out = shutil.ignore_patterns(MADE_BY.get(path.name, ""))
        copy = partial(shutil.copytree, copy_function=link, ignore=leave_out)
        data = Path(copy(data, folder / "data"))
    (folder / "result" / "main_training").symlink_to(base / "result" / "main_training")
    os.environ["TUTORIAL_DATA"] = str(data)
    os.environ["TUTORIAL_RESULT"] = str(folder / "result")
    sys.argv = [str(path)]
    sys.path[:] = [str(path.parent), *sys.path]
    if quick:
        sys.modules["matplotlib.figure"].Figure.savefig = lambda *_, **__: None
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    sys.modules["__main__"] = main
    exec(compile(source, str(path), "exec"), main.__dict__)
    return 0


def link(source: str, target: str) -> None:
    """Give an image a second name; copy other files, which may be written into."""
    (os.link if source.endswith(".png") else shutil.copy)(source, target)


def verdict(outcome: Outcome, expected: Sequence) -> str:
    """Return how a break was caught: check, error, promise or time; or nothing."""
    if outcome.late or os.WIFSIGNALED(outcome.status):
        return "time"
    if os.waitstatus_to_exitcode(outcome.status):
        return "check" if "AssertionError" in outcome.stderr else "error"
    return "promise" if first_broken(expected, outcome.stdout) else ""


@dataclass
class Normal:
    """A lesson as it is: its text, its promises, how long it takes and in which way."""

    path: Path
    source: str
    promises: list
    seconds: float = 0.0
    quick: bool = True


def normal_runs(
    paths: Sequence[Path], base: Path, jobs: int
) -> tuple[list[Normal], list[str]]:
    """Run the lessons unbroken: without saving figures, or with, where that matters."""
    lessons = []
    for path in paths:
        source = path.read_text(encoding="utf-8")
        lessons.append(Normal(path, source, promises(source)))
    failing = []
    for quick in (True, False):
        todo = lessons if quick else failing

        def begin(lesson: Normal, folder: Path, quick=quick) -> tuple[int, float]:
            run = partial(
                run_lesson, lesson.path, lesson.source, folder, base, quick=quick
            )
            return start(folder, run, 60), 600

        failing = []
        for lesson, outcome in outcomes(todo, begin, jobs):
            lesson.quick, lesson.seconds = quick, outcome.seconds
            if verdict(outcome, lesson.promises):
                failing.append(lesson)
                why = first_broken(lesson.promises, outcome.stdout) or ""
                last = f"{lesson.path.name}: {outcome.stderr[-300:]}{why}"
        if not failing:
            return lessons, []
        print(f"({len(failing)} lessons look at their pictures, as {last})")
    bad = [lesson.path.name for lesson in failing]
    return [lesson for lesson in lessons if lesson not in failing], bad


def break_lessons(options: argparse.Namespace, base: Path) -> list[tuple]:
    """Return (chapter, mutant, how it was caught) of all lessons."""
    paths = [p for p in sorted((ROOT / "Code").rglob("*.py")) if chosen(p, options)]
    lessons, bad = normal_runs(paths, base, options.jobs)
    if bad:
        sys.exit(f"these fail unbroken: {bad}")
    work, possible, empty = [], Counter(), []
    for lesson in lessons:
        places = [
            pair for node in formulas(lesson.source) for pair in expressions(node)
        ]
        found = mutants(lesson.path, lesson.source, places)
        possible[chapter(lesson.path)] += len(found)
        if not found:
            empty.append(lesson.path.name)
        chance = random.Random(f"{options.seed} {lesson.path.name}")
        if options.per_lesson and len(found) > options.per_lesson:
            found = chance.sample(found, options.per_lesson)
        work += [(lesson, mutant) for mutant in found]
    random.Random(options.seed).shuffle(work)  # what is done in time is a fair sample
    total = sum(possible.values())
    print(f"{len(lessons)} lessons, {total} breaks possible, {len(work)} are tried")
    if empty:
        print("without a formula by hand:", *empty)

    def begin(what: tuple, folder: Path) -> tuple[int, float]:
        lesson, mutant = what
        run = partial(
            run_lesson, lesson.path, mutant.source, folder, base, quick=lesson.quick
        )
        return start(folder, run, 20 * lesson.seconds), 60 * lesson.seconds + 60

    rows = []
    until = time.monotonic() + 60 * options.minutes
    for (lesson, mutant), outcome in outcomes(work, begin, options.jobs, until):
        how = verdict(outcome, lesson.promises)
        rows.append((chapter(lesson.path), mutant, how))
        if not how:
            print("survived", mutant, flush=True)
        if len(rows) % 100 == 0:
            print(f"({len(rows)} of {len(work)})", flush=True)
    return rows


def chosen(path: Path, options: argparse.Namespace) -> bool:
    if not LESSON.fullmatch(path.name):
        return False
    return not options.names or path.name.startswith(tuple(options.names))


def chapter(path: Path) -> str:
    """Return the name of a lesson's chapter: two numbers, of chapter 1 one more."""
    return path.name[:3]


# utils


def copy_checkout(place: Path) -> Path:
    """Copy what the tests need, so that a module can be broken on the disk."""
    hidden = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache"
    )
    return Path(shutil.copytree(ROOT, place / "checkout", ignore=hidden))


def run_tests(root: Path, tests: Sequence[str], folder: Path, shared: bool) -> int:
    """In the child: run tests of the copy until one fails; return pytest's status."""
    from multiprocessing import forkserver

    import hypothesis
    import pytest

    if shared:  # the server that this process's parent has started
        forkserver._forkserver.ensure_running = lambda: None
    else:  # that one is not this process's child: a server would seem impossible
        own = forkserver._forkserver = forkserver.ForkServer()
        for name in ("ensure_running", "connect_to_new_process"):
            setattr(forkserver, name, getattr(own, name))
        forkserver.set_forkserver_preload = own.set_forkserver_preload
        forkserver.get_inherited_fds = own.get_inherited_fds
    register = hypothesis.settings.register_profile
    quick = dict(
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    profile = staticmethod(lambda name, **_: register(name, **quick))
    type.__setattr__(hypothesis.settings, "register_profile", profile)  # no shrinking
    ours = {str(ROOT / name) for name in ("tests", "tests/slow", "Code")}
    sys.path[:] = [entry for entry in sys.path if entry not in ours]
    for name in list(sys.modules):
        if name.partition(".")[0] in ("promises", "utils", "book"):
            del sys.modules[name]
    os.chdir(root)
    os.environ.pop("PYTHONPATH")  # the tests of the copy put their own guard there
    sys.dont_write_bytecode = True
    chosen = []
    for name in tests:
        file, *words = name.split(" -k ")
        chosen += [str(root / file), *(f"-k={some}" for some in words)]
    return int(
        pytest.main(["-xq", "-n0", "-p", "no:cacheprovider", "--tb=line", *chosen])
    )


def break_utils(options: argparse.Namespace, base: Path) -> list[tuple]:
    """Return (module, mutant, how it was caught) of the modules, drawing apart."""
    modules = options.names or list(TESTS)
    with tempfile.TemporaryDirectory(prefix="mutants-copy-") as place:
        root = copy_checkout(Path(place).resolve())
        begun, rows = time.monotonic(), []
        for number, name in enumerate(modules, 1):
            until = begun + 60 * options.minutes * number / len(modules)
            rows += break_module(name, root, options, until)
        return rows


def break_module(
    name: str, root: Path, options: argparse.Namespace, until: float
) -> list[tuple]:
    """Break one module of the copy; the same rows."""
    path = ROOT / "Code" / "utils" / f"{name}.py"
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    drawn = [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and draws(node)
    ]
    places = [*expressions(tree), *statements(tree)]
    if options.refusals:
        places = [place for place in places if isinstance(place[0], ast.Raise)]
    found = mutants(path, source, places)
    possible = len(found)
    seen = [sample(found, name, *earlier) for earlier in options.unlike]
    seen = {mutant.source for mutants in seen for mutant in mutants}
    found = [mutant for mutant in found if mutant.source not in seen]
    found = sample(found, name, options.seed, options.per_module)
    print(f"{name}: {possible} breaks possible, {len(found)} are tried", flush=True)
    copy = root / path.relative_to(ROOT)
    suites = suites_of(name, root)
    rows, normal = [], {}
    try:
        for mutant in [None, *found]:
            if time.monotonic() > until or stopped:
                break
            copy.write_text(mutant.source if mutant else source, encoding="utf-8")
            how = ""
            for suite, run in suites:
                limit = 5 * normal[suite] + 30 if mutant else 900

                def begin(_, folder, run=run, limit=limit):
                    return start(folder, partial(run, folder), limit), limit

                begun = time.monotonic()
                done = list(outcomes([mutant], begin, 1))
                if not done:
                    return rows
                outcome = done[0][1]
                if mutant is None:
                    normal[suite] = time.monotonic() - begun
                    if verdict(outcome, []):
                        out = outcome.stdout[-1500:] + outcome.stderr[-1500:]
                        print(f"{name}: {suite} fails unbroken\n{out}", flush=True)
                        return []
                elif how := verdict(outcome, []):
                    break
            if mutant is None:
                print(f"  tests take {sum(normal.values()):.0f} s", flush=True)
                continue
            apart = any(mutant.line in lines for lines in drawn)
            rows.append((f"{name}, drawing" if apart else name, mutant, how and "test"))
            if not how:
                print("survived", mutant, flush=True)
    finally:
        copy.write_text(source, encoding="utf-8")
    return rows


def sample(found: list[Mutant], name: str, seed: int, most: int) -> list[Mutant]:
    """Return up to ``most`` of a module's breaks, in a random order; all if it is 0."""
    chance = random.Random(f"{seed} {name}")
    found = chance.sample(found, most) if 0 < most < len(found) else list(found)
    chance.shuffle(found)
    return found


def two_numbers(text: str) -> tuple[int, int]:
    """Read ``SEED:N``."""
    seed, most = text.split(":")
    return int(seed), int(most)


def suites_of(name: str, root: Path) -> list[tuple[str, Callable[[Path], int]]]:
    """Return the tests of a module: (name, function for the child)."""
    suites = []
    for test in TESTS[name]:
        if test.startswith("tests/"):
            shared = name not in OWN_SERVER
            run = partial(run_tests, root, [test])
            suites.append((test, lambda f, r=run, s=shared: r(f, s)))
        else:
            (path,) = (root / "Code").rglob(f"{test}_*.py")
            suites.append((test, partial(run_whole_lesson, path)))
    return suites


def run_whole_lesson(path: Path, folder: Path) -> int:
    """In the child: run a lesson of the copy; 1 if a promise is broken."""
    source = path.read_text(encoding="utf-8")
    run_lesson(path, source, folder, BASE, quick=False)
    sys.stdout.flush()
    output = Path(folder, "stdout").read_text(encoding="utf-8")
    return int(first_broken(promises(source), output) is not None)


# The report


def report(rows: list[tuple], aim: float) -> tuple[str, bool]:
    """Return table and survivors as text, and whether the aim is reached."""
    groups = sorted({group for group, _, _ in rows})
    lines = [f"{'':22}{'breaks':>8}{'caught':>8}{'share':>8}   by"]
    good = True
    for group in [*groups, "all"]:
        hows = [how for g, _, how in rows if group in (g, "all")]
        if group == "all":
            hows = [how for g, _, how in rows if "drawing" not in g]
        caught = [how for how in hows if how]
        share = len(caught) / max(1, len(hows))
        good &= share >= aim or "drawing" in group
        by = ", ".join(f"{n} {how}" for how, n in Counter(caught).most_common())
        head = f"{group:22}{len(hows):8}{len(caught):8}{share:8.1%}"
        lines.append(f"{head}   {by}")
    lines += ["", "Survivors", *(str(mutant) for _, mutant, how in rows if not how)]
    return "\n".join(lines) + "\n", good


def main() -> None:
    """Break, count, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("lessons", "utils"))
    parser.add_argument("names", nargs="*", help="how lessons begin; modules of utils")
    parser.add_argument("--per-lesson", type=int, default=0, metavar="N", help="sample")
    parser.add_argument(
        "--per-module", type=int, default=40, metavar="N", help="sample"
    )
    parser.add_argument(
        "--refusals", action="store_true", help="utils: take out each raise, no more"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    parser.add_argument(
        "--unlike",
        type=two_numbers,
        nargs="+",
        default=[],
        metavar="SEED:N",
        help="utils: leave out these samples, by seed and number per module",
    )
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after these")
    parser.add_argument("--jobs", type=int, default=1, help="lessons at once")
    parser.add_argument("--out", type=Path, help="write the report here too")
    parser.add_argument("--list", action="store_true", help="show the breaks, try none")
    options = parser.parse_args()
    if options.list:
        for path in sorted((ROOT / "Code").rglob("*.py")):
            if chosen(path, options):
                source = path.read_text(encoding="utf-8")
                places = [p for node in formulas(source) for p in expressions(node)]
                found = mutants(path, source, places)
                print(f"{len(found):4} {path.name}")
                if options.names:
                    print(*found, sep="\n")
        return
    if not hasattr(os, "fork"):
        sys.exit("mutants.py: needs a system that can fork: run it on Linux or macOS")
    signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
    with warm() as base:
        if options.what == "lessons":
            rows, aim = break_lessons(options, base), 0.95
        else:
            rows, aim = break_utils(options, base), 0.90
    text, good = report(rows, aim)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    sys.exit(not good)


@contextlib.contextmanager
def warm() -> Iterator[Path]:
    """Import what lessons and tests import; yield a folder with data and weights."""
    global BASE
    os.environ.pop("TUTORIAL_DATASET", None)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MPLBACKEND"] = "agg"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    guard = [str(ROOT / "tests" / "offline"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, guard))
    sys.dont_write_bytecode = True
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload(PRELOAD)
    forkserver.ensure_running()
    for name in [*PRELOAD, "hypothesis", "pytest"]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each child would touch, and so copy, every page
    sys.modules["torch"].set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="mutants-base-") as place:
        BASE = base = Path(place).resolve()
        (base / "result" / "main_training").mkdir(parents=True)
        (base / "data").mkdir()

        def prepare(folder: Path) -> int:
            os.environ["TUTORIAL_DATA"] = str(base / "data")
            os.environ["TUTORIAL_RESULT"] = str(base / "result")
            sys.path.insert(0, str(ROOT / "Code"))
            from utils import needs

            needs("weights")
            return 0

        def begin(_: object, folder: Path) -> tuple[int, float]:
            return start(folder, partial(prepare, folder), 300), 600

        ((_, outcome),) = outcomes([None], begin, 1)
        if outcome.status:
            sys.exit(outcome.stderr)
        yield base


if __name__ == "__main__":
    main()
