"""Claims that are proven where they are made.

Each proof that holds prints a line beginning with ✓ and is counted; one that does not
raises AssertionError. A proof that could not fail is refused with a ValueError.
"""

import math
import numbers
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

RTOL, ATOL = 1e-5, 1e-6
held = 0  # proofs so far in this process, for the runner


def check(
    claim: str,
    by_hand: object,
    by_torch: object,
    rtol: float = RTOL,
    atol: float = ATOL,
) -> None:
    """Prove that two values agree, to ``atol + rtol * |by_torch|`` in each element.

    Numbers, strings, lists, dicts, arrays, tensors and PIL images, also nested. Shapes
    must agree: nothing broadcasts. Whole numbers must be equal, unless you give a
    tolerance.

    :raises AssertionError: they differ; the message shows both
    :raises ValueError: the check can't fail: NaN against NaN, empty against empty, None
        against None, an operand against itself, an infinite tolerance
    """
    if not (math.isfinite(rtol) and math.isfinite(atol)):
        raise ValueError(f"{claim}: a tolerance that is not finite allows everything")
    _compare(claim, by_hand, by_torch, rtol, atol)
    _holds(claim)


def check_less(claim: str, smaller: object, larger: object) -> None:
    """Prove ``smaller < larger``, for every element; one side may be a single number.

    :raises AssertionError: it does not hold everywhere, or there is a NaN
    :raises ValueError: it can't fail: nothing to compare, or one thing with itself
    """
    a, b = _plain(smaller), _plain(larger)
    for side in (a, b):
        if not isinstance(side, np.ndarray) or side.dtype.kind not in "biuf":
            raise TypeError(f"{claim}: can't order {side!r}")
        if side.size == 0:
            raise ValueError(f"{claim}: nothing to compare")
    if _same_object(smaller, larger):
        raise ValueError(f"{claim}: compares an operand with itself")
    if a.ndim and b.ndim and a.shape != b.shape:
        raise AssertionError(f"{claim}\n  shapes {a.shape} and {b.shape} differ")
    if not np.all(a < b):
        raise AssertionError(
            f"{claim}\n  not: {_short(smaller)}\n  <    {_short(larger)}"
        )
    if a.size > 1 and b.size > 1:
        _holds(f"{claim}: each of {a.size}")
    else:
        _holds(f"{claim}: {a.max():.4g} < {b.min():.4g}")


@contextmanager
def refused(error: type[BaseException], words: str) -> Iterator[None]:
    """Prove that the body raises ``error`` with ``words`` in its message.

    :raises AssertionError: nothing is raised, or something else is
    """
    if not words.strip() or error in (BaseException, Exception):
        raise ValueError("refused: name the error and words of its message")
    try:
        yield
    except BaseException as raised:
        if not isinstance(raised, error) or words not in str(raised):
            if isinstance(raised, KeyboardInterrupt | SystemExit):
                raise
            raise AssertionError(
                f"expected {error.__name__} with {words!r}, got {raised!r}"
            ) from raised
        _holds(f"refused, {type(raised).__name__}: {_brief(raised, words)}")
    else:
        raise AssertionError(f"expected {error.__name__}, but nothing was refused")


@contextmanager
def warned(category: type[Warning], words: str) -> Iterator[None]:
    """Prove that the body warns with ``category`` and ``words``; keep stderr empty.

    :raises AssertionError: there is no such warning; any other is passed on
    """
    if not words.strip() or category is Warning:
        raise ValueError("warned: name the category and words of its message")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    fitting = [
        w
        for w in caught
        if issubclass(w.category, category) and words in str(w.message)
    ]
    if not fitting:
        seen = "; ".join(f"{w.category.__name__}: {w.message}" for w in caught)
        expected = f"expected {category.__name__} with {words!r}"
        raise AssertionError(f"{expected}, got {seen or 'no warning'}")
    for other in caught:
        if other not in fitting:
            warnings.warn_explicit(
                other.message, other.category, other.filename, other.lineno
            )
    message = fitting[0].message
    _holds(f"warned, {type(message).__name__}: {_brief(message, words)}")


def _holds(claim: str) -> None:
    global held
    held += 1
    print(f"✓ {claim}")


def _brief(message: object, words: str) -> str:
    """Return the line of a message that has the words, cut to fit a console."""
    text = str(message)
    lines = [line for line in text.splitlines() if words in line]
    line = (lines or [" ".join(text.split())])[0].strip()
    if len(line) <= 70:
        return line
    start = max(0, min(line.find(words), len(line) - 66))
    cut = line[start : max(start + 66, start + len(words))]
    return ("…" if start else "") + cut + ("…" if start + len(cut) < len(line) else "")


