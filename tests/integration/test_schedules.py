"""Schedules on a real broker and Postgres: a worker that is killed around due times, and one that was down."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.cli.local.broker import LocalBroker
from penstock.producers.kafka import KafkaLog
from penstock.producers.publisher import Publisher
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import migrate
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import schedule_id, scheduled_run_id
from penstock.schemas.run.records import RunStarted
from penstock.schemas.schedule.records import Plan, ScheduleFired, ScheduleMissed, ScheduleRunRequested
from penstock.schemas.topics import ALL_TOPICS, RUN_EVENTS, SCHEDULE_EVENTS
from tests.integration.processes import Processes, eventually, processes
from tests.runner.tally import visible

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]

EVERY_MS = 1_000
PLAN = Plan(
    workflow="statement",
    input=json_payload({"case_id": "c"}),
    every_ms=EVERY_MS,
    catch_up="all",
    catch_up_max=1_000,
)
OLGA = Actor(kind="person", subject="olga", roles=("operator",))
WAIT_S = 60


@dataclass
class Site:
    """A broker, a database, a worker that hosts all agents, and what its log says."""

    log: KafkaLog
    client: ScheduleClient
    children: Processes

    def start(self, **environment: str) -> None:
        self.children.start("all", ["penstock.cli.main", "worker", "all", "--name", "all"], **environment)

    def wait_for(self, fired: int) -> None:
        """Until so many times have fired."""
        eventually(lambda: len(self.fired()) >= fired, WAIT_S, self.children.tails)

    def told(self, topic: str) -> list[tuple[str, object]]:
        """Entity and body of all that stands there, as a reader sees it that knows epochs."""
        records = [one for partition in range(6) for one in visible(self.log, partition, topic)]
        decoded = [pinned_codec().decode_event(record.value or b"") for record in records]
        return [(meta.entity_id, body) for meta, body in decoded]

    def fired(self) -> list[ScheduleFired]:
        return [body for _, body in self.told(SCHEDULE_EVENTS) if isinstance(body, ScheduleFired)]

    def all_is_done(self) -> bool:
        """Each run that was fired is known to be asked for, and has begun."""
        told = self.told(SCHEDULE_EVENTS)
        asked = {body.run_id for _, body in told if isinstance(body, ScheduleRunRequested)}
        fired = {one.run_id for one in self.fired()}
        return asked == fired == set(self.started())

    def started(self) -> Counter[str]:
        """How often each run began."""
        return Counter(run_id for run_id, body in self.told(RUN_EVENTS) if isinstance(body, RunStarted))


@pytest.fixture
def site(fresh_kafka: LocalBroker, database_url: str, tmp_path: Path) -> Iterator[Site]:
    kafka = fresh_kafka.bootstrap_servers
    ensure_topics(kafka, ALL_TOPICS)
    migrate(database_url)
    keyring = Keyring.create(tmp_path / "keys.json")
    log = KafkaLog(kafka, "tests")
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "PENSTOCK_HOME": str(tmp_path),
        "PENSTOCK_APPLICATION": "tests.cli.run_application:application",
        "PENSTOCK_SESSION_TIMEOUT_MS": "6000",
    }
    with (
        Publisher(log, pinned_codec(), keyring.signer(Authority.API), "tests") as publisher,
        processes(environment, tmp_path / "logs") as children,
    ):
        yield Site(log, ScheduleClient(publisher, "local", OLGA), children)
    log.close()


def await_a_due_time() -> None:
    """Until a moment at which a time has just come."""
    time.sleep((EVERY_MS - time.time_ns() // 1_000_000 % EVERY_MS) / 1000)


def test_each_nominal_time_starts_one_run_through_kills_and_a_time_of_being_down(site: Site) -> None:
    site.start()
    site.client.create("ticking", PLAN).wait(WAIT_S)
    site.wait_for(2)
    await_a_due_time()
    site.children.kill("all")
    site.start(PENSTOCK_CRASH_AT="mid-publish:3")
    eventually(lambda: site.children.died("all"), WAIT_S, site.children.tails)
    assert site.children.running.pop("all").returncode == -signal.SIGKILL, site.children.tails()
    # Nothing runs while some times pass.
    down_from = len(site.fired())
    eventually(
        lambda: time.time() * 1000 > site.fired()[-1].due_ms + 3 * EVERY_MS, WAIT_S, site.children.tails
    )
    site.start()
    site.wait_for(down_from + 4)
    site.client.pause("ticking", "enough").wait(WAIT_S)
    eventually(site.all_is_done, WAIT_S, site.children.tails)

    fired = site.fired()
    first, last = fired[0].due_ms, fired[-1].due_ms
    assert [one.due_ms for one in fired] == list(range(first, last + 1, EVERY_MS))
    missed = [body for _, body in site.told(SCHEDULE_EVENTS) if isinstance(body, ScheduleMissed)]
    assert all(one.from_ms > last for one in missed), (
        "only what had come due when it was paused may be missed"
    )
    own = schedule_id("local", "ticking")
    assert site.started() == {scheduled_run_id(own, one.due_ms): 1 for one in fired}
    begun = [body for _, body in site.told(RUN_EVENTS) if isinstance(body, RunStarted)]
    assert {one.requester for one in begun} == {"schedule:ticking"}
    assert {one.requesters_before for one in begun} == {("olga",)}
