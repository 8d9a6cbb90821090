"""What a newer release has written: kept as a dead letter, and taken once its reader is upgraded and it is redriven."""

import copy
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import fastavro
import pytest

from penstock.producers.log import Outgoing, Record
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority
from penstock.runtime.put_backs import Means, PutBacks
from penstock.runtime.settings import Settings
from penstock.schemas.avro import Schema, self_contained
from penstock.schemas.codec import Codec
from penstock.schemas.compatibility import conflicts
from penstock.schemas.headers import DLQ_ERROR_MESSAGE, input_headers
from penstock.schemas.registry import pinned
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_INBOX, RUNS_GROUP, dead_letter_topic
from penstock.streams.runner import Runner

from .tally import CODEC, KEYRING, OPERATOR, World, input_record

FIRE = "penstock.run.FireTimer"
UPGRADE = "upgrade this one, then redrive"


class Knowing:
    """The pinned ids as a release knows them that has this for FireTimer's id."""

    def __init__(self, schema: Schema | None) -> None:
        self._schema = schema

    def id_of(self, record: str) -> int:
        return pinned().id_of(record)

    def schema_of(self, schema_id: int) -> Schema | None:
        return self._schema if schema_id == pinned().id_of(FIRE) else pinned().schema_of(schema_id)


def work_with(world: World, codec: Codec) -> None:
    """Read the inbox as a release does that has this codec."""
    log = world.log.another_client()
    runner = Runner(world.decider, world.journal, log, codec, KEYRING, "test")
    partition = world.partition("a")
    at = runner.take(partition)
    runner.handle(partition, list(log.read(RUN_INBOX, partition, at, log.bounds(RUN_INBOX, partition)[1])))


def letters(world: World) -> list[Record]:
    topic = dead_letter_topic(RUN_INBOX, RUNS_GROUP)
    every = range(world.log.partitions(topic))
    return [record for at in every for record in world.log.read(topic, at, *world.log.bounds(topic, at))]


def put_back(world: World, original: Record) -> Outgoing:
    publisher = Publisher(world.log, CODEC, KEYRING.signer(Authority.API), "test")
    means = Means(cast("Settings", None), cast("Any", world.log), publisher, KEYRING, CODEC)
    names = ("topic", "partition", "offset", "key", "value")
    row = {name: getattr(original, name) for name in names}
    return PutBacks(means, "local", OPERATOR).outgoing(row, 0, None)


@pytest.mark.parametrize(
    "schema",
    [None, {"type": "record", "name": "penstock.run.FireNewTimer", "fields": []}],
    ids=["an id that isn't known", "a record that isn't known"],
)
def test_a_newer_releases_input_is_kept_until_the_reader_knows_it(
    world: World, schema: Schema | None
) -> None:
    original = world.send("a", "one")
    work_with(world, Codec(Knowing(schema)))
    [letter] = letters(world)
    assert letter.value == original.value
    assert UPGRADE in (letter.header(DLQ_ERROR_MESSAGE) or b"").decode()
    world.log.append([put_back(world, original)])
    work_with(world, CODEC)
    assert world.notes("a") == ["one/0"]
    assert len(letters(world)) == 1


def written_by(newer: dict[str, Any], world: World, **fields: Any) -> Outgoing:
    """One of these under a newer version of its schema, signed."""
    sent = input_record("a", FireTimer(timer_id="one"))
    meta, body = CODEC.decode_input(sent.value or b"")
    stream = io.BytesIO((sent.value or b"")[:5])
    stream.seek(5)
    whole = {"meta": meta.to_avro(), **body.to_avro(), **fields}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(copy.deepcopy(newer)), whole)
    value = stream.getvalue()
    signature = KEYRING.signer(Authority.OPERATOR).sign(meta.type, meta.entity_id, meta.tenant, value)
    return replace(sent, value=value, headers=input_headers(meta, "test", signature))


def newer_fields(change: Callable[[list[dict[str, Any]]], object]) -> dict[str, Any]:
    newer: dict[str, Any] = copy.deepcopy(cast("dict[str, Any]", self_contained(FIRE)))
    change(newer["fields"])
    return newer


def test_what_the_lock_lets_follow_is_read_without_what_this_release_doesnt_know(world: World) -> None:
    device = {"name": "device", "type": "string", "default": "", "doc": "Where it rang."}
    newer = newer_fields(lambda fields: fields.append(device))
    assert not conflicts(newer, [(1, self_contained(FIRE))])
    world.log.append([written_by(newer, world, device="bell")])
    work_with(world, Codec(Knowing(newer)))
    assert world.notes("a") == ["one/0"]
    assert not letters(world)


def test_what_the_lock_refuses_is_a_dead_letter_whoever_wrote_it(world: World) -> None:
    """A field under another name, also one that names the old one as its alias: old readers don't know that."""
    newer = newer_fields(lambda fields: fields[1].update(name="alarm_id", aliases=["timer_id"]))
    assert conflicts(newer, [(1, self_contained(FIRE))])
    world.log.append([written_by(newer, world, alarm_id="one")])
    work_with(world, Codec(Knowing(newer)))
    assert not world.events("a")
    assert len(letters(world)) == 1
