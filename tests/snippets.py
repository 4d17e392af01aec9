"""What people copy: each function and class of a lesson, taken out and called alone.

``book.definitions`` takes them out.

:func:`borrowed` reads a lesson and names what a definition takes from elsewhere.
:func:`problems_alone` runs a lesson and notes the first call of each function, of each
class and of each of its methods; then it calls what was taken out in the same way, with
the same random numbers, and compares what both give.
"""

import ast
import builtins
import contextlib
import functools
import inspect
import io
import json
import os
import random
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from book.definitions import (
    DEFINITIONS,
    IMPORTS,
    Definition,
    Lesson,
    free_names,
    inner_statements,
    is_from_utils,
    statements,
    stored,
    take_out,
)
from snapshots import ALONE, Snapshot, Tape, difference

_CLOCKS = {
    *("perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time"),
    *("time_ns", "thread_time", "timeit", "Timer", "default_timer", "now", "time"),
}
# Methods that copying itself calls, or that must not be replaced in a finished class.
_LEFT_ALONE = {
    *("__new__", "__del__", "__init_subclass__", "__class_getitem__", "__set_name__"),
    *("__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__hash__"),
    *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__"),
    *("__getnewargs_ex__", "__copy__", "__deepcopy__"),
}


# Reading a lesson


def borrowed(lesson: Lesson) -> list[str]:
    """Name everything that a definition takes from elsewhere; a copy would miss it."""
    problems = []
    free = lesson.imported | _GIVEN | set(dir(builtins))
    free |= {definition.name for definition in lesson.definitions}
    variables = lesson.assigned - _set_beside_imports(lesson)
    for definition in lesson.definitions:
        for name in sorted(free_names(definition.node)):
            if name in lesson.from_utils:
                why = f"uses {name} from utils"
            elif name in variables:
                why = f"uses the global variable {name}"
            elif name in free:
                continue
            else:
                why = f"uses {name}, which is defined nowhere"
            problems.append(f"line {definition.line}: {definition.name} {why}")
        for node in ast.walk(definition.node):
            if isinstance(node, IMPORTS) and is_from_utils(node):
                why = "imports from utils"
                problems.append(f"line {node.lineno}: {definition.name} {why}")
    return problems


_GIVEN = {"__name__", "__module__", "__qualname__", "__doc__", "__class__"}


def _set_beside_imports(lesson: Lesson) -> set[str]:
    """Return the names that ``try: import x`` sets when there is no x."""
    inner = statements(n for s in lesson.imports for n in inner_statements(s))
    return set().union(*map(stored, inner), set())


# Watching a lesson


@dataclass
class Call:
    """One call of a function, of a class (``member`` is ``__init__``), or a method."""

    definition: Definition
    member: str | None
    before: Snapshot
    random: "Random"
    tapes: dict[int | str, Tape]
    owner: str | None = None  # the class of self, where it is one of the lesson's
    after: Snapshot | None = None
    raised: str | None = None
    steps: "list[Step] | None" = None

    @property
    def name(self) -> str:
        parts = self.definition.name, self.member
        return ".".join(part for part in parts if part)


@dataclass
class Step:
    """One value that a generator gave; none when it came to its end."""

    random: "Random"
    sent: Snapshot
    value: Snapshot | None


class Random:
    """The state of all random numbers, and whether torch records gradients."""

    def __init__(self) -> None:
        self.python = random.getstate()
        self.numpy = self.torch = None
        if "numpy" in sys.modules:
            self.numpy = sys.modules["numpy"].random.get_state()
        if torch := sys.modules.get("torch"):
            self.torch = torch.get_rng_state()
            self.gradients = torch.is_grad_enabled()

    def restore(self) -> None:
        random.setstate(self.python)
        if self.numpy is not None:
            sys.modules["numpy"].random.set_state(self.numpy)
        if self.torch is not None:
            sys.modules["torch"].set_rng_state(self.torch)
            sys.modules["torch"].set_grad_enabled(self.gradients)


