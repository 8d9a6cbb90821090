"""`python -m bench.lasting [--firings 100000]`: taking over a schedule with a long history, and how long that takes.

The journal in a Postgres of its own, the log in memory. The schedule fires each minute; its first input after a
takeover is timed, by the clock and in CPU: once folding all of it, once from the snapshot that was kept.
"""

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench.failing import BenchFailed
from bench.figures import Figures
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.clock import FakeClock
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Authority, Key, Keyring
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import InputBody, pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import derived_id, schedule_id, scheduled_run_id
from penstock.schemas.schedule.records import CreateSchedule, FireSchedule, Plan, ReportRunRequested
from penstock.schemas.topics import SCHEDULE_INBOX
from penstock.streams.loading import SNAPSHOT_EVERY
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.runner import Runner
from penstock.streams.schedules.decision import ScheduleDecider
from penstock.streams.schedules.state import ScheduleState

EVERY_MS: Final = 60_000
FIRINGS: Final = 100_000
BATCH: Final = 500
NEVER: Final = sys.maxsize
SCHEDULE: Final = schedule_id("local", "minutely")
OLGA: Final = Actor(kind="person", subject="olga", roles=("operator",))
KEYRING: Final = Keyring([Key(each.value, b"s" * 32, each) for each in (Authority.API, Authority.SCHEDULES)])
CODEC: Final = pinned_codec()


class Minutes:
    """One schedule's inbox, a minute after the other, and runners that come and go."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._clock = FakeClock()
        self._log = MemoryLog(clock=self._clock)
        self._position = 0
        self._due_ms = self._clock.now_ms() // EVERY_MS * EVERY_MS + EVERY_MS
        plan = Plan(
            workflow="statement", input=json_payload({"case_id": "c"}), every_ms=EVERY_MS, catch_up="all"
        )
        self._send(CreateSchedule(name="minutely", plan=plan, paused=False, body_sha256="0"), Authority.API)

    def runner(self, snapshot_every: int) -> Runner[ScheduleState]:
        """Takes the partition over."""
        journal, log = PostgresJournal(self._url, "schedule"), self._log.another_client()
        runner = Runner(
            ScheduleDecider(), journal, log, CODEC, KEYRING, "bench", snapshot_every=snapshot_every
        )
        runner.take(self._partition)
        return runner

    def pass_minutes(self, count: int) -> None:
        """So many due times, each fired and reported."""
        for _ in range(count):
            self._clock.advance(timedelta(milliseconds=self._due_ms - self._clock.now_ms()))
            self._send(FireSchedule(due_ms=self._due_ms), Authority.SCHEDULES)
            run_id = scheduled_run_id(SCHEDULE, self._due_ms)
            self._send(ReportRunRequested(run_id=run_id), Authority.SCHEDULES)
            self._due_ms += EVERY_MS

    def work(self, runner: Runner[ScheduleState]) -> None:
        """Have it handle all that stands in the inbox."""
        while records := self._log.deliver(SCHEDULE_INBOX, self._partition, self._position, BATCH):
            runner.handle(self._partition, records)
            self._position = records[-1].offset + 1

    def _send(self, body: InputBody, authority: Authority) -> None:
        ident, kind = derived_id(SCHEDULE, repr(body)), type(body).__name__
        meta = InputMeta(id=ident, type=kind, tenant="local", entity_id=SCHEDULE, time_ms=0, actor=OLGA)
        value = CODEC.encode(meta, body)
        signature = KEYRING.signer(authority).sign(kind, SCHEDULE, "local", value)
        headers = input_headers(meta, "bench", signature)
        (sent,) = self._log.append([Outgoing(SCHEDULE_INBOX, SCHEDULE.encode(), value, headers)])
        self._partition = sent.partition


def measure(firings: int) -> Figures:
    """Raises BenchFailed unless each due time was fired and reported."""
    with tempfile.TemporaryDirectory() as home:
        database = LocalPostgres(Path(home))
        database.start()
        try:
            migrate(database.url)
            return _measure(database.url, firings)
        finally:
            database.stop()


def _measure(database_url: str, firings: int) -> Figures:
    minutes = Minutes(database_url)
    first = minutes.runner(NEVER)
    for done in range(0, firings, BATCH):
        minutes.pass_minutes(min(BATCH, firings - done))
        minutes.work(first)
    first.close()
    found: dict[str, float] = {"events": 2 * firings + 1}
    # The second takeover has no snapshot to begin with, and leaves one.
    for name, snapshot_every in (("whole", NEVER), ("first", SNAPSHOT_EVERY), ("kept", SNAPSHOT_EVERY)):
        minutes.pass_minutes(1)
        runner = minutes.runner(snapshot_every)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        minutes.work(runner)
        found[f"{name}_s"] = time.perf_counter() - began_s
        found[f"{name}_cpu_s"] = time.process_time() - began_cpu_s
        runner.close()
    with connect(database_url) as connection:
        counted = connection.execute("SELECT count(*) FROM penstock.journal").fetchone()
    if counted != (2 * (firings + 3) + 1,):
        raise BenchFailed(f"{counted} events for {firings + 3} due times")
    return Figures("lasting", found)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--firings", type=int, default=FIRINGS)
    try:
        print(measure(words.parse_args().firings).text())
    except BenchFailed as error:
        sys.exit(f"lasting: no figure: {error}")
