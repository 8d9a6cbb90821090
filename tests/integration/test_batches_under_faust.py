"""The batch consumer on a real broker: rebalances, SIGKILL, SIGSTOP, redelivery. Nothing lost, nothing twice."""

import itertools
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import FireTimer
from tests.integration.processes import Processes, eventually, processes
from tests.runner.tally import CODEC, entity, input_record, visible

pytestmark = pytest.mark.broker

PARTITIONS = 4
NAMES = [f"e{i}" for i in range(40)]


class TallyTopics:
    """A noun of its own on the shared broker, inputs to it and what became of them."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.noun = f"t{uuid.uuid4().hex[:8]}"
        self.inbox, self.events = f"penstock.{self.noun}.inbox", f"penstock.{self.noun}.events"
        self.log = KafkaLog(bootstrap_servers, "test")
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._numbers = itertools.count()
        self.sent: dict[str, list[str]] = {entity(name): [] for name in NAMES}
        dead = f"{self.inbox}.penstock.streams.{self.noun}.dlq"
        config = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
        topics = [NewTopic(topic, PARTITIONS, 1, config=config) for topic in (self.inbox, self.events, dead)]
        for future in self._admin.create_topics(topics).values():
            future.result(30)

    def send(self, rounds: int) -> None:
        """One input for every entity, so many times."""
        for _ in range(rounds):
            batch = []
            for name in NAMES:
                note = f"n{next(self._numbers)}"
                made = input_record(name, FireTimer(timer_id=note))
                batch.append(Outgoing(self.inbox, made.key, made.value, made.headers))
                self.sent[entity(name)].append(note)
            self.log.append(batch)

    def histories(self) -> dict[str, list[tuple[int, str]]]:
        """(seq, note) of each entity, as a reader sees them."""
        found: dict[str, list[tuple[int, str]]] = {entity(name): [] for name in NAMES}
        for partition in range(PARTITIONS):
            for record in visible(self.log, partition, self.events):
                meta, body = CODEC.decode_event(record.value or b"")
                assert isinstance(body, InputAccepted)
                found[meta.entity_id].append((meta.entity_seq, body.note.partition("/")[0]))
        return found

    def done(self) -> bool:
        ends = sum(self.log.bounds(self.events, p)[1] for p in range(PARTITIONS))
        if ends < sum(map(len, self.sent.values())):
            return False
        return sum(map(len, self.histories().values())) >= sum(map(len, self.sent.values()))

    def check(self) -> None:
        """Every input once, in the order in which it was sent, without gaps."""
        for entity_id, history in self.histories().items():
            assert history == list(enumerate(self.sent[entity_id], start=1))


Start = Callable[..., None]


@pytest.fixture
def topics(kafka: str) -> TallyTopics:
    return TallyTopics(kafka)


@pytest.fixture
def workers(kafka: str, database_url: str, tmp_path: Path) -> Iterator[Processes]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "PENSTOCK_HOME": str(tmp_path),
    }
    with processes(environment, tmp_path / "logs") as children:
        yield children


@pytest.fixture
def start(workers: Processes, topics: TallyTopics) -> Start:
    def start(name: str, static: bool = True, **environment: str) -> None:
        words = ["tests.integration.tally_process", topics.noun, *([name] if static else [])]
        workers.start(name, words, **environment)

    return start


def finish(topics: TallyTopics, workers: Processes, seconds: float = 60) -> None:
    eventually(topics.done, seconds, lambda: f"not done after {seconds} s\n{workers.tails()}")
    topics.check()


def test_a_worker_handles_every_input_in_order(topics: TallyTopics, workers: Processes, start: Start) -> None:
    topics.send(20)
    start("one")
    finish(topics, workers)


def test_a_joining_worker_and_a_leaving_one_lose_nothing(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one", static=False)
    topics.send(10)
    start("two", static=False)
    for _ in range(60):
        topics.send(1)
        time.sleep(0.05)
    workers.signal("one", signal.SIGTERM)
    topics.send(10)
    finish(topics, workers)
    assert workers.running["one"].wait(20) == 0, workers.tails()


def test_a_killed_worker_that_comes_back_under_its_name_goes_on_at_once(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one")
    for round_ in range(4):
        topics.send(5)
        time.sleep(2.0 if round_ == 0 else 0.7)
        workers.kill("one")
        start("one")
    began = time.monotonic()
    finish(topics, workers)
    assert time.monotonic() - began < 15, "static membership: nobody waits for the session to end"


@pytest.mark.parametrize(
    "point", ["after-receive", "after-commit", "mid-publish", "after-publish", "before-ack", "while-taking"]
)
def test_sigkill_at_a_named_point(topics: TallyTopics, workers: Processes, start: Start, point: str) -> None:
    topics.send(5)
    start("one", PENSTOCK_CRASH_AT=f"{point}:3")

    def dies_of_work() -> bool:
        topics.send(1)
        return workers.died("one")

    eventually(dies_of_work, 30, lambda: f"{point} was never reached\n{workers.tails()}")
    assert workers.running.pop("one").returncode == -signal.SIGKILL
    topics.send(5)
    start("one")
    finish(topics, workers)


def test_a_stopped_worker_that_wakes_up_is_seen_by_nobody(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one", static=False)
    topics.send(5)
    eventually(topics.done, 30, workers.tails)
    topics.send(200)
    workers.signal("one", signal.SIGSTOP)
    start("two", static=False)
    eventually(topics.done, 60, workers.tails)
    workers.signal("one", signal.SIGCONT)
    topics.send(5)
    finish(topics, workers)
    time.sleep(5)
    topics.check()
