"""A topic of a test's own on a real broker, and projectors over it, in threads and in processes that may be killed."""

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from confluent_kafka import Producer
from psycopg.rows import TupleRow

from penstock.audit.compare import behind, compare
from penstock.audit.projector import Projector
from penstock.producers.kafka import KafkaLog
from penstock.runtime.settings import Settings
from tests.conftest import TopicMaker
from tests.views.database import address
from tests.views.histories import Historian, case_review, new_run

Views = psycopg.Connection[TupleRow]
DEADLINE_S = 60.0


class Stage:
    """A topic of this test's own, its dead letters, a group, and projectors over them."""

    def __init__(self, kafka: str, views: Views, topics: TopicMaker) -> None:
        self.kafka = kafka
        self.views = views
        self.log = KafkaLog(kafka, "test")
        self.topic = topics("events", partitions=3)
        self.dead = topics("events.dlq", partitions=1)
        self.group = f"test-{uuid.uuid4()}"
        self.historian = Historian(self.log, topic=self.topic)

    def projector(self, name: str = "") -> Projector:
        settings = Settings(
            kafka_bootstrap_servers=self.kafka,
            database_url=address(self.views),
            worker_name=name,
            session_timeout_ms=6000,
        )
        return Projector(settings, self.log, (self.topic, self.dead), self.group)

    @contextmanager
    def process(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        script = Path(__file__).with_name("projector_process.py")
        topics = f"{self.topic},{self.dead}"
        arguments = [self.kafka, address(self.views), topics, self.group, name]
        started = subprocess.Popen([sys.executable, str(script), *arguments])
        try:
            yield started
        finally:
            started.kill()
            started.wait()

    def write_reviews(self, number: int) -> None:
        """That many case reviews, interleaved."""
        histories = {run_id: case_review(run_id) for run_id in (new_run() for _ in range(number))}
        for bodies in zip(*histories.values(), strict=True):
            self.log.append(
                [self.historian.outgoing(run, body) for run, body in zip(histories, bodies, strict=True)]
            )

    def write_aborted(self) -> None:
        """A record and the mark of an aborted transaction at the end of each partition."""
        producer = Producer({"bootstrap.servers": self.kafka, "transactional.id": self.group})
        producer.init_transactions(30)
        producer.begin_transaction()
        for partition in range(self.log.partitions(self.topic)):
            producer.produce(self.topic, b"no event", b"key", partition)
        producer.flush(30)
        producer.abort_transaction(30)
        producer.close()

    def behind(self) -> int:
        return behind(self.views, self.log, self.topic)

    def assert_views_equal_the_log(self) -> None:
        eventually(lambda: self.behind() == 0)
        assert compare(self.views, self.log, self.topic).differences == ()


@contextmanager
def running(*projectors: Projector) -> Iterator[list[BaseException]]:
    """Projectors in threads; what they raised, after they were stopped."""
    raised: list[BaseException] = []

    def run(projector: Projector) -> None:
        try:
            projector.run()
        except Exception as error:  # noqa: BLE001 the test looks at whatever it is
            raised.append(error)

    threads = [threading.Thread(target=run, args=[projector]) for projector in projectors]
    for thread in threads:
        thread.start()
    try:
        yield raised
    finally:
        for projector in projectors:
            projector.stop()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert not any(thread.is_alive() for thread in threads)


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.05)
