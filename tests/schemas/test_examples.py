"""The examples ship with the schemas: one a record, true to its schema and to the laws of ids and hashes."""

import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.validation import validate

from penstock.schemas.avro import FOLDER, declared, is_record, kind, self_contained
from penstock.schemas.bodies import EVENTS, FACTS, INPUTS
from penstock.schemas.canonical import canonical_json, read_payload, sha256_hex
from penstock.schemas.codec import FRAME_BYTES, pinned_codec
from penstock.schemas.envelope.records import EventMeta, InputMeta, Payload
from penstock.schemas.ids import event_id, is_uuid, partition_of, run_id, schedule_id, tenant_id
from penstock.schemas.topics import BY_NAME

RECORDS = sorted(name for name in declared() if is_record(name))
BODIES = {**INPUTS, **EVENTS, **FACTS}
MESSAGES = sorted(BODIES)


def example_path(name: str) -> Path:
    _, folder, short = name.split(".")
    return FOLDER / folder / "examples" / f"{short}.json"


def example(name: str) -> dict[str, Any]:
    """The example's fields. The files are in Avro's JSON encoding, one record each."""
    line = json.dumps(json.loads(example_path(name).read_text("utf-8")))
    [fields] = fastavro.json_reader(io.StringIO(line), fastavro.parse_schema(self_contained(name)))
    assert isinstance(fields, dict)
    return fields


def test_each_record_has_an_example_and_each_example_a_record() -> None:
    assert sorted(FOLDER.glob("*/examples/*")) == sorted(example_path(name) for name in RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_the_example_is_what_its_schema_says(name: str) -> None:
    schema = fastavro.parse_schema(self_contained(name))
    assert validate(example(name), schema, raise_errors=True, strict=True)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_example_round_trips(name: str) -> None:
    fields = example(name)
    meta_type = EventMeta if name in EVENTS else InputMeta
    meta, body = meta_type.from_avro(fields["meta"]), BODIES[name].from_avro(fields)
    value = pinned_codec().encode(meta, body)
    codec = pinned_codec()
    decode = {"input": codec.decode_input, "event": codec.decode_event, "fact": codec.decode_fact}
    assert decode[kind(declared()[name])](value) == (meta, body)
    schema = fastavro.parse_schema(self_contained(name))
    assert fastavro.schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), schema, None) == fields


def test_the_examples_keep_the_laws_of_derived_ids() -> None:
    run = run_id("harbor-bank", "intake-7f41")
    schedule = schedule_id("harbor-bank", "nightly-review")
    for name in MESSAGES:
        meta = example(name)["meta"]
        of_no_run = {
            **dict.fromkeys((one for one in MESSAGES if ".schedule." in one), schedule),
            "penstock.log.PartitionTaken": None,
            "penstock.operator.OperatorActed": tenant_id("harbor-bank"),
        }
        assert meta["entity_id"] == (of_no_run.get(name, run) or meta["entity_id"])
        if kind(declared()[name]) == "event":
            cause = meta["cause"]
            assert meta["id"] == event_id(meta["entity_id"], cause["id"], cause["index"])
            assert cause["index"] < cause["count"]
            if cause["topic"] == "penstock.run.inbox":
                assert cause["partition"] == partition_of(run.encode(), BY_NAME[cause["topic"]].partitions)
                assert meta["time_ms"] == cause["time_ms"]


def payloads(node: Any) -> list[dict[str, Any]]:
    """Every payload envelope in a record's fields."""
    if isinstance(node, dict):
        mine = [node] if "content_type" in node else []
        return mine + [found for inner in node.values() for found in payloads(inner)]
    return []


def test_the_examples_payloads_are_canonical_and_match_their_hashes() -> None:
    found = [Payload.from_avro(fields) for name in RECORDS for fields in payloads(example(name))]
    assert len(found) >= 9
    for payload in found:
        content = read_payload(payload)
        assert canonical_json(json.loads(content)) == content


@pytest.mark.parametrize("name", RECORDS)
def test_ids_and_hashes_in_the_examples_have_their_form(name: str) -> None:
    def look(node: Any, field: str) -> None:
        if isinstance(node, dict):
            for inner, value in node.items():
                look(value, inner)
        elif isinstance(node, str) and (field == "id" or field.endswith("_id")) and field != "key_id":
            assert is_uuid(node), field
        elif isinstance(node, str) and field.endswith(("sha256", "code_hash")):
            assert len(node) == len(sha256_hex(b"")), field
            assert set(node) <= set("0123456789abcdef"), field

    look(example(name), "")
