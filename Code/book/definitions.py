"""The functions and classes of a lesson, each taken out as it can be copied.

Taken out means: the imports that it needs, but for ``utils``, the definition, the other
definitions that it uses, and nothing else of the lesson. The book shows this text, and
the tests run it.
"""

import ast
import functools
import symtable
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Definition:
    """A function or class at the top level of a lesson.

    :ivar optional: it stands in an ``if`` that asks for a version
    """

    node: ast.stmt
    optional: bool

    @property
    def name(self) -> str:
        """What it is called."""
        return self.node.name

    @property
    def line(self) -> int:
        """Where it begins, after its decorators."""
        return self.node.lineno

    @property
    def kind(self) -> str:
        """``class`` or ``function``."""
        return "class" if isinstance(self.node, ast.ClassDef) else "function"


@dataclass(frozen=True)
class Lesson:
    """The parts of a lesson's source that matter here."""

    path: Path
    source: str
    tree: ast.Module = field(repr=False)
    definitions: list[Definition]

    @classmethod
    def read(cls, path: str | Path) -> "Lesson":
        """Read the script at a path.

        :raises SyntaxError: it is no Python
        """
        source = Path(path).read_text(encoding="utf-8")
        tree = ast.parse(source, str(path))
        return cls(Path(path), source, tree, list(_definitions(tree.body, False)))

    @functools.cached_property
    def imports(self) -> list[ast.stmt]:
        """The statements that import, but not from utils."""
        return list(_imports(self.tree.body))

    @functools.cached_property
    def imported(self) -> set[str]:
        """The names that these statements bind."""
        return set().union(*map(bound_names, self.imports), set())

    @functools.cached_property
    def from_utils(self) -> set[str]:
        """The names that imports from utils bind."""
        return {
            _bound(alias)
            for statement in statements(self.tree.body)
            if is_from_utils(statement)
            for alias in statement.names
        }

    @functools.cached_property
    def assigned(self) -> set[str]:
        """The global variables."""
        return set().union(*map(stored, statements(self.tree.body)), set())


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module's own scope, also those within if, for, with."""
    for node in body:
        yield node
        yield from statements(inner_statements(node))


def inner_statements(node: ast.stmt) -> list[ast.stmt]:
    """Return what stands in an if, for, with, try; nothing of a function or class."""
    if isinstance(node, DEFINITIONS):
        return []
    inner = []
    for name in ("body", "orelse", "finalbody"):
        inner += getattr(node, name, [])
    for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
        inner += part.body
    return inner


def _definitions(body: Iterable[ast.stmt], optional: bool) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, DEFINITIONS):
            yield Definition(node, optional)
        else:
            guarded = isinstance(node, ast.If) and mentions_version(node.test)
            yield from _definitions(inner_statements(node), optional or guarded)


def is_from_utils(node: ast.stmt) -> bool:
    """Say whether a statement imports from utils."""
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").partition(".")[0] == "utils"
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] == "utils" for alias in node.names)
    return False


def _imports(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, IMPORTS):
            if not is_from_utils(node):
                yield node
        elif isinstance(node, ast.If | ast.Try) and _only_imports(node):
            yield node
        else:
            yield from _imports(inner_statements(node))


def _only_imports(node: ast.stmt) -> bool:
    """Say whether an if or a try does nothing but import, or else set a constant."""
    inner = list(statements(inner_statements(node)))
    return any(isinstance(n, IMPORTS) for n in inner) and all(
        (isinstance(n, IMPORTS) and not is_from_utils(n))
        or isinstance(n, ast.Pass | ast.If | ast.Try)
        or (isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant))
        for n in inner
    )


def stored(statement: ast.stmt) -> set[str]:
    """Return the names that a statement sets itself, not those of inner scopes."""
    if isinstance(statement, (*DEFINITIONS, *IMPORTS)):
        return set()
    found, waiting = set(), [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        for child in ast.iter_child_nodes(node):
            scope = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp)
            if not isinstance(child, (*scope, ast.GeneratorExp, *DEFINITIONS)):
                waiting.append(child)
    return found


def free_names(node: ast.stmt) -> set[str]:
    """Return the names that a definition looks up outside of itself.

    Python's own rules of scope decide: nested functions, classes, comprehensions,
    lambdas, defaults, decorators, bases and annotations.
    """
    found = set()

    def search(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if table.get_type() == "module":
                outside = symbol.is_referenced() and not symbol.is_assigned()
            else:
                outside = symbol.is_global()
            if outside:
                found.add(symbol.get_name())
        for inner in table.get_children():
            search(inner)

    search(symtable.symtable(ast.unparse(node), "definition", "exec"))
    found.discard(node.name)
    return found


def mentions_version(test: ast.expr) -> bool:
    """Say whether the test of an ``if`` asks for a version."""
    return "version" in ast.unparse(test).lower()


def bound_names(statement: ast.stmt) -> set[str]:
    """Return the names that an import, or an ``if`` or ``try`` of imports, binds."""
    return {
        _bound(alias)
        for node in ast.walk(statement)
        if isinstance(node, IMPORTS)
        for alias in node.names
    }


def _bound(alias: ast.alias) -> str:
    return (alias.asname or alias.name).partition(".")[0]


def take_out(lesson: Lesson, wanted: Sequence[Definition]) -> ast.Module:
    """Return a module of these definitions and what they need."""
    definitions = _chosen(lesson, wanted)
    nodes = [definition.node for definition in definitions]
    return ast.Module([*_needed_imports(lesson, definitions), *nodes], [])


def source_alone(lesson: Lesson, definition: Definition) -> str:
    """Return a definition as it can be copied: :func:`take_out`, as text.

    Comments and line breaks are the lesson's.
    """
    definitions = _chosen(lesson, [definition])
    imports = _needed_imports(lesson, definitions)
    parts = ["\n".join(_text(lesson, node) for node in imports)]
    parts += [_text(lesson, chosen.node) for chosen in definitions]
    return "\n\n\n".join(filter(None, parts))


def _chosen(lesson: Lesson, wanted: Sequence[Definition]) -> list[Definition]:
    """Return definitions and all that they use, in the lesson's order."""
    last = {definition.name: definition for definition in lesson.definitions}
    chosen: dict[str, Definition] = {}
    waiting = list(wanted)
    while waiting:
        definition = waiting.pop()
        if definition.name not in chosen:
            chosen[definition.name] = definition
            used = free_names(definition.node)
            waiting += [last[name] for name in used if name in last]
    return sorted(chosen.values(), key=lambda definition: definition.line)


def _needed_imports(
    lesson: Lesson, definitions: Sequence[Definition]
) -> list[ast.stmt]:
    """Return the lesson's imports, without the names that these do not use."""
    used = set().union(*(free_names(d.node) for d in definitions), set())
    needed = []
    for statement in lesson.imports:
        if getattr(statement, "module", "") == "__future__":
            needed.append(statement)
        elif not isinstance(statement, IMPORTS):
            inner = statements(inner_statements(statement))
            names = bound_names(statement).union(*map(stored, inner))
            needed += [statement] if names & used else []
        elif kept := [alias for alias in statement.names if _bound(alias) in used]:
            shorter = type(statement)(**{**vars(statement), "names": kept})
            needed.append(statement if kept == statement.names else shorter)
    return needed


def _text(lesson: Lesson, node: ast.stmt) -> str:
    """Return a statement as the lesson writes it, with its decorators."""
    if isinstance(node, IMPORTS) and node not in lesson.imports:
        return ast.unparse(node)  # some of its names were left out
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    lines = lesson.source.splitlines()[first - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines))
