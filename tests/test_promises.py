"""The tool that reads promises must catch every broken one."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from promises import Promise, first_broken, matches, promises

WORDS = st.text(st.sampled_from("abc xyz,:([])=-✓"), max_size=12)
WHOLE = st.integers(-10_000, 10_000).map(str)
PLACES = st.integers(1, 6)


@st.composite
def decimals(draw) -> str:
    places = draw(PLACES)
    digits = draw(st.integers(-(10**7), 10**7))
    text = f"{Decimal(digits).scaleb(-places):.{places}f}"
    return text + draw(st.sampled_from(["", "", "e-05", "e+10"]))


LINES = st.lists(st.one_of(WORDS, WHOLE, decimals()), min_size=1, max_size=5).map(
    " ".join
)


def texts(source: str, **assume: object) -> list[str]:
    return [promise.text for promise in promises(source, assume)]


def one(text: str) -> list[Promise]:
    return [Promise(1, text)]


# Reading


def test_only_comments_promise():
    source = '''
print("# → not this")  # → this
"""
# → nor this
"""
x = "#"  # a remark → no promise
y = f"{x}# → no, {x}"
# →    own   line
'''
    assert texts(source) == ["this", "own   line"]
    assert promises(source)[0].line == 2


def test_an_empty_promise_is_an_error():
    with pytest.raises(ValueError, match="line 2: an empty promise"):
        promises("\nprint()  # →")


VERSIONS = """
import sys
TOO_NEW = (9, 9)
version = (2, 7)
if version >= TOO_NEW:
    print("a")  # → new
    # → new too
elif version >= (2, 6):
    print("b")
    # → middle
else:
    print("c")  # → old
print("d")  # → always
"""


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((10, 0), ["new", "new too", "always"]),
        ((2, 6), ["middle", "always"]),
        ((2, 5), ["old", "always"]),
    ],
)
def test_versions_choose(version, expected):
    assert texts(VERSIONS, version=version) == expected


def test_a_version_may_be_assigned_or_imported():
    assert texts(VERSIONS) == ["middle", "always"]
    source = "if sys.version_info >= (3, 10):\n    print(1)  # → new\n"
    assert texts(source + "else:\n    print(2)\n    # → old\n") == ["new"]
    source = "import json as j\nif j.__version__ == '0':\n    pass  # → never\n# → yes"
    assert texts(source) == ["yes"]
    source = "from numpy import __version__ as v\nif v.startswith('0'):\n    #→no\n"
    assert texts(source.replace("#→no", "pass  # → no"), v="1") == ["no"]
    source = "import torch\nif torch.__version__ < '1':\n    pass  # → no\n# → yes"
    assert texts(source) == ["yes"]


def test_promises_within_a_function_in_a_branch():
    source = """
if version:
    def f():
        print()  # → in
    # → still in
