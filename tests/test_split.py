"""The split of lesson 1.2: fair, complete, the same everywhere."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import CHAPTER_1

source = (CHAPTER_1 / "1_2_split_dataset.py").read_text(encoding="utf-8")
(definition,) = [
    node
    for node in ast.parse(source).body
    if isinstance(node, ast.FunctionDef) and node.name == "deal"
]
lesson = {}
exec("import random\n" + ast.unparse(definition), lesson)
deal = lesson["deal"]

names = st.lists(st.text(min_size=1, max_size=5), min_size=3, max_size=200, unique=True)
ratios = st.lists(st.integers(1, 20), min_size=2, max_size=3)
seeds = st.integers(0, 2**31)


@given(names, ratios, seeds)
def test_every_name_is_dealt_once(names, ratio, seed):
    lists = deal(names, ratio, seed)
    assert len(lists) == len(ratio)
    assert sorted(name for some in lists for name in some) == sorted(names)
    assert all(lists)


@given(names, ratios, seeds, st.randoms())
def test_the_order_that_names_come_in_does_not_matter(names, ratio, seed, random):
    shuffled = random.sample(names, len(names))
    assert deal(names, ratio, seed) == deal(shuffled, ratio, seed)


@given(st.integers(40, 3000), ratios, seeds)
def test_sizes_are_within_one_of_their_share(count, ratio, seed):
    lists = deal([f"{i:05d}" for i in range(count)], ratio, seed)
    for some, part in zip(lists, ratio, strict=True):
        assert abs(len(some) - count * part / sum(ratio)) <= 1


def test_another_seed_is_another_split():
    cards = [f"{i:03d}" for i in range(100)]
    assert deal(cards, (8, 1, 1), 0) != deal(cards, (8, 1, 1), 1)
    assert deal(cards, (8, 1, 1), 0)[0] != cards[:80]  # shuffled, not cut


@pytest.mark.parametrize(
    ("count", "ratio"), [(2, (8, 1, 1)), (9, (1, 0)), (9, (1, -1))]
)
def test_what_cannot_be_dealt_is_refused(count, ratio):
    with pytest.raises(ValueError, match="can't deal"):
        deal([str(i) for i in range(count)], ratio, 0)
