"""The log's contract, kept by the log in memory and by Kafka alike."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from tests.producers.samples import Records

from penstock.producers.errors import LogRefused, RecordTooLarge, UnknownTopic
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing, Record, SoonLog
from penstock.producers.memory import MemoryLog
from penstock.producers.size import record_bytes
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import RECORD_BYTES_MAX

PARTITIONS = 3
Place: TypeAlias = tuple[SoonLog, str]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.broker)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A log and a topic of three partitions on it."""
    if request.param == "memory":
        yield MemoryLog({"topic": PARTITIONS}), "topic"
        return
    make_topic: Callable[..., str] = request.getfixturevalue("kafka_topics")
    topic = make_topic(partitions=PARTITIONS, config={"max.message.bytes": str(RECORD_BYTES_MAX)})
    log = KafkaLog(request.getfixturevalue("kafka"), "tests")
    yield log, topic
    log.close()


def test_appended_records_come_back_as_they_stand(place: Place, make_records: Records) -> None:
    log, topic = place
    sent = make_records(topic, 20)
    stored = log.append(sent)
    assert [(r.key, r.value, r.headers) for r in stored] == [(o.key, o.value, o.headers) for o in sent]
    for partition in range(PARTITIONS):
        expected = [record for record in stored if record.partition == partition]
        assert list(log.read(topic, partition, *log.bounds(topic, partition))) == expected
        assert [record.offset for record in expected] == list(range(len(expected)))


def test_a_record_stands_where_murmur2_puts_its_key(place: Place, make_records: Records) -> None:
    log, topic = place
    for record in log.append(make_records(topic, 200)):
        assert record.key is not None
        assert record.partition == partition_of(record.key, PARTITIONS)


def test_a_record_for_a_named_partition_stands_there(place: Place) -> None:
    log, topic = place
    stored = log.append([Outgoing(topic, b"any", b"v", (), partition) for partition in (2, 0, 1)])
    assert [record.partition for record in stored] == [2, 0, 1]


def test_append_times_are_the_logs_and_do_not_go_back(place: Place, make_records: Records) -> None:
    log, topic = place
    times = [log.append(make_records(topic, 1, key=b"same"))[0].time_ms for _ in range(5)]
    assert times == sorted(times)
    assert times[0] > 1_600_000_000_000


def test_a_missing_key_value_or_header_value_stays_missing(place: Place) -> None:
    log, topic = place
    (stored,) = log.append([Outgoing(topic, None, None, (("empty", b""), ("empty", b"twice")), 0)])
    (read,) = log.read(topic, 0, 0, 1)
    assert read == stored
    assert (read.key, read.value) == (None, None)
    assert read.headers == (("empty", b""), ("empty", b"twice"))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 10, range(10)),
        (3, 6, range(3, 6)),
        (9, 10, [9]),
        (4, 4, []),
        (6, 3, []),
        (8, 99, [8, 9]),
        (10, 20, []),
    ],
)
def test_a_read_is_the_records_between_two_offsets(
    place: Place, make_records: Records, start: int, end: int, expected: range | list[int]
) -> None:
    log, topic = place
    key = b"one partition"
    partition = log.append(make_records(topic, 10, key=key))[0].partition
    assert [record.offset for record in log.read(topic, partition, start, end)] == list(expected)


def test_reads_may_be_interleaved_and_left_unfinished(place: Place, make_records: Records) -> None:
    log, topic = place
    partition = log.append(make_records(topic, 50, key=b"k"))[0].partition
    left = log.read(topic, partition, 0, 50)
    right = log.read(topic, partition, 25, 50)
    assert [next(left).offset, next(right).offset, next(left).offset] == [0, 25, 1]
    del left, right
    assert len(list(log.read(topic, partition, 0, 50))) == 50


def test_a_topic_that_is_not_there_is_named(place: Place, make_records: Records) -> None:
    log, _ = place
    for call in (
        lambda: log.append(make_records("absent", 1)),
        lambda: log.bounds("absent", 0),
        lambda: list(log.read("absent", 0, 0, 1)),
        lambda: log.partitions("absent"),
        lambda: log.identity("absent"),
    ):
        with pytest.raises(UnknownTopic, match="absent"):
            call()


def test_a_partition_that_is_not_there_is_named_and_nothing_is_sent(place: Place) -> None:
    log, topic = place
    with pytest.raises(UnknownTopic, match="partition 3"):
        log.append([Outgoing(topic, b"k", b"v", (), 0), Outgoing(topic, b"k", b"v", (), PARTITIONS)])
    assert log.bounds(topic, 0) == (0, 0)
    with pytest.raises(UnknownTopic, match="partition 3"):
        log.bounds(topic, PARTITIONS)


def test_partitions_and_identity_are_the_topics(place: Place) -> None:
    log, topic = place
    assert log.partitions(topic) == PARTITIONS
    identity = log.identity(topic)
    assert identity == log.identity(topic)
    assert identity.cluster_id
    assert identity.topic_id


def test_an_oversize_record_is_refused_before_anything_is_sent(place: Place, make_records: Records) -> None:
    log, topic = place
    fits, *_ = make_records(topic, 1, key=b"k", size_bytes=RECORD_BYTES_MAX - 130)
    too_large, *_ = make_records(topic, 1, key=b"k", size_bytes=RECORD_BYTES_MAX)
    partition = partition_of(b"k", PARTITIONS)
    assert RECORD_BYTES_MAX - 10 < record_bytes(fits) <= RECORD_BYTES_MAX
    with pytest.raises(RecordTooLarge) as caught:
        log.append([fits, too_large, fits])
    assert caught.value.limit_bytes == RECORD_BYTES_MAX
    assert log.bounds(topic, partition) == (0, 0)
    # The neighbours go through without it, though all of them together are over the limit.
    assert [record.offset for record in log.append([fits, fits, fits])] == [0, 1, 2]
    with pytest.raises(RecordTooLarge):
        log.append_soon(too_large, lambda _: None)


def test_records_handed_over_stand_in_order_and_are_answered(place: Place, make_records: Records) -> None:
    log, topic = place
    answers: list[object] = []
    for record in make_records(topic, 300, key=b"k"):
        log.append_soon(record, answers.append)
    log.close()
    values = [answer.value for answer in answers if isinstance(answer, Record)]
    assert values == [record.value for record in make_records(topic, 300, key=b"k")]


def test_a_closed_log_takes_nothing_and_closes_again(place: Place, make_records: Records) -> None:
    log, topic = place
    log.append(make_records(topic, 1))
    log.close()
    log.close()
    with pytest.raises(LogRefused, match="closed"):
        log.append(make_records(topic, 1))
    with pytest.raises(LogRefused, match="closed"):
        log.append_soon(make_records(topic, 1)[0], lambda _: None)


def test_appending_nothing_is_nothing(place: Place) -> None:
    log, _ = place
    assert list(log.append([])) == []