class Watch:
    """Notes the first call of everything that a lesson defines."""

    def __init__(self, lesson: Lesson, roots: tuple[str, ...]) -> None:
        self.lesson, self.roots = lesson, roots
        self.definitions = {d.line: d for d in lesson.definitions}
        self.defined: set[int] = set()
        self.called: set[int] = set()
        self.calls: dict[tuple[int, str | None], Call] = {}
        self.busy: set[tuple[int, str | None]] = set()
        self.lock = threading.Lock()
        self.here = threading.local()
        self.closed = False  # nothing is noted any more

    def mark(self, line: int) -> Callable:
        """Return a decorator for the definition in this line."""

        def decorate(thing: object) -> object:
            self.defined.add(line)
            definition = self.definitions[line]
            if isinstance(thing, type):
                self._watch_class(definition, thing)
                return thing
            if isinstance(thing, types.FunctionType):
                return self._watched(definition, None, thing)
            return _Watched(thing, self._watched(definition, None, thing))

        return decorate

    def _watch_class(self, definition: Definition, cls: type) -> None:
        for name, value in list(vars(cls).items()):
            if name in _LEFT_ALONE:
                continue
            wrap, function = _opened(value)
            if function is None:
                continue
            own = inspect.unwrap(function).__code__.co_filename == str(self.lesson.path)
            if own or name == "__init__":
                watched = self._watched(definition, name, function)
                with contextlib.suppress(AttributeError, TypeError):
                    setattr(cls, name, wrap(watched))
        if "__init__" not in vars(cls) and not _is_never_made(cls):
            with contextlib.suppress(AttributeError, TypeError):
                inherited = _inherited_init(cls)
                cls.__init__ = self._watched(definition, "__init__", inherited)

    def _watched(
        self, definition: Definition, member: str | None, function: Callable
    ) -> Callable:
        key = definition.line, member

        @functools.wraps(function)
        def watched(*args, **kwargs):
            if getattr(self.here, "copying", False) or not self._is_first(key):
                return function(*args, **kwargs)
            if _is_traced():  # copies would be recorded too; take a later call
                self.called.add(definition.line)
                self.busy.discard(key)
                return function(*args, **kwargs)
            try:
                return self._note(definition, member, function, args, kwargs)
            finally:
                self.busy.discard(key)

        return watched

    def _is_first(self, key: tuple[int, str | None]) -> bool:
        with self.lock:
            noted = self.calls.get(key)
            done = noted is not None and noted.raised is None
            if self.closed or done or key in self.busy:
                return False
            self.busy.add(key)
            return True

    @contextlib.contextmanager
    def _copying(self) -> Iterator[None]:
        self.here.copying = True
        try:
            yield
        finally:
            self.here.copying = False

    def _note(
        self, definition: Definition, member: str | None, function, args, kwargs
    ) -> object:
        self.called.add(definition.line)
        key, skipped = (definition.line, member), 0
        owner = None
        if definition.kind == "class" and args:
            owner = type(args[0]).__name__
            if member == "__init__":
                skipped = 1  # self is not made yet
                if owner != definition.name:  # by super().__init__()
                    return function(*args, **kwargs)
        given = dict(enumerate(args)) | kwargs
        tapes = {
            place: Tape(thing, self.roots)
            for place, thing in given.items()
            if Tape.is_for(thing)
        }
        args = tuple(tapes.get(i, thing) for i, thing in enumerate(args))
        kwargs = {name: tapes.get(name, thing) for name, thing in kwargs.items()}

        def arguments() -> tuple:
            plain = tuple(None if i in tapes else a for i, a in enumerate(args))
            named = {n: None if n in tapes else a for n, a in kwargs.items()}
            return plain[skipped:], named

        with self._copying():
            call = Call(
                definition,
                member,
                Snapshot(arguments(), self.roots),
                Random(),
                tapes,
                owner,
            )
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            call.raised = type(error).__name__
            self.calls.setdefault(key, call)
            raise
        if inspect.isgenerator(result):
            call.steps = []
            self.calls[key] = call
            return _WatchedGenerator(result, call, self)
        with self._copying():
            outcome = args[0] if member == "__init__" else result
            call.after = Snapshot((outcome, *arguments()))
        self.calls[key] = call
        return result


def _is_traced() -> bool:
    """Say whether torch records what is called now, instead of computing it."""
    torch = sys.modules.get("torch")
    return torch is not None and (
        torch.jit.is_tracing()
        or torch.compiler.is_compiling()
        or torch._C._functorch.peek_interpreter_stack() is not None
    )


def _opened(value: object) -> tuple[Callable, Callable | None]:
    """Return how a member of a class wraps its function, and that function."""
    if isinstance(value, types.FunctionType):
        return (lambda function: function), value
    if isinstance(value, staticmethod | classmethod):
        kind, function = type(value), value.__func__
        return kind, function if isinstance(function, types.FunctionType) else None
    if isinstance(value, property) and isinstance(value.fget, types.FunctionType):
        return (lambda get: property(get, value.fset, value.fdel)), value.fget
    return (lambda function: function), None


