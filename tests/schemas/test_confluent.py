"""The live registry, when it answers: ids, schemas, and what isn't ours."""

import pytest
from tests.schemas.small_registry import CANCEL, Clock, Registry, live

from penstock.schemas.avro import schema_text, standalone
from penstock.schemas.codec import Codec, Undecodable, codec_for
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.run.records import CancelRun

RUN = "330e33a1-3861-5cf0-b4db-54ae97c97fea"
META = InputMeta(
    id=RUN,
    type="CancelRun",
    tenant="t",
    entity_id=RUN,
    time_ms=7,
    actor=Actor(kind="person", subject="m.okafor"),
)
BODY = CancelRun(reason="withdrawn")


def test_a_record_goes_through_a_live_registry_and_back(registry: type[Registry], url: str) -> None:
    value = codec_for(url).encode(META, BODY)
    assert int.from_bytes(value[1:5], "big") == registry.first_id
    # Another process, which has registered nothing, finds the schema by its id.
    assert codec_for(url + "/").decode_input(value) == (META, BODY)
    assert registry.subjects == {f"penstock.run.inbox-{CANCEL}": [registry.first_id]}
    assert registry.texts == [schema_text(CANCEL)]


def test_each_schema_is_asked_for_once(registry: type[Registry], url: str) -> None:
    codec = codec_for(url)
    values = [codec.encode(META, BODY) for _ in range(3)]
    for value in values:
        codec.decode_input(value)
    assert registry.requests == [
        f"POST /subjects/penstock.run.inbox-{CANCEL}/versions",
        f"GET /schemas/ids/{registry.first_id}",
    ]


def test_the_preflight_registers_every_record(registry: type[Registry], url: str) -> None:
    live(url).register_all()
    assert len(registry.texts) == len(list(standalone()))


def test_an_id_that_the_registry_doesnt_know_is_undecodable(registry: type[Registry], url: str) -> None:
    clock = Clock()
    schemas = live(url, clock)
    value = b"\0" + (7).to_bytes(4, "big") + b"x"
    for _ in range(3):
        with pytest.raises(Undecodable, match="no Avro schema 7"):
            Codec(schemas).decode_input(value)
    assert registry.requests == ["GET /schemas/ids/7"]
    clock.now += 60.0
    assert schemas.schema_of(7) is None
    assert len(registry.requests) == 2


def test_a_schema_of_another_format_is_undecodable(registry: type[Registry], url: str) -> None:
    registry.answers.append((200, {"schema": "syntax = 'proto3';", "schemaType": "PROTOBUF"}))
    assert live(url).schema_of(9) is None


def test_a_schema_of_another_owner_is_undecodable(registry: type[Registry], url: str) -> None:
    registry.answers.append((200, {"schema": '{"type":"record","name":"x.Y","fields":[]}'}))
    with pytest.raises(Undecodable, match=r"there is no x\.Y here"):
        Codec(live(url)).decode_input(b"\0" + (9).to_bytes(4, "big"))


def test_a_record_of_no_topic_has_no_id(url: str) -> None:
    with pytest.raises(KeyError, match="belongs to no topic"):
        live(url).id_of("penstock.run.RunForgotten")


def test_memory_for_unknown_ids_is_bounded(
    registry: type[Registry], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock.schemas import confluent

    monkeypatch.setattr(confluent, "UNKNOWN_IDS_MAX", 3)
    schemas = live(url)
    for schema_id in range(1, 8):
        assert schemas.schema_of(schema_id) is None
    assert len(schemas._unknown) <= 3