f()  # → out
"""
    assert texts(source, version=False) == ["out"]
    assert texts(source, version=True) == ["in", "still in", "out"]


def test_other_ifs_do_not_matter():
    assert texts("if False:\n    print(1)  # → one\n") == ["one"]


# Matching


@given(st.lists(LINES, min_size=1, max_size=6), st.data())
def test_what_is_promised_and_printed_is_kept(lines, data):
    lines = [line for line in lines if line.strip()]
    between = data.draw(st.lists(st.sampled_from(["noise", "", "zzz 9"]), max_size=3))
    output = [text for line in lines for text in (*between, f"  {line} ", *between)]
    assert first_broken([Promise(1, line) for line in lines], "\n".join(output)) is None


@given(st.integers(-9999, 9999), st.integers(-3, 3))
def test_whole_numbers_are_exact(number, off):
    kept = first_broken(one(f"n = {number}"), f"n = {number + off}") is None
    assert kept == (off == 0)


@given(decimals(), st.integers(-5, 5))
def test_decimals_may_differ_by_one_unit(text, off):
    mantissa, e, exponent = text.partition("e")
    printed = Decimal(mantissa)
    places = -printed.as_tuple().exponent
    printed += Decimal(off).scaleb(-places)
    printed = f"{printed:.{places}f}{e}{exponent}"
    kept = first_broken(one(f"x: {text}"), f"x: {printed}") is None
    assert kept == (abs(off) <= 1)


@given(LINES, st.data())
def test_a_wrong_digit_fails(line, data):
    digits = [i for i, character in enumerate(line) if character.isdigit()]
    assume(digits and "e" not in line)  # 0.1e-5 and 0.1e-7 are less than a unit apart
    i = data.draw(st.sampled_from(digits))
    wrong = (int(line[i]) + data.draw(st.integers(2, 8))) % 10  # at least 2 off
    assert not matches(line, f"{line[:i]}{wrong}{line[i + 1 :]}")


@given(st.lists(LINES, min_size=2, max_size=5, unique=True), st.randoms())
def test_a_wrong_order_fails(lines, chance):
    lines = [f"{number}: {line}" for number, line in enumerate(lines)]
    shuffled = lines.copy()
    chance.shuffle(shuffled)
    kept = first_broken([Promise(1, line) for line in lines], "\n".join(shuffled))
    assert (kept is None) == (shuffled == lines)


@given(st.lists(LINES, min_size=1, max_size=5), st.data())
def test_a_missing_line_fails(lines, data):
    lines = [f"{number}: {line}" for number, line in enumerate(lines)]
    gone = data.draw(st.sampled_from(range(len(lines))))
    output = "\n".join(lines[:gone] + lines[gone + 1 :])
    message = first_broken([Promise(i, line) for i, line in enumerate(lines)], output)
    assert message.startswith(f"line {gone} promises")


def test_one_line_keeps_one_promise():
    assert first_broken(one("a") * 2, "a\na") is None
    assert first_broken(one("a") * 2, "a") is not None


@pytest.mark.parametrize(
    ("promise", "line"),
    [
        ("tensor([ 0.0011, -0.0008])", "tensor([ 0.0012, -0.0009])"),
        ("a  b", " a b "),
        ("lr: 1.5e-3", "lr: 1.6e-3"),
        ("lr: 1.0e-05", "lr: 9.9e-06"),
        ("-0.00", "0.00"),
        ("…", ""),
        ("wrote … in 3 files", "wrote /a/b 0.7 in 3 files"),
        ("… 0.5", "0.1 0.2 0.5"),
        ("3 … 0.5…", "3 0.1 0.5 0.5"),
        ("torch 2.6.0", "torch 2.6.0"),
        ("saved…", "saved"),
        (".5", "0.5"),
    ],
)
def test_matches(promise, line):
    assert matches(promise, line)


@pytest.mark.parametrize(
    ("promise", "line"),
    [
        ("3", "3.0"),
        ("3", "4"),
        ("30,000", "30,001"),
        ("30,000", "30,0"),
        ("1e-3", "2e-3"),
        ("tensor(1.)", "tensor(2.)"),
        ("torch 2.6.0", "torch 2.7.0"),
        ("float32", "float31"),
        ("lr0.1", "lr0.2"),
        ("0.5", "a 0.5"),
        ("0.5", "0.5 a"),
        ("0.5", "0.55.1"),
        ("0.50", "0.52"),
        ("0.5", "-0.5"),
        ("nan", "0.0"),
        ("a b", "ab"),
        ("a b", "a\u2009c"),
        ("True", "true"),
        ("… 0.5", "0.1 0.2 0.7"),
        ("3 … 5", "3 files"),
    ],
)
def test_does_not_match(promise, line):
    assert not matches(promise, line)


def test_the_message_shows_what_is_near():
    message = first_broken(one("loss: 0.69"), "start\nloss: 0.79\nend")
    assert message == (
        "line 1 promises\n    loss: 0.69\nthe output has, nearby:\n    loss: 0.79"
    )
    lines = [Promise(1, "second"), Promise(2, "first")]
    message = first_broken(lines, "first\nsecond")
    assert message.endswith("first  (before the line of the promise above)")
    message = first_broken(one("something"), "1\n2")
    assert message.endswith("nothing like it is among the 2 lines of output")
