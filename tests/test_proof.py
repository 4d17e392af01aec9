"""Proofs hold when they should, fail when they should, and refuse what can't fail."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from utils import check, check_less, proof, refused, warned

t = torch.tensor([1.0, 2.0, 3.0])
SAME = [
    (3, torch.tensor(3.0)),
    ([1, 2, 3], t),
    ("text", "text"),
    ((3, 40, 40), torch.zeros(3, 40, 40).shape),
    ({"a": t}, {"a": t + 1e-7}),
    ([["a", 1.0], [t, None]], [["a", 1], [t + 0, None]]),
    (Image.new("L", (3, 3)), Image.new("L", (3, 3))),
    (math.inf, torch.tensor(math.inf)),
    (torch.float32, t.dtype),
    (True, bool((t > 0).all())),
    (torch.ones(2, dtype=torch.bfloat16), [1, 1]),
    (torch.eye(2).to_sparse(), np.eye(2)),
    (1 + 2j, torch.tensor(1 + 2j)),
    (torch.nn.Parameter(t), t.clone().numpy()),
    (2**60, 2**60),
]
DIFFERENT = [
    (1, 2),
    (100_000, 100_001),
    (2**60, 2**60 + 1),
    (1.0, 1.0 + 1e-4),
    (1 + 2j, torch.tensor(1 + 3j)),
    (1.0, torch.tensor(1 + 1j)),
    (torch.ones(1), 1.0),
    (torch.ones(2, 1), torch.ones(2)),
    ([1, 2], t),
    ("1", 1),
    ("a", "b"),
    (None, 1),
    ([1], 1),
    (math.nan, 1.0),
    (math.inf, -math.inf),
    (1e30, math.inf),
    (torch.empty(0, 3), torch.empty(0)),
    ([], [1]),
    ({"a": 1}, {"b": 1}),
    ([1, "a"], [1, "b"]),
    (Image.new("L", (3, 3)), Image.new("RGB", (3, 3))),
    (Image.new("L", (3, 3)), Image.new("L", (3, 3), 1)),
    (torch.float32, torch.float64),
    ([None, 1], [2, 1]),
    ([2, "a"], [None, "a"]),
    ([[], "a"], [["b"], "a"]),
    ([["b"], "a"], [[], "a"]),
]
POINTLESS = [
    (t, t),
    (t, t.view(3)),
    (t, t.numpy()),
    (t, t.detach()),
    ([t], [t]),
    ([], []),
    ("", ""),
    (None, None),
    (torch.empty(0), torch.empty(0)),
    (math.nan, math.nan),
    (torch.tensor([math.nan, 1]), torch.tensor([math.nan, 2])),
]


@pytest.mark.parametrize(("by_hand", "by_torch"), SAME)
def test_equal_values_hold_and_count(by_hand, by_torch, capsys):
    before = proof.held
    check("a claim", by_hand, by_torch)
    assert proof.held == before + 1
    assert capsys.readouterr().out == "✓ a claim\n"


@pytest.mark.parametrize(("by_hand", "by_torch"), DIFFERENT)
def test_different_values_fail(by_hand, by_torch, capsys):
    before = proof.held
    with pytest.raises(AssertionError, match="a claim"):
        check("a claim", by_hand, by_torch)
    with pytest.raises(AssertionError):
        check("a claim", by_torch, by_hand)
    assert proof.held == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("by_hand", "by_torch"), POINTLESS)
def test_what_cannot_fail_is_refused(by_hand, by_torch):
    with pytest.raises(ValueError, match="a claim"):
        check("a claim", by_hand, by_torch)


@pytest.mark.parametrize("tolerance", [math.inf, math.nan])
def test_a_tolerance_that_allows_everything_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        check("a claim", 1.0, 2.0, atol=tolerance)


@given(st.floats(-1e6, 1e6), st.floats(-1, 1))
def test_the_tolerance_is_the_one_that_is_written_down(value, off):
    allowed = 1e-6 + 1e-5 * abs(value)
    if abs(off) < 0.99:
        check("inside", value + off * allowed, value)
    with pytest.raises(AssertionError):
        check("outside", value + math.copysign(1.01 + abs(off), off) * allowed, value)


def test_whole_numbers_take_a_tolerance_that_is_given():
    check("counts", torch.full((3,), 100), torch.tensor([90, 110, 100]), atol=10)
    with pytest.raises(AssertionError, match="differ by 11"):
        check("counts", torch.full((3,), 100), torch.tensor([90, 111, 100]), atol=10)


def test_a_failure_shows_both_sides_but_not_a_book():
    with pytest.raises(AssertionError) as error:
        check("long", "a" * 10_000, "b" * 10_000)
    assert "aaa" in str(error.value) and "bbb" in str(error.value)
    assert len(str(error.value)) < 2000


def test_the_place_that_differs_most_beyond_what_is_allowed_is_named():
    by_hand = torch.tensor([[1e6, 1.0], [2.0, 3.0]])
    by_torch = torch.tensor([[1e6 + 1, 1.0], [2.5, 3.0]])  # 1 of a million is allowed
    with pytest.raises(AssertionError) as error:
        check("a claim", by_hand, by_torch)
    assert "they differ by 0.5 at (1, 0), allowed 2.6e-05" in str(error.value)


def test_what_only_looks_like_an_image_is_none():
    class Odd:
        mode = "L"

    one, other = Odd(), Odd()
    with pytest.raises(AssertionError):
        check("a claim", one, other)


def test_less_says_what_it_compared(capsys):
    check_less("one", 1, 2)
    check_less("a few", t, 4)
    check_less("each", t, t + 1)
    assert capsys.readouterr().out.splitlines() == [
        "✓ one: 1 < 2",
        "✓ a few: 3 < 4",
        "✓ each: each of 3",
    ]


def test_less():
    check_less("numbers", 1, 2)
    check_less("every element", t, 4)
    for smaller, larger in ((2, 1), (1, 1), (t, 3), (math.nan, 1), (t, torch.ones(2))):
        with pytest.raises(AssertionError):
            check_less("not", smaller, larger)
    for smaller, larger in ((t, t), (torch.empty(0), 1)):
        with pytest.raises(ValueError, match="not"):
            check_less("not", smaller, larger)
    with pytest.raises(TypeError):
        check_less("not", "a", "b")


def test_refused(capsys):
    with refused(ValueError, "known words"):
        raise ValueError("first line\nsome known words here")
    assert capsys.readouterr().out == "✓ refused, ValueError: some known words here\n"
    with pytest.raises(AssertionError, match="nothing was refused"):
        with refused(ValueError, "words"):
            pass
    with pytest.raises(AssertionError), refused(ValueError, "words"):
        raise ValueError("others")
    with pytest.raises(AssertionError), refused(ValueError, "words"):
        raise TypeError("words")
    with pytest.raises(KeyboardInterrupt), refused(ValueError, "words"):
        raise KeyboardInterrupt
    for error, words in ((Exception, "words"), (ValueError, " ")):
        with pytest.raises(ValueError, match="name the error"):
            with refused(error, words):
                raise ValueError("words")


def test_warned(capsys, recwarn):
    with warned(UserWarning, "known words"):
        warnings.warn("some known words", UserWarning, stacklevel=1)
    assert "warned, UserWarning: some known words" in capsys.readouterr().out
    assert not recwarn
    with pytest.raises(AssertionError, match="no warning"):
        with warned(UserWarning, "words"):
            pass
    with pytest.raises(AssertionError), warned(FutureWarning, "words"):
        warnings.warn("words", UserWarning, stacklevel=1)
    with warned(UserWarning, "words"):
        warnings.warn("words", UserWarning, stacklevel=1)
        warnings.warn("another", FutureWarning, stacklevel=1)
    assert [str(w.message) for w in recwarn] == ["another"]


def test_the_message_names_the_worst_place():
    rows = torch.zeros(2, 3)
    wrong = rows.clone()
    wrong[0, 1], wrong[1, 2] = 0.5, 2.0
    with pytest.raises(AssertionError, match=r"differ by 2 at \(1, 2\), allowed 1e-06"):
        check("a claim", rows, wrong, rtol=0)
    with pytest.raises(AssertionError, match=r"differ by 1, allowed 1e-06"):
        check("a claim", 1.0, 2.0, rtol=0)


def test_a_long_message_is_cut_around_the_words(capsys):
    with refused(ValueError, "the words"):
        raise ValueError("a" * 100 + " the words " + "b" * 100)
    line = capsys.readouterr().out.strip()
    assert line == f"✓ refused, ValueError: …the words {'b' * 56}…"
    with refused(ValueError, "w" * 80):
        raise ValueError("a " + "w" * 80)
    assert "w" * 80 in capsys.readouterr().out


def test_a_warning_is_seen_though_python_hides_it_or_has_shown_it():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            with warned(UserWarning, "known words"):
                warnings.warn("known words", UserWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("category", "words"), [(Warning, "words"), (UserWarning, " "), (Warning, "")]
)
def test_a_warning_has_to_be_named(category, words):
    with pytest.raises(ValueError, match="name the category"):
        with warned(category, words):
            warnings.warn("words", UserWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (0, 100, "words" + "." * 61 + "…"),
        (100, 0, "…" + "." * 61 + "words"),
        (100, 100, "…" + "words" + "." * 61 + "…"),
        (30, 35, "." * 30 + "words" + "." * 35),
    ],
)
def test_at_most_so_much_of_a_message_is_shown(before, after, line, capsys):
    with refused(ValueError, "words"):
        raise ValueError("." * before + "words" + "." * after)
    assert capsys.readouterr().out == f"✓ refused, ValueError: {line}\n"
