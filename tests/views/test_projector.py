"""The projector on a real broker and Postgres: killed, doubled, cut from its database, made to start over."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit.applier import PositionRefused
from penstock.audit.compare import behind, compare
from penstock.audit.projector import Projector, run
from penstock.audit.rebuild import rebuild
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing
from penstock.runtime.exits import STAY_DOWN
from penstock.runtime.settings import Settings
from tests.conftest import TopicMaker
from tests.views.database import address
from tests.views.histories import Historian, case_review, new_run, started

pytestmark = pytest.mark.broker
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

    def behind(self) -> int:
        return behind(self.views, self.log, self.topic)

    def assert_views_equal_the_log(self) -> None:
        eventually(lambda: self.behind() == 0)
        assert compare(self.views, self.log, self.topic).differences == ()


@pytest.fixture
def stage(kafka: str, views: Views, kafka_topics: TopicMaker) -> Iterator[Stage]:
    made = Stage(kafka, views, kafka_topics)
    yield made
    made.log.close()


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


def test_what_is_written_is_shown(stage: Stage) -> None:
    stage.write_reviews(20)
    stage.log.append([Outgoing(stage.dead, b"key", b"broken", ())])
    with running(stage.projector()) as raised:
        eventually(lambda: stage.behind() == 0)
        stage.write_reviews(5)
        stage.assert_views_equal_the_log()
        eventually(lambda: stage.views.execute("SELECT count(*) FROM views.dead_letter").fetchone() == (1,))
    assert raised == []
    assert stage.views.execute("SELECT count(*), min(status) FROM views.run").fetchone() == (25, "completed")


def test_a_projector_that_is_killed_again_and_again_shows_each_record_once(stage: Stage) -> None:
    def write() -> None:
        for _ in range(12):
            stage.write_reviews(15)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(4):
        with stage.process("one") as process:
            seen = stage.views.execute("SELECT count(*) FROM views.run_event").fetchone()
            eventually(
                lambda seen=seen: (
                    stage.views.execute("SELECT count(*) FROM views.run_event").fetchone() != seen  # type: ignore[misc]
                    or (not writer.is_alive() and stage.behind() == 0)
                )
            )
            os.kill(process.pid, signal.SIGKILL)
    writer.join()
    with stage.process("one"):
        stage.assert_views_equal_the_log()
    assert stage.views.execute("SELECT count(*) FROM views.run").fetchone() == (180,)


def test_projectors_that_come_and_go_share_the_work_and_repeat_none(stage: Stage) -> None:
    stage.write_reviews(10)
    with running(stage.projector("a")) as raised:
        eventually(lambda: stage.behind() == 0)
        with running(stage.projector("b"), stage.projector("c")) as raised_too:
            for _ in range(5):
                stage.write_reviews(5)
                eventually(lambda: stage.behind() == 0)
        stage.write_reviews(5)
        stage.assert_views_equal_the_log()
    assert raised + raised_too == []


def test_a_projector_outlives_its_database_connections(stage: Stage) -> None:
    with running(stage.projector()) as raised:
        for _ in range(3):
            stage.write_reviews(5)
            stage.views.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            stage.write_reviews(5)
        stage.assert_views_equal_the_log()
    assert raised == []


def test_views_are_made_anew_under_a_running_projector(stage: Stage) -> None:
    stage.write_reviews(10)
    with running(stage.projector()) as raised:
        eventually(lambda: stage.behind() == 0)
        assert rebuild(address(stage.views)) == 10
        stage.log.append([stage.historian.outgoing(new_run(), started())])
        stage.assert_views_equal_the_log()
    assert raised == []
    assert stage.views.execute("SELECT count(*) FROM views.run").fetchone() == (11,)


def test_views_of_another_log_stop_the_projector_with_the_way_out(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.write_reviews(2)
    with running(stage.projector()):
        eventually(lambda: stage.behind() == 0)
    stage.views.execute("UPDATE views.position SET cluster_id = 'another'")
    with running(stage.projector()) as raised:
        eventually(lambda: bool(raised))
    (error,) = raised
    assert isinstance(error, PositionRefused)
    assert "penstock rebuild-views" in str(error)
    assert run(stage.projector()) == STAY_DOWN
    assert "penstock rebuild-views" in capsys.readouterr().err
