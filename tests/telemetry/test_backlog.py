"""Depth and oldest age, from a real broker and a real Postgres."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from penstock.cli.local import ports
from penstock.cli.local.broker import LocalBroker
from penstock.cli.status import GroupLine, Looker, Status
from penstock.cli.status_watch import watch
from penstock.producers.kafka import KafkaLog
from penstock.producers.kafka_backlog import BrokerSilent, KafkaBacklog
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import connect, migrate
from penstock.runtime.postgres_backlog import Backlog, Standing
from penstock.runtime.settings import Settings
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_INBOX, RUNS_GROUP
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.runner import Runner
from tests.runner.tally import CODEC, KEYRING, TallyDecider, input_record

pytestmark = pytest.mark.broker


def line_of(status: Status) -> GroupLine:
    return next(line for line in status.groups if line.group == RUNS_GROUP)


def shown(settings: Settings) -> str:
    """Two pages of `penstock status --watch`."""
    written = io.StringIO()
    watch(settings, Console(file=written, width=140), looks=2)
    return written.getvalue()


def await_leaders(ask: Callable[[], object]) -> None:
    """A partition that was just made has no leader for a moment."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        try:
            ask()
        except BrokerSilent:
            time.sleep(0.2)
        else:
            return


def test_depth_and_age_fall_to_nothing_when_the_group_has_handled_all_and_the_screen_says_so(
    fresh_kafka: LocalBroker, make_database: Callable[[], str], tmp_path: Path
) -> None:
    ensure_topics(fresh_kafka.bootstrap_servers)
    url = make_database()
    migrate(url)
    log = KafkaLog(fresh_kafka.bootstrap_servers, "tests")
    backlog = Backlog(KafkaBacklog(fresh_kafka.bootstrap_servers))
    runner = Runner(TallyDecider(), PostgresJournal(url, "run"), log, CODEC, KEYRING, "test")
    with connect(url) as connection:

        def standing(group: str) -> Standing:
            return next(one for one in backlog.standings(connection) if one.group == group)

        await_leaders(lambda: standing(RUNS_GROUP))
        assert standing(RUNS_GROUP).depth == 0
        big = "x" * 20_000
        sent = log.append([input_record("a", FireTimer(timer_id=f"{n}{big}")) for n in range(30)])
        time.sleep(1.1)
        waits = standing(RUNS_GROUP)
        assert (waits.topic, waits.depth, waits.written, waits.handled) == (RUN_INBOX, 30, 30, 0)
        assert 1.0 < waits.oldest_age_s < 60
        partition = sent[0].partition
        runner.take(partition)
        settings = Settings(
            home=tmp_path / "home", kafka_bootstrap_servers=fresh_kafka.bootstrap_servers, database_url=url
        )
        looker = Looker(settings)
        first = line_of(looker.look())
        assert (first.depth, first.in_per_s, first.out_per_s) == (30, None, None)
        runner.handle(partition, sent[:10])
        half = standing(RUNS_GROUP)
        assert (half.depth, half.handled) == (20, 10)
        status = looker.look()
        again = line_of(status)
        assert status.well
        assert again.depth == 20
        assert again.in_per_s == 0
        assert again.out_per_s is not None
        assert again.out_per_s > 0
        assert shown(settings).count("run.inbox") == 2
        looker.close()
        runner.handle(partition, sent[10:])
        done = standing(RUNS_GROUP)
        assert (done.depth, done.oldest_age_s) == (0, 0.0)
    backlog.close()
    runner.close()


def test_a_broker_that_is_away_is_said_in_time_and_with_the_next_step() -> None:
    backlog = KafkaBacklog(f"127.0.0.1:{ports.free_port()}", answer_s=0.5)
    began_s = time.monotonic()
    with pytest.raises(BrokerSilent, match="start it, or correct KAFKA_BOOTSTRAP_SERVERS"):
        backlog.bounds([(RUN_INBOX, 0)])
    assert backlog.told("group", [(RUN_INBOX, 0)]) == {}
    assert time.monotonic() - began_s < 5
    backlog.close()
