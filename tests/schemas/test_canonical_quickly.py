"""Canonical JSON by the quick way: the same bytes, and the same refusals, as rfc8785's."""

import enum
import math
import struct
import sys
import uuid
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from penstock.schemas import canonical
from penstock.schemas.canonical import DEPTH_MAX, NotCanonical, canonical_json


class Colour(enum.Enum):
    RED = "red"


class Mode(str, enum.Enum):  # noqa: UP042 as people write it
    FAST = "fast"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    """Text of a type of its own."""


class Amount(float):
    """A number of a type of its own."""


class Bag(dict[str, Any]):
    """A mapping of a type of its own."""


HOSTILE_TEXT = st.text(
    st.one_of(
        st.characters(codec=None),  # lone surrogates too
        st.sampled_from(
            '"\\/\b\f\n\r\t\x00\x01\x1f\x7f\x80\u2028\u2029\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600'
        ),
    ),
    max_size=6,
)
EDGES = (
    0.0,
    -0.0,
    1.0,
    1e-4,
    9.99e-5,
    1e-6,
    1e-7,
    0.1,
    1e15,
    1e16,
    1e20,
    1e21,
    1e22,
    5e-324,
    420.0,
    333333333.33333329,
)
HOSTILE_FLOATS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(min_value=1e-5, max_value=1e16),
    st.sampled_from(EDGES).flatmap(
        lambda at: st.sampled_from((at, -at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf)))
    ),
)
HOSTILE_INTEGERS = st.one_of(
    st.integers(),
    st.integers(-5, 5),
    st.integers(2**53 - 3, 2**53 + 3),
    st.integers(-(2**53) - 3, -(2**53) + 3),
)
STRANGERS = st.sampled_from(
    (Colour.RED, Mode.FAST, Level.HIGH, Name("n"), Amount(1.5), Bag(a=1), uuid.UUID(int=7), b"b", {1}, 1j,
     orjson.Fragment(b"1"), object())
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), HOSTILE_TEXT, HOSTILE_INTEGERS, HOSTILE_FLOATS)
KEYS = st.one_of(
    HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT, st.sampled_from((1, None, True, 1.5, Name("k"), Mode.FAST))
)


def nested(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(keys, inner, max_size=5),
        ),
        max_leaves=12,
    )


def as_the_reference(value: Any) -> bytes | None:
    try:
        encoded: bytes = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        return None
    return encoded


def as_ours(value: Any) -> bytes | None:
    try:
        return canonical_json(value)
    except NotCanonical:
        return None


@given(st.one_of(nested(SCALARS, HOSTILE_TEXT), nested(st.one_of(SCALARS, STRANGERS), KEYS)))
@example({"\U0001f600": 1, "\ufb33": 2})
@example({"a": [float("nan"), None]})
@example([uuid.UUID(int=1)])
@example([True, 1, 1.0, -0.0, 2**53 - 1, 2**53])
def test_the_same_bytes_or_the_same_refusal(value: Any) -> None:
    assert as_ours(value) == as_the_reference(value)


@given(st.dictionaries(HOSTILE_TEXT, st.none(), min_size=2, max_size=6))
def test_the_same_order_of_keys(value: dict[str, None]) -> None:
    assert as_ours(value) == as_the_reference(value)


@given(
    st.one_of(HOSTILE_FLOATS, st.binary(min_size=8, max_size=8).map(lambda raw: struct.unpack("<d", raw)[0]))
)
def test_the_same_digits_of_floats(number: float) -> None:
    assert as_ours([number]) == as_the_reference([number])


class Row(BaseModel):
    name: str
    amount: float
    count: int
    mode: Mode
    note: str | None
    at: tuple[int, ...]


@given(st.lists(st.builds(Row), max_size=3))
def test_the_same_bytes_of_what_pydantic_dumps(rows: list[Row]) -> None:
    rows_of = TypeAdapter(list[Row])
    for dumped in (rows_of.dump_python(rows), rows_of.dump_python(rows, mode="json")):
        assert as_ours(dumped) == as_the_reference(dumped)


@pytest.mark.parametrize(
    "value", [{"case_id": "c-7", "score": 0.87, "notes": [None, "é", "😀"], "open": True}, [], "", 7]
)
def test_ordinary_values_take_the_quick_way(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rfc8785.dumps(value)
    monkeypatch.delattr(rfc8785, "dumps")
    assert canonical_json(value) == expected


@pytest.mark.parametrize("depth", [100, DEPTH_MAX, sys.getrecursionlimit() * 2])
def test_the_same_depth(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    assert as_ours(value) == as_the_reference(value)


def test_the_quick_way_says_when_it_does_not_know() -> None:
    assert canonical._quick([1.0]) is None
    assert canonical._quick({"\U0001f600": 1, "\ufb33": 2}) is None
    assert canonical._quick([Colour.RED]) is None
