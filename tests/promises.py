"""The promises of a lesson, ``# → expected output``, and whether they are kept.

A promise stands for one whole output line. Promises are kept in their order; other
lines may lie between. Numbers with decimals may differ by one unit of the last digit
that the promise writes; whole numbers, and all other text, must be the same. ``…``
stands for anything within the line, runs of blanks for one blank.
"""

import ast
import difflib
import functools
import importlib
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from book.definitions import mentions_version

_COMMENT = re.compile(r"#\s*→(.*)")
# 3.14, -0.5e-3, .5, but nothing within a word (float32, v0.1) or a version (2.6.0)
_DECIMAL = re.compile(r"(?<![\w.])[-+]?\d*\.\d+(?:[eE][-+]?\d+)?(?!\w|\.\d)")


@dataclass(frozen=True)
class Promise:
    """One expected line of output, and the line of the lesson that promises it."""

    line: int
    text: str


def promises(source: str, assume: dict | None = None) -> list[Promise]:
    """Return the promises of a lesson that count here, in the order of the file.

    A promise inside an ``if`` whose test mentions a version counts only where the test,
    evaluated here, chooses its branch.

    :param assume: names with values for these tests, instead of what is installed
    :raises ValueError: a promise is empty
    """
    tree = ast.parse(source)
    comments = [
        (token.start, match[1].strip())
        for token in _tokens(source)
        if token.type == tokenize.COMMENT and (match := _COMMENT.match(token.string))
    ]
    for (line, _), text in comments:
        if not text:
            raise ValueError(f"line {line}: an empty promise")
    left_out = list(_version_blocks(tree, source, assume or {}))
    return [
        Promise(line, text)
        for (line, column), text in comments
        if not any(block.holds(line, column) for block in left_out)
    ]


def first_broken(expected: Sequence[Promise], output: str) -> str | None:
    """Return what is wrong with the first promise that ``output`` breaks, or None."""
    lines = output.splitlines()
    begin = 0
    for promise in expected:
        for index in range(begin, len(lines)):
            if matches(promise.text, lines[index]):
                begin = index + 1
                break
        else:
            return _complaint(promise, lines, begin)
    return None


def _complaint(promise: Promise, lines: list[str], begin: int) -> str:
    message = [f"line {promise.line} promises", f"    {promise.text}"]
    wanted = _one_blank(promise.text)
    near = difflib.get_close_matches(wanted, map(_one_blank, lines), n=3, cutoff=0.4)
    numbers = [i for i, line in enumerate(lines) if _one_blank(line) in near]
    if numbers:
        message.append("the output has, nearby:")
    for i in sorted(numbers)[:5]:
        too_early = i < begin and matches(promise.text, lines[i])
        note = "  (before the line of the promise above)" if too_early else ""
        message.append(f"    {lines[i]}{note}")
    if not numbers:
        message.append(f"nothing like it is among the {len(lines)} lines of output")
    return "\n".join(message)


def matches(promise: str, line: str) -> bool:
    """Say whether one line of output is what the promise says."""
    line = _one_blank(line)
    pieces = list(_pieces(_one_blank(promise)))

    @functools.cache
    def rest_matches(piece: int, position: int) -> bool:
        if piece == len(pieces):
            return position == len(line)
        kind, text = pieces[piece]
        if kind == "anything":
            ends = range(position, len(line) + 1)
            return any(rest_matches(piece + 1, end) for end in ends)
        if kind == "decimal":
            found = _DECIMAL.match(line, position)
            if found is None or not _close(text, found[0]):
                return False
            return rest_matches(piece + 1, found.end())
        if not line.startswith(text, position):
            return False
        return rest_matches(piece + 1, position + len(text))

    return rest_matches(0, 0)


def _one_blank(text: str) -> str:
    return " ".join(text.split())


def _pieces(promise: str) -> Iterator[tuple[str, str]]:
    """Cut a promise into (kind, text); kinds: text, decimal, anything."""
    begin = 0
    for found in re.finditer(rf"…|{_DECIMAL.pattern}", promise):
        if found.start() > begin:
            yield "text", promise[begin : found.start()]
        yield ("anything" if found[0] == "…" else "decimal"), found[0]
        begin = found.end()
    if begin < len(promise):
        yield "text", promise[begin:]


def _close(promised: str, printed: str) -> bool:
    expected = Decimal(promised)
    unit = Decimal(1).scaleb(expected.as_tuple().exponent)
    return abs(expected - Decimal(printed)) <= unit


# Versions


@dataclass(frozen=True)
class _Block:
    """Lines that belong to a branch: indented deeper than its ``if``."""

    first: int
    last: int
    column: int

    def holds(self, line: int, column: int) -> bool:
        return self.first <= line <= self.last and column > self.column


def _version_blocks(tree: ast.Module, source: str, assume: dict) -> Iterator[_Block]:
    """Yield the branches that versions close here."""
    starts = sorted({n.lineno for n in ast.walk(tree) if isinstance(n, ast.stmt)})
    tokens = list(_tokens(source))
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or not mentions_version(node.test):
            continue
        # Comments may follow the last statement of a branch: up to the next statement.
        end = min((line for line in starts if line > node.end_lineno), default=1 << 30)
        other = end
        if node.orelse:
            other = max(
                token.start[0]
                for token in tokens
                if token.string in ("else", "elif")
                and token.start[1] == node.col_offset
                and node.body[-1].end_lineno < token.start[0] <= node.orelse[0].lineno
            )
        if _true_here(node.test, tree, assume):
            yield _Block(other, end - 1, node.col_offset)
        else:
            yield _Block(node.lineno, other - 1, node.col_offset)


def _true_here(test: ast.expr, tree: ast.Module, assume: dict) -> bool:
    names = dict(assume)
    _provide(test, tree, names)
    return bool(eval(compile(ast.Expression(test), "<if>", "eval"), names))


def _provide(expression: ast.expr, tree: ast.Module, names: dict) -> None:
    """Put what the expression names into ``names``: imports and plain assignments."""
    wanted = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    for name in sorted(wanted - set(names)):
        for node in ast.walk(tree):
            if _provides(node, name, tree, names):
                break
        else:
            if name in ("torch", "torchvision", "tensorboardX", "numpy", "sys"):
                names[name] = importlib.import_module(name)


def _provides(node: ast.AST, name: str, tree: ast.Module, names: dict) -> bool:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if (alias.asname or alias.name.partition(".")[0]) == name:
                module = importlib.import_module(alias.name)
                top = alias.name.partition(".")[0]
                names[name] = module if alias.asname else importlib.import_module(top)
                return True
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                module = importlib.import_module(node.module)
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                names[name] = getattr(module, alias.name)
                return True
    elif isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
        names[name] = None  # so that x = x + 1 comes to an end
        _provide(node.value, tree, names)
        value = compile(ast.Expression(node.value), "<assignment>", "eval")
        names[name] = eval(value, names)
        return True
    return False


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(source).readline)
