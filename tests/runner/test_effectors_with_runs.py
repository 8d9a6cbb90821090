"""Effectors and the real run decider on one log: runs end, and no unsafe effect happens twice."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from penstock import (
    Application,
    Call,
    Happened,
    NeverWill,
    NotDone,
    Retry,
    Run,
    approval_rule,
    tool,
    workflow,
)
from penstock.producers.log import Outgoing
from penstock.producers.signing import Authority
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.bodies import EventBody
from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.run.records import RunCompleted, RunFailed, RunStalled, StartRun, TimerFired
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from penstock.streams.host import Fenced
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.runner import Runner
from penstock.streams.runs.decision import RunDecider
from penstock.streams.tools.ports import Open

from .effects import CODEC, KEYRING, WAIT_S, Driver, Effects

RUNS = 30
PATIENT = Retry(attempts=100, first=timedelta(milliseconds=10), longest=timedelta(milliseconds=50))
paid: list[str] = []
voided: set[str] = set()
flaky = random.Random(7)
target = threading.Lock()


def look_in_journal(call: Call, arguments: Mapping[str, object]) -> Happened | NeverWill:
    with target:
        if call.call_id in paid:
            return Happened("paid")
        voided.add(call.call_id)
        return NeverWill()


@tool(effect="read", retry=PATIENT)
def read(call: Call, *, name: str) -> str:
    if flaky.random() < 0.3:
        raise ConnectionError("try again")
    return name


@tool(effect="unsafe", retry=PATIENT, reconcile=look_in_journal, timeout=timedelta(seconds=1))
def pay(call: Call, *, name: str) -> str:
    if flaky.random() < 0.2:
        raise NotDone("busy")
    with target:
        if call.call_id not in voided:
            paid.append(call.call_id)
    if flaky.random() < 0.2:
        raise ConnectionError("nobody knows")
    return "paid"


@approval_rule(tool=pay, version=1)
def always(arguments: Mapping[str, object]) -> bool:
    return True


@workflow("order", version=1, deadline=timedelta(days=1))
async def order(run: Run, name: str) -> str:
    first, second = await run.gather(run.tool(read, name=name), run.tool(read, name=f"{name}2"))
    await run.sleep(timedelta(milliseconds=50))
    return await run.tool(pay, name=first + second)


APPLICATION = Application("orders", workflows=(order,), tools=(read, pay), rules=(always,))


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    paid.clear()
    voided.clear()
    effects = Effects(database_url, partitions=3)
    yield effects
    effects.close()


class Runs:
    """The real decider, in a thread of its own."""

    def __init__(self, world: Effects) -> None:
        self._log = world.log
        self._partitions = world.partitions
        runner_log = world.log.another_client()
        decider = RunDecider(APPLICATION)
        self._runner = Runner(decider, MemoryJournal(), runner_log, CODEC, KEYRING, "test")
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def start(self, name: str) -> None:
        run, body = run_id("local", name), json_payload(name)
        start = StartRun(workflow="order", input=body, body_sha256=body.sha256)
        meta = InputMeta(
            id=derived_id(run, "start"),
            type="StartRun",
            tenant="local",
            entity_id=run,
            time_ms=0,
            actor=Actor(kind="person", subject="ada"),
        )
        value = CODEC.encode(meta, start)
        signature = KEYRING.signer(Authority.API).sign("StartRun", run, "local", value)
        headers = input_headers(meta, "test", signature)
        self._log.append([Outgoing(RUN_INBOX, run.encode(), value, headers)])

    def stop(self) -> None:
        self._stop.set()
        self.thread.join()

    def events(self) -> Iterator[EventBody]:
        for partition in range(self._partitions):
            for record in self._log.deliver(RUN_EVENTS, partition, 0, 100_000):
                yield CODEC.decode_event(record.value or b"")[1]

    def count(self, kind: type[EventBody]) -> int:
        return sum(isinstance(body, kind) for body in self.events())

    def _work(self) -> None:
        positions = {partition: self._runner.take(partition) for partition in range(self._partitions)}
        while not self._stop.is_set():
            for partition in positions:
                records = self._log.deliver(RUN_INBOX, partition, positions[partition], wait_s=0.005)
                if records:
                    self._runner.handle(partition, records)
                    positions[partition] = records[-1].offset + 1


def follow(world: Effects, runs: Runs, chance: random.Random | None) -> None:
    """Drive workers until every run has ended; with `chance` the partitions move between them now and then."""
    workers: list[Driver[Open]] = [world.tools(read, pay).take_all()]
    timers = world.timers().take_all()
    until_s = time.monotonic() + 6 * WAIT_S
    while runs.count(RunCompleted) < RUNS:
        assert time.monotonic() < until_s, Counter(type(body).__name__ for body in runs.events())
        for worker in workers:
            try:
                worker.feed()
            except Fenced:
                continue
        timers.feed()
        if chance is not None and chance.random() < 0.05 and len(workers) < 5:
            workers.append(world.tools(read, pay).take_all())
        time.sleep(0.003)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_run_ends_and_nothing_is_paid_twice(world: Effects, seed: int | None) -> None:
    runs = Runs(world)
    for number in range(RUNS):
        runs.start(f"order {number}")
    follow(world, runs, None if seed is None else random.Random(seed))
    runs.stop()
    assert runs.count(RunCompleted) == RUNS, f"seed {seed}"
    assert (runs.count(RunFailed), runs.count(RunStalled)) == (0, 0)
    assert Counter(paid).most_common(1)[0][1] == 1, f"seed {seed}"
    assert len(paid) + len(voided) >= RUNS
    assert runs.count(TimerFired) == RUNS


def test_nothing_stays_open_when_every_run_has_ended(world: Effects) -> None:
    runs = Runs(world)
    for number in range(RUNS):
        runs.start(f"order {number}")
    follow(world, runs, None)
    runs.stop()
    for host in world.hosts:
        host.feed().close()
    with connect(world.database_url) as session:
        for table in ("open_call", "open_run", "timer", "worker_lease"):
            counted = session.execute(f"SELECT count(*) FROM penstock.{table}".encode()).fetchone()
            assert counted == (0,), table
