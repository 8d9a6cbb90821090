"""The log on a real Kafka, where it differs from any other log: threads, gaps, outages."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.producers.samples import Records

from penstock.cli.local.broker import LocalBroker
from penstock.producers.errors import LogRefused
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing, Record
from penstock.producers.topics_admin import ensure_topics
from penstock.schemas.topics import BY_NAME, RUN_INBOX

pytestmark = pytest.mark.broker
Topics = Callable[..., str]


@pytest.fixture
def log(kafka: str) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka, "tests")
    yield log
    log.close()


def everything(log: KafkaLog, topic: str) -> list[Record]:
    return [
        record
        for partition in range(log.partitions(topic))
        for record in log.read(topic, partition, *log.bounds(topic, partition))
    ]


def test_eight_threads_each_get_their_own_records_in_order(
    log: KafkaLog, kafka_topics: Topics, make_records: Records
) -> None:
    topic = kafka_topics(partitions=6)

    def append(number: int) -> list[Record]:
        stored: list[Record] = []
        for turn in range(20):
            sent = make_records(topic, 10, tag=f"thread{number}-{turn}")
            answer = log.append(sent)
            assert [(r.key, r.value, r.headers) for r in answer] == [
                (o.key, o.value, o.headers) for o in sent
            ]
            stored += answer
        return stored

    with ThreadPoolExecutor(8) as threads:
        by_thread = list(threads.map(append, range(8)))
    for stored in by_thread:
        for partition in range(6):
            offsets = [record.offset for record in stored if record.partition == partition]
            assert offsets == sorted(offsets)
    there = {(record.partition, record.offset): record for record in everything(log, topic)}
    assert there == {(r.partition, r.offset): r for stored in by_thread for r in stored}
    assert len(there) == 8 * 20 * 10


def test_reading_goes_over_gaps_in_the_offsets(log: KafkaLog, kafka_topics: Topics, kafka: str) -> None:
    topic = kafka_topics()
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic})
    producer.init_transactions(30)
    for number in range(3):  # Each commit leaves a marker behind its record: an offset without a record.
        producer.begin_transaction()
        producer.produce(topic, value=f"{number}".encode(), key=b"k")
        producer.commit_transaction(30)
    first, end = log.bounds(topic, 0)
    assert (first, end) == (0, 6)
    assert [(r.offset, r.value) for r in log.read(topic, 0, 0, end)] == [(0, b"0"), (2, b"1"), (4, b"2")]
    assert [r.offset for r in log.read(topic, 0, 1, 4)] == [2]
    assert list(log.read(topic, 0, 5, 6)) == []


def test_a_record_over_the_brokers_own_limit_ends_the_log(
    log: KafkaLog, kafka_topics: Topics, make_records: Records
) -> None:
    topic = kafka_topics(config={"max.message.bytes": "1000"})
    with pytest.raises(LogRefused, match="MSG_SIZE_TOO_LARGE"):
        log.append(make_records(topic, 1, size_bytes=2000))
    with pytest.raises(LogRefused, match="MSG_SIZE_TOO_LARGE"):
        log.append(make_records(topic, 1))
    assert log.bounds(topic, 0) == (0, 0)


def test_a_handed_over_record_that_is_refused_ends_the_log(
    log: KafkaLog, kafka_topics: Topics, make_records: Records
) -> None:
    topic = kafka_topics(config={"max.message.bytes": "1000"})
    answers: list[object] = []
    answered = threading.Event()

    def on_done(outcome: Record | Exception) -> None:
        answers.append(outcome)
        answered.set()

    log.append_soon(make_records(topic, 1, size_bytes=2000)[0], on_done)
    assert answered.wait(30)
    assert [type(answer) for answer in answers] == [LogRefused]
    with pytest.raises(LogRefused, match="MSG_SIZE_TOO_LARGE"):
        log.append(make_records(topic, 1))


def test_a_refused_append_still_reads(log: KafkaLog, kafka_topics: Topics, make_records: Records) -> None:
    topic = kafka_topics(config={"max.message.bytes": "1000"})
    (stored,) = log.append(make_records(topic, 1))
    with pytest.raises(LogRefused):
        log.append(make_records(topic, 1, size_bytes=2000))
    assert list(log.read(topic, 0, 0, 1)) == [stored]


def test_a_topic_made_anew_has_another_identity(kafka: str, log: KafkaLog, kafka_topics: Topics) -> None:
    one, two = kafka_topics(), kafka_topics()
    assert log.identity(one).cluster_id == log.identity(two).cluster_id
    assert log.identity(one).topic_id != log.identity(two).topic_id


def test_closing_without_a_broker_ends_the_waits(make_records: Records) -> None:
    log = KafkaLog("127.0.0.1:1", "tests", close_s=0.2)
    with ThreadPoolExecutor(2) as threads:
        waits: list[Future[Any]] = [
            threads.submit(log.append, make_records(RUN_INBOX, 1)),
            threads.submit(log.bounds, RUN_INBOX, 0),
        ]
        time.sleep(0.3)
        assert not any(wait.done() for wait in waits)
        log.close()
        for wait in waits:
            with pytest.raises(LogRefused, match="closed"):
                wait.result(30)


class Appenders:
    """Threads that append batches until they are told to stop, and remember what was acknowledged."""

    def __init__(self, append: Callable[[str, int], Sequence[Record]], count: int) -> None:
        self.stop = threading.Event()
        self.stored: list[list[Record]] = [[] for _ in range(count)]
        self.longest_s = 0.0
        self._append = append
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        turn = 0
        while not self.stop.is_set():
            began = time.monotonic()
            self.stored[number] += self._append(f"thread{number}", turn)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            turn += 1

    def advance(self) -> None:
        """Wait until every thread has appended some more."""
        before = [len(stored) for stored in self.stored]
        deadline = time.monotonic() + 60
        while any(len(stored) < old + 200 for stored, old in zip(self.stored, before, strict=True)):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def join(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def test_a_broker_killed_in_the_middle_loses_nothing_and_repeats_nothing(fresh_kafka: LocalBroker) -> None:
    ensure_topics(fresh_kafka.bootstrap_servers, [BY_NAME[RUN_INBOX]])
    log = KafkaLog(fresh_kafka.bootstrap_servers, "tests")

    def append(tag: str, turn: int) -> Sequence[Record]:
        batch = [
            Outgoing(
                RUN_INBOX,
                b"%s-%d" % (tag.encode(), number % 7),
                b"%s:%d:%d" % (tag.encode(), turn, number),
                (),
            )
            for number in range(20)
        ]
        return log.append(batch)

    handed_over: list[Record | Exception] = []
    appenders = Appenders(append, 4)
    for round_ in range(2):
        appenders.advance()
        for number in range(500):
            log.append_soon(
                Outgoing(RUN_INBOX, b"soon", b"soon:%d:%d" % (round_, number), ()), handed_over.append
            )
        fresh_kafka.kill()
        for number in range(500, 1000):
            log.append_soon(
                Outgoing(RUN_INBOX, b"soon", b"soon:%d:%d" % (round_, number), ()), handed_over.append
            )
        time.sleep(1)
        fresh_kafka.start()
    appenders.advance()
    appenders.join()
    log.close()

    acknowledged = [record for stored in appenders.stored for record in stored]
    acknowledged += [record for record in handed_over if isinstance(record, Record)]
    with_place = {(record.partition, record.offset): record for record in acknowledged}
    reader = KafkaLog(fresh_kafka.bootstrap_servers, "tests")
    there = {(record.partition, record.offset): record for record in everything(reader, RUN_INBOX)}
    reader.close()
    assert appenders.longest_s > 1
    assert len(handed_over) == 2000
    assert len(acknowledged) == len(with_place) > 4000
    assert there == with_place
    in_order = [record.value for record in there.values() if record.key == b"soon"]
    assert in_order == [b"soon:%d:%d" % (round_, number) for round_ in range(2) for number in range(1000)]