def _is_never_made(cls: type) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(cls, torch.autograd.Function)


def _inherited_init(cls: type) -> Callable:
    @functools.wraps(cls.__init__)
    def __init__(self, *args, **kwargs):  # noqa: N807
        inherited = super(cls, self).__init__
        plain = getattr(inherited, "__objclass__", None) is object
        if plain and type(self).__new__ is not object.__new__:
            return  # its __new__ took the arguments
        inherited(*args, **kwargs)

    return __init__


class _Watched:
    """Stands in for a callable that is no plain function."""

    def __init__(self, thing: Callable, watched: Callable) -> None:
        self.__dict__.update(_thing=thing, _watched=watched)

    def __call__(self, *args, **kwargs):
        return self._watched(*args, **kwargs)

    def __getattr__(self, name: str) -> object:
        return getattr(self._thing, name)


class _WatchedGenerator(Generator):
    def __init__(self, generator: Generator, call: Call, watch: Watch) -> None:
        self.generator, self.call, self.watch = generator, call, watch

    def send(self, value: object) -> object:
        with self.watch._copying():
            step = Step(Random(), Snapshot((value,)), None)
        self.call.steps.append(step)
        try:
            item = self.generator.send(value)
        except StopIteration:
            raise  # the step stays without a value
        except Exception as error:
            self.call.raised = type(error).__name__
            raise
        with self.watch._copying():
            step.value = Snapshot((item,))
        return item

    def throw(self, *error) -> object:
        return self.generator.throw(*error)

    def close(self) -> None:
        self.generator.close()


class _MarkAll(ast.NodeTransformer):
    """Put our decorator around every definition at the top level."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, DEFINITIONS):
            mark = ast.Name("__watch__", ast.Load())
            call = ast.Call(mark, [ast.Constant(node.lineno)], [])
            ast.copy_location(call, node)
            node.decorator_list.insert(0, ast.fix_missing_locations(call))
            return node  # and not what is inside
        return self.generic_visit(node)


def run_watched(
    lesson: Lesson, roots: tuple[str, ...]
) -> tuple[Watch, types.ModuleType]:
    """Run a lesson as ``__main__``; return its calls, and its module."""
    watch = Watch(lesson, roots)
    tree = _MarkAll().visit(ast.parse(lesson.source))
    module = types.ModuleType("__main__")
    module.__dict__.update(
        __file__=str(lesson.path), __watch__=watch.mark, __cached__=None
    )
    sys.modules["__main__"] = module
    sys.argv = [str(lesson.path)]
    sys.path.insert(0, str(lesson.path.parent))
    try:
        exec(compile(tree, str(lesson.path), "exec"), vars(module))
    except SystemExit as end:
        if end.code:
            raise
    return watch, module


# Calling what was taken out


def problems_alone(path: str | Path) -> list[str]:
    """Run a lesson, then call each definition alone; say what differs.

    Belongs in a process of its own: the lesson becomes ``__main__``.
    """
    lesson = Lesson.read(path)
    roots = {tempfile.gettempdir(), os.path.realpath(tempfile.gettempdir())}
    roots |= {os.environ.get("TUTORIAL_DATA"), os.environ.get("TUTORIAL_RESULT")}
    roots = tuple(str(Path(root).absolute()) + os.sep for root in roots if root)
    watch, module = run_watched(lesson, roots)
    watch.closed = True
    _close_figures()
    problems = []
    for definition in lesson.definitions:
        place = f"line {definition.line}: {definition.name}"
        if definition.line not in watch.defined:
            if not definition.optional:
                problems.append(f"{place} is never defined")
        elif definition.line not in watch.called:
            problems.append(f"{place} is never called in the lesson")
    for call in watch.calls.values():
        if found := replay(call, lesson, module):
            problems.append(f"line {call.definition.line}: {call.name}: {found}")
    return problems


def replay(call: Call, lesson: Lesson, main: types.ModuleType) -> str | None:
    """Make a call once more, with what was taken out; say what differs, or None."""
    wanted = [call.definition]
    for definition in lesson.definitions:
        if definition.name == call.owner != call.definition.name:
            wanted.append(definition)
    loose = _reads_a_clock(lesson, wanted)
    try:
        module = _module_of(lesson, take_out(lesson, wanted))
    except Exception as error:
        return f"can't be taken out: {_error(error)}"
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with folder as place, _quiet():
        again = module, main, Path(place)
        try:
            args, kwargs = _loaded(call, again)
        except Exception as error:
            return f"its arguments can't be copied: {_error(error)}"
        function = vars(module)[call.definition.name]
        if call.member and call.member != "__init__":
            function = _opened(vars(function)[call.member])[1]
        gradients = _gradients()
        try:
            call.random.restore()
            result = function(*args, **kwargs)
            if isinstance(result, contextlib._GeneratorContextManager):
                with result:
                    pass
            if call.steps is not None:
                return _replay_steps(call.steps, result, again, loose)
        except Exception as error:
            if call.raised == type(error).__name__:
                return None
            return f"raises {_error(error)}"
        finally:
            gradients()
            _close_figures()
        if call.raised:
            return f"raises {call.raised} in the lesson, not alone"
        alone = result, _without(call, args), _without(call, kwargs)
        alone = Snapshot(alone).load(module, main)  # so that both are copies
        noted = call.after.load(module, main)
        what = "the new object" if call.member == "__init__" else "the result"
        return difference(noted[0], alone[0], again[2], loose, what) or difference(
            noted[1:], alone[1:], again[2], loose, "afterwards, its arguments"
        )


def _loaded(call: Call, again: tuple) -> tuple[tuple, dict]:
    """Return copies of a call's arguments."""
    args, kwargs = call.before.load(*again)
    args = list(args)
    for key, tape in call.tapes.items():
        if isinstance(key, str):
            kwargs[key] = tape.again(*again)
        else:
            args[key - (call.member == "__init__")] = tape.again(*again)
    return tuple(args), kwargs


