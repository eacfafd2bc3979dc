"""The keys of a fractional index: between any two there is another."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from taskwell.records.positions import DIGITS, between
from taskwell.types import POSITION_LENGTH

KEY = re.compile("[0-9a-z]*[1-9a-z]")
keys = st.text(DIGITS, min_size=1, max_size=12).filter(KEY.fullmatch)


@given(st.lists(keys, min_size=2, max_size=2, unique=True).map(sorted))
def test_between_two_keys_there_is_one(two: list[str]) -> None:
    lower, upper = two
    key = between(lower, upper)
    assert lower < key < upper
    assert KEY.fullmatch(key)
    assert len(key) <= max(map(len, two)) + 1


@given(keys)
def test_before_and_after_each_key_there_is_one(key: str) -> None:
    before, after = between("", key), between(key, None)
    assert before < key < after
    assert KEY.fullmatch(before)
    assert KEY.fullmatch(after)


def test_the_first_of_all_keys_is_in_the_middle() -> None:
    assert between("", None) == "i"


@given(st.lists(st.integers(0, 2**20), min_size=1, max_size=120))
def test_any_insertions_keep_an_order(places: list[int]) -> None:
    row: list[str] = []
    for number in places:
        place = number % (len(row) + 1)
        row.insert(place, between(row[place - 1] if place else "", row[place] if place < len(row) else None))
    assert all(one < other for one, other in pairwise(row))
    assert all(map(KEY.fullmatch, row))


@given(st.lists(st.booleans(), min_size=250, max_size=250))
def test_some_hundreds_between_the_same_two_need_no_more_than_a_key_has(sides: list[bool]) -> None:
    lower, upper = "h", "i1h"
    for is_after in sides:
        key = between(lower, upper)
        lower, upper = (key, upper) if is_after else (lower, key)
    assert len(key) < POSITION_LENGTH
