"""Pickles read as data: the same as Python reads, or refused with a reason."""

import pickle
from pickle import UnpicklingError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils import pickles
from utils.pickles import read_pickle

BYTES = {  # how old protocols spell them
    "_codecs.encode": lambda text, code: text.encode(code),
    "__builtin__.bytes": bytes,
}
KEYS = st.text() | st.integers(0, 2**32 - 1)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(KEYS, inner)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.lists(inner, min_size=3).map(tuple)
    ),
)


@given(PLAIN, st.integers(0, 4))
def test_it_agrees_with_python(value, protocol):
    content = pickle.dumps([value, value], protocol)
    found = read_pickle(content, BYTES)
    assert found == pickle.loads(content)
    assert list(map(type, found)) == [type(value)] * 2
    if isinstance(value, list | dict):
        assert found[0] is found[1]  # remembered, not made twice


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"K\1\x86.", "takes what is not there"),
        (b"\x85.", "takes what is not there"),
        (b"K\1K\2a.", "appends to what is no list"),
        (b"K\1(K\2K\3e.", "appends to what is no list"),
        (b"]K\1K\2s.", "items to what is no dictionary"),
        (b"K\1(K\2K\3u.", "items to what is no dictionary"),
        (b"}(K\1K\2K\3u.", "ValueError"),
        (b"}NK\1s.", "a key that is no text"),
        (b"}\x88K\1s.", "a key that is no text"),
        (pickle.dumps({-1: 0}), "a key that is no text and no small number"),
        (pickle.dumps({2**32: 0}), "a key that is no text and no small number"),
        (b"K\1)R.", "calls what can't be called"),
        (b"X\1\0\0\0a)R.", "calls what can't be called"),
        (b"c_codecs\nencode\n]R.", "calls what can't be called"),
        (b"cos\nsystem\n.", "it asks for os.system, which is code"),
        (b"c" + b"x" * 70 + b"\ny\n.", f"asks for {'x' * 60}, which"),
        (b"Pstorage\n.", "the step PERSID, no step of plain data"),
        (b"K\1Q.", "the step BINPERSID, no step of plain data"),
        (b"]p4294967296\n.", "the step PUT"),
        (b"K\1K\2.", "ValueError"),
        (b".", "ValueError"),
        (b"h\0.", "KeyError"),
        (b"K\1", "ValueError"),
    ],
)
def test_what_is_refused(content, words):
    with pytest.raises(UnpicklingError, match=words):
        read_pickle(content, BYTES)


def test_the_largest_slot_takes_no_memory():
    assert read_pickle(b"]r\xff\xff\xff\xff.", {}) == []
    with pytest.raises(UnpicklingError, match="the step PUT"):
        read_pickle(b"]p-1\n.", {})


def test_steps_are_counted(monkeypatch):
    monkeypatch.setattr(pickles, "MOST_STEPS", 6)
    assert read_pickle(b"]K\1aK\2a.", {}) == [1, 2]  # six steps
    with pytest.raises(UnpicklingError, match="more than 6 steps"):
        read_pickle(b"]K\1a(K\2e.", {})


def test_what_refers_to_something_outside():
    assert read_pickle(b"K\7Q.", {}, lambda reference: reference * 6) == 42


def test_an_object_is_given_its_state():
    class Thing:
        def build(self, state):
            self.state = state

    found = read_pickle(b"cours\nThing\n)RK\5b.", {"ours.Thing": Thing})
    assert found.state == 5