def _without(call: Call, arguments: tuple | dict) -> tuple | dict:
    """Return arguments without those that can be read once only."""
    if isinstance(arguments, dict):
        return {n: None if n in call.tapes else a for n, a in arguments.items()}
    skipped = call.member == "__init__"
    return tuple(
        None if i + skipped in call.tapes else a for i, a in enumerate(arguments)
    )


def _replay_steps(steps: list[Step], generator, again, loose: bool) -> str | None:
    for number, step in enumerate(steps):
        step.random.restore()
        place = f"value {number}"
        try:
            value = generator.send(step.sent.load(*again)[0])
        except StopIteration:
            if step.value is not None:
                return f"comes to its end alone, before {place}"
            continue
        if step.value is None:
            return f"gives {place} alone, and comes to its end in the lesson"
        wanted = step.value.load(*again[:2])[0]
        if found := difference(wanted, value, again[2], loose, place):
            return found
    return None


def _module_of(lesson: Lesson, tree: ast.Module) -> types.ModuleType:
    """Run what was taken out, as a module that its classes can be looked up in."""
    module = sys.modules[ALONE] = types.ModuleType(ALONE)
    exec(compile(tree, str(lesson.path), "exec"), vars(module))
    return module


def _reads_a_clock(lesson: Lesson, wanted: Sequence[Definition]) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in _CLOCKS)
        or (isinstance(node, ast.Attribute) and node.attr in _CLOCKS)
        for node in ast.walk(take_out(lesson, wanted))
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()):
        with warnings.catch_warnings(record=True):
            yield


def _gradients() -> Callable[[], None]:
    """Return what switches the recording of gradients back to what it is now."""
    if torch := sys.modules.get("torch"):
        return functools.partial(torch.set_grad_enabled, torch.is_grad_enabled())
    return lambda: None


def _close_figures() -> None:
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def _error(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


# In a process of its own


def driver(lesson: Path, report: Path, environment: dict[str, str]) -> str:
    """Return a script that writes the problems of a lesson to a file, as JSON."""
    folder = Path(__file__).resolve().parent
    return (
        "import os, sys\n"
        f"os.environ.update({environment!r})\n"
        f"sys.path[:0] = {[str(folder), str(folder.parent / 'Code')]!r}\n"
        "import snippets\n"
        f"snippets.report({str(lesson)!r}, {str(report)!r})\n"
    )


def report(lesson: str, target: str) -> None:
    """Write the problems of a lesson to a file."""
    text = json.dumps(problems_alone(lesson), indent=1)
    Path(target).write_text(text, encoding="utf-8")
