"""Search attributes: what fits, what doesn't, and that a record holds them in one form."""

import pytest

from penstock.schemas.attributes import (
    ATTRIBUTES_MAX,
    InvalidAttributes,
    decode_attributes,
    encode_attributes,
    pair,
    pairs,
)


def test_they_travel_in_one_form_and_come_back() -> None:
    given: dict[str, str | int | float | bool] = {
        "urgent": True,
        "desk": "disputes ✓",
        "amount": 12.5,
        "n": -7,
    }
    text = encode_attributes(given)
    assert text == '{"amount":12.5,"desk":"disputes ✓","n":-7,"urgent":true}'
    assert decode_attributes(text) == given
    assert pairs(text) == ("amount=12.5", 'desk="disputes ✓"', "n=-7", "urgent=true")


def test_none_is_none() -> None:
    assert encode_attributes(None) is encode_attributes({}) is None
    assert decode_attributes(None) == {}
    assert pairs(None) == ()


def test_a_number_and_its_digits_are_not_the_same() -> None:
    assert pair("n", 7) != pair("n", "7")
    assert pair("n", 7) == pair("n", 7.0)


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"": 1}, "name"),
        ({"1st": 1}, "name"),
        ({"a b": 1}, "name"),
        ({"a" * 64: 1}, "name"),
        ({"a\n": 1}, "name"),
        ({"a": "x" * 201}, "200"),
        ({"a": "\x00"}, "NUL"),
        ({"a": "\ud800"}, "canonical"),
        ({"a": None}, "string"),
        ({"a": [1]}, "string"),
        ({"a": {}}, "string"),
        ({"a": float("nan")}, "string"),
        ({"a": 2**60}, "canonical"),
        ({f"a{n}": n for n in range(ATTRIBUTES_MAX + 1)}, "at most 16"),
        ({f"a{n}": "\x01" * 200 for n in range(ATTRIBUTES_MAX)}, "bytes"),
    ],
)
def test_what_does_not_fit_is_told(attributes: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidAttributes, match=complaint):
        encode_attributes(attributes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"a": 1}', '{"b":1,"a":2}', '{"a":null}', "{}", "9" * 5000, "[" * 4000]
)
def test_another_form_of_them_is_refused(text: str) -> None:
    with pytest.raises(InvalidAttributes):
        decode_attributes(text)