def _plain(value: object) -> object:
    """Turn numbers, arrays, tensors and images into arrays, sequences into lists."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach()
        if value.layout is not torch.strided:
            value = value.to_dense()
        if value.dtype in (torch.bfloat16, torch.float16):
            value = value.double()
        return value.cpu().resolve_conj().resolve_neg().numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = np.asarray(value)
        return value if value.dtype.kind in "biufc" else value.tolist()
    if isinstance(value, numbers.Number):
        return np.asarray(value)
    if hasattr(value, "getbands") and hasattr(value, "mode"):  # a PIL image
        return [value.mode, np.asarray(value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        items = [_plain(item) for item in value]
        arrays = all(isinstance(item, np.ndarray) for item in items)
        if items and arrays and len({item.shape for item in items}) == 1:
            return np.stack(items)
        return items
    return value


def _same_object(first: object, second: object) -> bool:
    """Is it one thing given twice? Not asked of numbers and strings."""
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        twins = zip(first, second, strict=False)
        if len(first) == len(second) > 0 and all(_same_object(*twin) for twin in twins):
            return True
    a, b = _plain(first), _plain(second)
    if not isinstance(a, np.ndarray | list | dict) or isinstance(first, numbers.Number):
        return False
    if first is second:
        return True
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray) or a.size == 0:
        return False
    places = [(x.ctypes.data, x.shape, x.strides, x.dtype) for x in (a, b)]
    return places[0] == places[1]


def _compare(
    claim: str, first: object, second: object, rtol: float, atol: float
) -> None:
    if _same_object(first, second):
        raise ValueError(f"{claim}: compares an operand with itself")
    a, b = _plain(first), _plain(second)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _compare_arrays(claim, a, b, rtol, atol)
    if (a is None and b is None) or (_is_empty(a) and _is_empty(b)):
        raise ValueError(f"{claim}: {first!r} against {second!r} can't fail")
    if isinstance(a, dict) and isinstance(b, dict):
        if set(a) != set(b):
            _differs(claim, sorted(map(str, a)), sorted(map(str, b)), "the keys differ")
        for key in a:
            _compare(f"{claim}, at {key!r}", a[key], b[key], rtol, atol)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            _differs(claim, first, second, f"lengths {len(a)} and {len(b)} differ")
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            if not (x is None and y is None) and not (_is_empty(x) and _is_empty(y)):
                _compare(f"{claim}, at {index}", x, y, rtol, atol)
    elif type(a) in (np.ndarray, list) or type(b) in (np.ndarray, list) or a != b:
        _differs(claim, first, second, "not equal")


def _compare_arrays(
    claim: str, a: np.ndarray, b: np.ndarray, rtol: float, atol: float
) -> None:
    if a.shape != b.shape:
        _differs(claim, a, b, f"shapes {a.shape} and {b.shape} differ")
    if a.size == 0:
        raise ValueError(f"{claim}: empty against empty can't fail")
    nan_a, nan_b = (np.isnan(x) if x.dtype.kind in "fc" else False for x in (a, b))
    if np.any(nan_a) and np.any(nan_b):
        raise ValueError(f"{claim}: NaN against NaN can't be told apart")
    if np.any(nan_a) or np.any(nan_b):
        _differs(claim, a, b, "one side is NaN")
    if a.dtype.kind in "biu" and b.dtype.kind in "biu" and (rtol, atol) == (RTOL, ATOL):
        if not np.array_equal(a, b):
            _differs(claim, a, b, f"{np.sum(a != b)} of {a.size} differ")
        return
    wide = np.complex128 if "c" in a.dtype.kind + b.dtype.kind else np.float64
    x, y = a.astype(wide), b.astype(wide)
    with np.errstate(invalid="ignore"):
        gap = np.where(x == y, 0.0, np.abs(x - y))
    allowed = np.where(np.isfinite(y), atol + rtol * np.abs(y), 0.0)
    if not np.all(gap <= allowed):
        worst = np.unravel_index(np.argmax(gap - allowed), gap.shape)
        place = f" at {tuple(map(int, worst))}" if worst else ""
        off = f"{gap[worst]:.4g}{place}, allowed {allowed[worst]:.4g}"
        _differs(claim, a, b, f"they differ by {off}")


def _is_empty(value: object) -> bool:
    return isinstance(value, str | bytes | list | dict | set) and not value


def _differs(claim: str, a: object, b: object, why: str) -> None:
    raise AssertionError(
        f"{claim}\n  {why}\n  by hand:  {_short(a)}\n  by torch: {_short(b)}"
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 500 else f"{text[:300]} … {text[-200:]}"
