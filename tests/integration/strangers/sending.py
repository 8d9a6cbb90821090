"""Sends records as strangers do: without keys, compressed, in transactions, under names of headers that are no text."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from unittest.mock import patch

from aiokafka import AIOKafkaProducer
from aiokafka.producer import message_accumulator
from aiokafka.producer import producer as producing
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from confluent_kafka import KafkaError, KafkaException, Message, Producer

Way: TypeAlias = Literal["plain", "gzip", "lz4", "zstd", "snappy", "committed", "aborted", "raw header names"]
COMPRESSED: Final = ("gzip", "lz4", "zstd", "snappy")
TRANSACTIONS: Final = ("committed", "aborted")
BUILDER: Final = "DefaultRecordBatchBuilder"
BYTES_MAX: Final = 300 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hostile:
    """A record, where it is put and how. `time_ms` is what its producer says, which the log doesn't believe."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    way: Way = "plain"
    time_ms: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands; `refused` says why it stands nowhere."""

    topic: str
    partition: int
    offset: int
    refused: str = ""


class _Name(str):
    """A header's name that is no text on the wire."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return str.encode(self, "latin-1")


def send(bootstrap_servers: str, records: Sequence[Hostile]) -> list[Place]:
    """Where each of them stands, in their order."""
    places: dict[int, Place] = {}
    by_way: dict[str, list[tuple[int, Hostile]]] = {}
    for number, record in enumerate(records):
        by_way.setdefault(record.way, []).append((number, record))
    for way, some in by_way.items():
        if way == "raw header names":
            # The one that is compiled takes nothing but text.
            with (
                patch.object(message_accumulator, BUILDER, Builder),
                patch.object(producing, BUILDER, Builder),
            ):
                places |= asyncio.run(_raw(bootstrap_servers, some))
        else:
            places |= _produced(bootstrap_servers, way, some)
    return [places[number] for number in range(len(records))]


def _settings(bootstrap_servers: str, way: str) -> Mapping[str, str | int | bool]:
    told: dict[str, str | int | bool] = {
        "bootstrap.servers": bootstrap_servers,
        "acks": "all",
        "message.max.bytes": BYTES_MAX,
        "queue.buffering.max.kbytes": BYTES_MAX // 256,
        # One record a batch: the broker judges a batch as a whole.
        "batch.num.messages": 1,
        "message.timeout.ms": 60_000,
        "log_level": 0,
    }
    if way in COMPRESSED:
        told["compression.type"] = way
    if way in TRANSACTIONS:
        told["transactional.id"] = f"stranger-{way}"
    return told


def _produced(bootstrap_servers: str, way: str, some: Sequence[tuple[int, Hostile]]) -> dict[int, Place]:
    places: dict[int, Place] = {}
    producer = Producer(dict(_settings(bootstrap_servers, way)))
    if way in TRANSACTIONS:
        producer.init_transactions(30)
        producer.begin_transaction()
    for number, record in some:

        def note(
            error: KafkaError | None, answer: Message, number: int = number, record: Hostile = record
        ) -> None:
            offset = answer.offset()
            at = -1 if error is not None or offset is None else offset
            places[number] = Place(record.topic, record.partition, at, "" if error is None else error.name())

        try:
            producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
                timestamp=record.time_ms,
                on_delivery=note,
            )
        except KafkaException as error:
            places[number] = Place(record.topic, record.partition, -1, str(error))
    producer.flush(60)
    if way == "committed":
        producer.commit_transaction(30)
    elif way == "aborted":
        producer.abort_transaction(30)
    producer.close()
    return places


async def _raw(bootstrap_servers: str, some: Sequence[tuple[int, Hostile]]) -> dict[int, Place]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await producer.start()
    try:
        places: dict[int, Place] = {}
        for number, record in some:
            headers = [(_Name(name), value) for name, value in record.headers]
            at = await producer.send_and_wait(
                record.topic, record.value, record.key, record.partition, headers=headers
            )
            places[number] = Place(record.topic, record.partition, at.offset)
        return places
    finally:
        await producer.stop()
