"""The ways in which Faust 0.15 loses or stalls events that our runner could meet, each on the real thing."""

import asyncio
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from penstock.producers.log import Outgoing, Record
from penstock.runtime.settings import Settings
from penstock.schemas.run.records import FireTimer
from penstock.streams.feed import Feed
from penstock.streams.host import Appended
from penstock.streams.worker import OwnPollers, worker_app
from tests.chaos.matrix.workers import wait_until_up
from tests.integration.conftest import Start, finish
from tests.integration.processes import Processes, eventually
from tests.integration.tally_topics import NAMES, PARTITIONS, TallyTopics
from tests.runner.tally import entity, input_record


class FailingHost:
    """A host whose database, say, is beside itself."""

    topic, group_id, fetch_min_bytes, fault = "t", "g", 1, None
    appends_to, appends_alone, pace_s = "u", False, 0.0

    def __init__(self) -> None:
        self.appended = Appended()

    def take(self, partition: int) -> int:
        return 0

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        raise RuntimeError("not handled")

    def drop(self, partition: int) -> None:
        """Nothing to let go of."""

    def stop(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing to close."""


def test_an_exception_ends_the_worker_and_acknowledges_nothing() -> None:
    """Trap 1: an exception that leaves an agent acknowledges the event and loses it."""
    failures: list[BaseException] = []
    with ThreadPoolExecutor(1) as thread:
        feed = Feed(FailingHost(), thread, failures.append)
        feed.assigned([0])
        eventually(lambda: feed.starts() == {0: 0}, 5, lambda: "never taken")
        record = Record("t", 0, 7, 0, b"k", b"v", ())
        asyncio.run(feed.handle(feed.delivery({0: [record]})))
        assert feed.positions == {0: 0}
        feed.hand([record], all_of_them=True)
        asyncio.run(feed.handle(feed.delivery({0: [record]})))
    assert [str(error) for error in failures] == ["not handled"], "nothing more is begun"


def test_faust_itself_neither_reads_nor_counts_offsets(tmp_path: Path) -> None:
    """Traps 2, 4, 7, 8: its count of what was acknowledged has an off-by-one, its producer isn't idempotent."""
    settings = Settings(home=tmp_path, kafka_bootstrap_servers="127.0.0.1:1")
    app = worker_app([lambda _: FailingHost()], settings)
    boot = app.boot_strategy
    assert isinstance(boot, OwnPollers)
    for services in (boot.kafka_consumer(), boot.kafka_producer(), boot.kafka_conductor(), boot.tables()):
        assert list(services) == []


@pytest.mark.broker
def test_reading_starts_from_our_positions_whatever_the_group_has_committed(
    kafka: str, topics: TallyTopics, workers: Processes, start: Start
) -> None:
    """Traps 2 and 3: offsets that were committed too far lose nothing, because nobody starts from them."""
    topics.send(5)
    group = f"penstock.streams.{topics.noun}"
    too_far = [
        TopicPartition(topics.inbox, p, topics.log.bounds(topics.inbox, p)[1]) for p in range(PARTITIONS)
    ]
    admin = AdminClient({"bootstrap.servers": kafka})
    request = ConsumerGroupTopicPartitions(group, too_far)
    admin.alter_consumer_group_offsets([request])[group].result(30)
    start("one")
    finish(topics, workers)


@pytest.mark.broker
def test_the_groups_offsets_follow_for_lag_tools(
    kafka: str, topics: TallyTopics, workers: Processes, start: Start
) -> None:
    """Trap 2, the other half: what lag tools see is what was handled."""
    start("one")
    topics.send(5)
    finish(topics, workers)
    group = f"penstock.streams.{topics.noun}"
    admin = AdminClient({"bootstrap.servers": kafka})
    ends = {p: topics.log.bounds(topics.inbox, p)[1] for p in range(PARTITIONS)}

    def committed() -> dict[int, int]:
        request = ConsumerGroupTopicPartitions(group)
        found = admin.list_consumer_group_offsets([request])[group].result(30)
        return {place.partition: place.offset for place in found.topic_partitions}

    eventually(lambda: committed() == ends, 20, lambda: f"{committed()} isn't {ends}\n{workers.tails()}")


@pytest.mark.broker
@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_a_strangers_compressed_batch_is_read(
    kafka: str, topics: TallyTopics, workers: Processes, start: Start, codec: str
) -> None:
    """Trap 13: without the codecs' packages the worker dies of the first such batch, again and again."""
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": kafka,
        "compression.type": codec,
        "partitioner": "murmur2_random",
        "linger.ms": 50,
    }
    producer = Producer(settings)
    for name in NAMES:
        made = input_record(name, FireTimer(timer_id="compressed" * 20))
        producer.produce(topics.inbox, made.value, made.key, headers=list(made.headers))
        topics.sent[entity(name)].append("compressed" * 20)
    assert producer.flush(30) == 0
    start("one")
    finish(topics, workers)


@pytest.mark.broker
def test_what_no_codec_can_read_stops_nothing(topics: TallyTopics, workers: Processes, start: Start) -> None:
    """Trap 6: Faust acknowledges what it can't decode, or stops; so it is given nothing to decode."""
    key = entity(NAMES[0]).encode()
    strange = [
        (None, None),
        (key, None),
        (None, b"x"),
        (key, b""),
        (key, b"\x00\x00\x00\x00\x01\xff"),
        (b"\xff", b"{}"),
    ]
    topics.log.append([Outgoing(topics.inbox, k, v, (("h", b"\xff"),), partition=1) for k, v in strange])
    topics.send(2)
    start("one")
    finish(topics, workers)
    dead = f"{topics.inbox}.penstock.streams.{topics.noun}.dlq"
    letters = list(topics.log.read(dead, 1, *topics.log.bounds(dead, 1)))
    assert [(letter.key, letter.value) for letter in letters] == strange


@pytest.mark.broker
def test_a_slow_batch_holds_up_no_rebalance(topics: TallyTopics, workers: Processes, start: Start) -> None:
    """Trap 10: slow work awaited inside an agent blocks rebalances for up to a minute."""
    start("one", static=False)
    topics.send(1)
    eventually(topics.done, 30, workers.tails)
    start("two", static=False)
    # It has imported and hasn't joined: on a busy machine it imports for longer than the batch takes.
    wait_until_up(workers.running["two"])
    workers.signal("two", signal.SIGSTOP)
    slow = input_record(NAMES[0], FireTimer(timer_id="slow"))
    topics.log.append([Outgoing(topics.inbox, slow.key, slow.value, slow.headers)])
    topics.sent[entity(NAMES[0])].append("slow")
    time.sleep(0.5)
    began = time.monotonic()
    workers.signal("two", signal.SIGCONT)
    took = "took penstock"
    eventually(lambda: took in (workers.logs / "two.log").read_text(), 30, workers.tails)
    assert time.monotonic() - began < 8, "the other worker had partitions while the slow batch was in hand"
    topics.send(1)
    finish(topics, workers)


@pytest.mark.broker
def test_no_worker_opens_fausts_web_server(topics: TallyTopics, workers: Processes, start: Start) -> None:
    """Trap 12: it serves everything on :6066, to anyone."""
    start("one")
    topics.send(1)
    finish(topics, workers)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", 6066)) != 0
