"""Property tests: what is encoded comes back, as fastavro sees it too; what isn't a record is Undecodable."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.schemas.avro import definition, kind, named_types, self_contained
from penstock.schemas.bodies import EVENTS, FACTS, INPUTS, EventBody, FactBody, InputBody
from penstock.schemas.codec import FRAME_BYTES, Undecodable, pinned_codec
from penstock.schemas.envelope import records as envelope
from penstock.schemas.envelope.records import EventMeta, InputMeta
from penstock.schemas.schedule import records as schedules

BODIES: dict[str, type[InputBody] | type[EventBody] | type[FactBody]] = {**INPUTS, **EVENTS, **FACTS}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)
UUIDS = st.uuids().map(str)
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "bytes": st.binary(max_size=300),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
}


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Values of an Avro type, as Avro libraries take them."""
    schema = definition(schema)
    match schema:
        case str():
            return PRIMITIVES[schema]
        case ["null", branch]:
            return st.none() | values(branch)
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols)
        case {"type": "array", "items": items}:
            return st.lists(values(items), max_size=4)
        case {"type": "record", "fields": fields}:
            return st.fixed_dictionaries({field["name"]: values(field["type"]) for field in fields})
    raise AssertionError(schema)


def fields_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """The fields of a whole record, meta among them, with the ids and the type that an envelope must have."""

    def well_formed(fields: dict[str, Any], first: str, second: str) -> dict[str, Any]:
        meta = {**fields["meta"], "id": first, "entity_id": second, "type": name.rpartition(".")[2]}
        return {**fields, "meta": meta}

    return st.builds(well_formed, values(name), UUIDS, UUIDS)


def built(name: str, fields: dict[str, Any]) -> tuple[Any, Any]:
    meta = EventMeta if name in EVENTS else InputMeta
    return meta.from_avro(fields["meta"]), BODIES[name].from_avro(fields)


def decoding(name: str) -> Callable[[bytes], tuple[Any, Any]]:
    if name in FACTS:
        return pinned_codec().decode_fact
    return pinned_codec().decode_input if name in INPUTS else pinned_codec().decode_event


@pytest.mark.parametrize("name", sorted(BODIES))
def test_every_record_comes_back_as_it_was_and_fastavro_writes_the_same_bytes(name: str) -> None:
    schema = fastavro.parse_schema(self_contained(name))

    @settings(max_examples=40, deadline=None)
    @given(fields_of(name))
    def holds(fields: dict[str, Any]) -> None:
        meta, body = built(name, fields)
        value = pinned_codec().encode(meta, body)
        assert decoding(name)(value) == (meta, body)
        witness = io.BytesIO()
        fastavro.schemaless_writer(witness, schema, {"meta": meta.to_avro(), **body.to_avro()})
        assert value[FRAME_BYTES:] == witness.getvalue()
        assert fastavro.schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), schema, None) == fields

    holds()


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_undecodable_and_nothing_worse(value: bytes) -> None:
    for decode in (pinned_codec().decode_input, pinned_codec().decode_event, pinned_codec().decode_fact):
        with pytest.raises(Undecodable):
            decode(value)


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 60), st.binary(max_size=400))
def test_arbitrary_bytes_under_a_known_schema_are_undecodable_and_nothing_worse(
    schema_id: int, tail: bytes
) -> None:
    for decode in (pinned_codec().decode_input, pinned_codec().decode_event, pinned_codec().decode_fact):
        with pytest.raises(Undecodable):
            decode(b"\0" + schema_id.to_bytes(4, "big") + tail)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A record's value with a few bytes replaced, removed or put in."""
    name = draw(st.sampled_from(sorted(BODIES)))
    value = bytearray(pinned_codec().encode(*built(name, draw(fields_of(name)))))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(FRAME_BYTES, max(FRAME_BYTES, len(value) - 1)))
        value[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=11))
    return name, bytes(value)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_a_damaged_record_is_undecodable_or_another_valid_record(case: tuple[str, bytes]) -> None:
    name, value = case
    try:
        meta, body = decoding(name)(value)
    except Undecodable:
        return
    assert decoding(name)(pinned_codec().encode(meta, body)) == (meta, body)


PARTS = sorted(
    name for name, schema in named_types().items() if schema["type"] == "record" and kind(schema) == "part"
)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_comes_back_from_its_avro_form(name: str) -> None:
    part = getattr(schedules if ".schedule." in name else envelope, name.rpartition(".")[2])

    @settings(max_examples=30, deadline=None)
    @given(values(name))
    def holds(fields: dict[str, Any]) -> None:
        assert part.from_avro(fields).to_avro() == fields

    holds()


def test_the_strategies_cover_every_record() -> None:
    covered: Sequence[str] = sorted(BODIES)
    assert covered == sorted(name for name, schema in named_types().items() if kind(schema) != "part")
