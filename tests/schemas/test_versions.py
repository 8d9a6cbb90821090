"""Old code's records are read by new code, and new code's by old code, through the writer's schema id."""

import copy
import io
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.schemas.avro import Schema, self_contained
from penstock.schemas.codec import Codec, Undecodable, pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.registry import pinned
from penstock.schemas.run.records import CastVote

CAST = "penstock.run.CastVote"
OTHER_ID = 70_001
RUN = "330e33a1-3861-5cf0-b4db-54ae97c97fea"
META = InputMeta(
    id=RUN,
    type="CastVote",
    tenant="t",
    entity_id=RUN,
    time_ms=7,
    actor=Actor(kind="person", subject="m.okafor"),
)
VOTE = CastVote(approval_id=RUN, decision="grant", args_sha256="ab", reason="seen")


class WithOneMore:
    """The pinned ids, and one more schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def id_of(self, record: str) -> int:
        return pinned().id_of(record)

    def schema_of(self, schema_id: int) -> Schema | None:
        return self._schema if schema_id == OTHER_ID else pinned().schema_of(schema_id)


def other_version() -> Any:
    return copy.deepcopy(self_contained(CAST))


def value_of(schema: Schema, **fields: Any) -> bytes:
    """A value as code with another version of the schema writes it."""
    stream = io.BytesIO()
    stream.write(b"\0" + OTHER_ID.to_bytes(4, "big"))
    known = {"meta": META.to_avro(), **VOTE.to_avro()}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(copy.deepcopy(schema)), {**known, **fields})
    return stream.getvalue()


def decoded(schema: Schema, value: bytes) -> tuple[Any, Any]:
    return Codec(WithOneMore(schema)).decode_input(value)


def test_a_field_that_the_writer_didnt_have_gets_its_default() -> None:
    old = other_version()
    old["fields"] = [field for field in old["fields"] if field["name"] != "reason"]
    meta, body = decoded(old, value_of(old))
    assert (meta, body) == (META, CastVote(approval_id=RUN, decision="grant", args_sha256="ab", reason=""))


def test_a_field_that_the_reader_doesnt_have_is_passed_over() -> None:
    newer = other_version()
    newer["fields"].insert(2, {"name": "device", "type": ["null", "string"], "default": None})
    assert decoded(newer, value_of(newer, device="phone")) == (META, VOTE)


def test_a_symbol_that_the_reader_doesnt_have_becomes_the_default() -> None:
    newer = other_version()
    decision = next(field for field in newer["fields"] if field["name"] == "decision")
    decision["type"]["symbols"].append("abstain")
    assert decoded(newer, value_of(newer, decision="abstain"))[1].decision == "unknown"


def test_a_version_that_differs_in_docs_only_is_read_directly() -> None:
    newer = other_version()
    newer["doc"] = "A vote, described better."
    assert decoded(newer, value_of(newer)) == (META, VOTE)


def test_another_versions_record_is_checked_as_strictly_as_todays() -> None:
    newer = other_version()
    newer["fields"].append({"name": "device", "type": "string", "default": ""})
    good = value_of(newer, device="x")
    for bad in (
        good + b"\0",
        good[:-3],
        value_of(newer, device="x", reason="a\0b"),
        value_of(newer, device="x", meta={**META.to_avro(), "id": "1"}),
        value_of(newer, device="x", meta={**META.to_avro(), "type": "StartRun"}),
    ):
        with pytest.raises(Undecodable):
            decoded(newer, bad)


def incompatible() -> Any:
    schema = other_version()
    schema["fields"].pop(1)
    return schema


def unreadable_type() -> Any:
    schema = other_version()
    schema["fields"][1]["type"] = {"type": "array", "items": "string"}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        "string",
        {"type": "enum", "name": "CastVote", "namespace": "penstock.run", "symbols": ["a"]},
        {"type": "record", "name": CAST, "fields": [{"name": "x", "type": "nowhere.Known"}]},
        {"type": "record", "name": CAST},
        {"type": "record", "name": CAST, "fields": []},
        {"type": "record", "name": "penstock.run.Unheard", "fields": []},
        {},
        [],
        ["null", "string"],
        None,
        incompatible(),
        unreadable_type(),
    ],
)
def test_a_registrys_schema_that_makes_no_sense_here_is_undecodable(schema: Any) -> None:
    with pytest.raises(Undecodable):
        decoded(schema, b"\0" + OTHER_ID.to_bytes(4, "big") + pinned_codec().encode(META, VOTE)[5:])


NEWER = other_version()
NEWER["fields"].append({"name": "device", "type": {"type": "array", "items": "string"}, "default": []})
NEWER_CODEC = Codec(WithOneMore(NEWER))


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 120), st.integers(0, 6), st.binary(max_size=30))
def test_damaged_bytes_of_another_version_are_undecodable_and_nothing_worse(
    at: int, cut: int, put: bytes
) -> None:
    good = value_of(NEWER, device=["a", "b"])
    damaged = good[: 5 + at] + put + good[5 + at + cut :]
    try:
        _, body = NEWER_CODEC.decode_input(damaged)
    except Undecodable:
        return
    assert isinstance(body, CastVote)
