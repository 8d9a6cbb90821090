"""Derived ids against uuid, placement against Java's vectors and librdkafka itself."""

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Message, Producer
from hypothesis import given
from hypothesis import strategies as st

from penstock.schemas.ids import (
    dead_letter_id,
    derived_id,
    event_id,
    is_uuid,
    murmur2,
    partition_entity_id,
    partition_of,
    run_id,
)

RUN = "330e33a1-3861-5cf0-b4db-54ae97c97fea"


@given(st.uuids(), st.text(st.characters(codec="utf-8")))
def test_a_derived_id_is_uuid5(entity: uuid.UUID, name: str) -> None:
    assert derived_id(str(entity), name) == str(uuid.uuid5(entity, name))


def test_a_derived_id_of_what_is_no_uuid_is_refused() -> None:
    with pytest.raises(ValueError, match="hex"):
        derived_id("run-1", "x")


def test_an_event_id_follows_from_entity_cause_and_index() -> None:
    assert event_id(RUN, "c", 0) == str(uuid.uuid5(uuid.UUID(RUN), "c:0"))
    assert event_id(RUN, "c", 0) != event_id(RUN, "c", 1)


def test_ids_of_runs_are_the_same_for_good() -> None:
    # These stand on logs: a change here would start each of them again under another id.
    assert run_id("harbor-bank", "intake-7f41") == RUN
    assert partition_entity_id("penstock.run.events", 3) == "2cb8061d-780c-55c3-a0ee-677af4233f56"
    assert dead_letter_id("penstock.run.inbox", 3, 41207) == "949bad11-4a1b-5855-8a5e-295276487246"


def test_tenants_dont_share_runs_and_no_two_ids_are_confused() -> None:
    ids = [
        run_id("a", "b"),
        run_id("b", "a"),
        run_id("a:b", ""),
        run_id("", "a:b"),
        partition_entity_id("t", 1),
        dead_letter_id("t", 1, 1),
        dead_letter_id("t", 11, 1),
        dead_letter_id("t", 1, 11),
    ]
    assert len(set(ids)) == len(ids)
    assert all(is_uuid(one) for one in ids)


def test_only_the_lower_case_hyphenated_form_is_a_uuid() -> None:
    assert is_uuid(RUN)
    for other in (RUN.upper(), RUN.replace("-", ""), f"{{{RUN}}}", f"urn:uuid:{RUN}", "", "x" * 36):
        assert not is_uuid(other)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_javas(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected


@pytest.fixture
def producer() -> Iterator[Producer]:
    """A real librdkafka producer with our partitioner, over the mock cluster that librdkafka carries."""
    made = Producer({"test.mock.num.brokers": 1, "partitioner": "murmur2_random", "linger.ms": 5})
    yield made
    made.flush(10)


def test_keys_stand_where_librdkafkas_murmur2_random_puts_them(producer: Producer) -> None:
    placed: dict[bytes, int] = {}

    def delivered(error: object, record: Message) -> None:
        assert error is None
        key, partition = record.key(), record.partition()
        assert isinstance(key, bytes)
        assert partition is not None
        placed[key] = partition

    keys = [str(uuid.UUID(int=number * 7919)).encode() for number in range(200)]
    keys += [bytes(range(length)) for length in range(1, 64)]
    for key in keys:
        producer.produce("placement", key=key, value=b"", on_delivery=delivered)
    assert producer.flush(30) == 0
    partitions = len(producer.list_topics("placement", timeout=10).topics["placement"].partitions)
    assert partitions > 1
    assert placed == {key: partition_of(key, partitions) for key in keys}


def test_a_partition_is_within_the_topic() -> None:
    assert {partition_of(str(number).encode(), 6) for number in range(200)} == set(range(6))
    for key in (b"", b"foobar", b"k" * 64, b"k" * 65, b"k" * 10_000):
        assert [partition_of(key, 7) for _ in range(2)] == [(murmur2(key) & 0x7FFFFFFF) % 7] * 2
