"""Canonical JSON and payload envelopes."""

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from penstock.schemas.canonical import (
    DEPTH_MAX,
    INLINE_BYTES_MAX,
    JSON,
    NotCanonical,
    PayloadTooLarge,
    PayloadUnreadable,
    canonical_json,
    json_payload,
    payload_of,
    read_payload,
    sha256_hex,
    too_deep,
)
from penstock.schemas.envelope.records import Payload


def test_canonical_json_is_rfc_8785() -> None:
    # The example of the RFC, section 3.2.2.
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert canonical_json(value) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_utf_16_units() -> None:
    assert canonical_json({"\U0001f600": 1, "\ufb33": 2, "a": 3}) == '{"a":3,"😀":1,"\ufb33":2}'.encode()


def test_equal_values_have_equal_bytes_whatever_their_order() -> None:
    assert canonical_json({"a": 1, "b": [1, 2]}) == canonical_json({"b": (1, 2), "a": 1})


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53 + 1,
        {1: "a"},
        {"a": object()},
        b"bytes",
        "\ud800",
        {"\ud800": 1},
        {1, 2},
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


def test_nesting_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotCanonical):
        canonical_json(endless)


def test_a_payload_holds_the_bytes_their_type_and_hash() -> None:
    payload = json_payload({"b": 1, "a": "é"})
    content = '{"a":"é","b":1}'.encode()
    assert payload.content == content
    assert payload.sha256 == hashlib.sha256(content).hexdigest() == sha256_hex(content)
    assert payload.content_type == "application/json"
    assert (payload.reference, payload.key_id) == (None, None)
    assert read_payload(payload) == payload.content
    assert payload_of(b"x", "text/plain").content_type == "text/plain"


def test_a_payload_over_the_inline_limit_is_refused() -> None:
    assert read_payload(payload_of(b"x" * INLINE_BYTES_MAX)) == b"x" * INLINE_BYTES_MAX
    with pytest.raises(PayloadTooLarge, match="262145 bytes"):
        payload_of(b"x" * (INLINE_BYTES_MAX + 1))


def test_a_payload_that_isnt_what_its_hash_says_cant_be_read() -> None:
    good = payload_of(b"{}")
    for bad in (
        dataclasses.replace(good, content=b"[]"),
        dataclasses.replace(good, sha256=""),
        dataclasses.replace(good, sha256=good.sha256.upper()),
        dataclasses.replace(good, sha256="é"),
    ):
        with pytest.raises(PayloadUnreadable, match="aren't those"):
            read_payload(bad)


def test_a_payload_that_is_elsewhere_erased_or_encrypted_says_so() -> None:
    good = payload_of(b"{}")
    with pytest.raises(PayloadUnreadable, match="blobs/1"):
        read_payload(dataclasses.replace(good, content=None, reference="blobs/1"))
    with pytest.raises(PayloadUnreadable, match="erased"):
        read_payload(dataclasses.replace(good, content=None))
    with pytest.raises(PayloadUnreadable, match="person-7"):
        read_payload(dataclasses.replace(good, key_id="person-7"))


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_deeper_than_readers_go_is_no_content(opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + closing * depth

    assert not too_deep(nested(DEPTH_MAX))
    assert not too_deep(b'["' + b"[" * 5000 + b'"]')
    assert not too_deep(b"[" + b"[]," * 5000 + b"1]")
    assert too_deep(nested(DEPTH_MAX + 1))
    assert too_deep(b"[" * 100_000)
    assert canonical_json(json.loads(nested(DEPTH_MAX))) == nested(DEPTH_MAX)
    with pytest.raises(NotCanonical):
        canonical_json(json.loads(nested(DEPTH_MAX + 1)))
    deep = nested(DEPTH_MAX + 1)
    with pytest.raises(PayloadUnreadable):
        read_payload(Payload(content_type=JSON, content=deep, sha256=sha256_hex(deep)))
