"""Lost leases are reported, doubts are settled by reconcilers that know."""

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from penstock import Call, Happened, NeverWill, Unknown, tool
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import payload_of, read_payload
from penstock.schemas.run.records import (
    ReportLostLease,
    SettleToolCall,
    StartToolCall,
    ToolCallCompleted,
    ToolCallInDoubt,
)

from .effects import Effects, call_id, eventually, requested

entries: list[str] = []
gate = threading.Event()


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    entries.clear()
    gate.clear()
    effects = Effects(database_url)
    yield effects
    gate.set()
    effects.close()


def asked(call: Call, arguments: Mapping[str, object]) -> Happened | NeverWill | Unknown:
    if arguments["name"] == "broken":
        raise ConnectionError("the target is away")
    if arguments["name"] == "unknown":
        return Unknown()
    return Happened("paid") if call.call_id in entries else NeverWill()


@tool(effect="unsafe", reconcile=asked, timeout=timedelta(seconds=1))
def pay(call: Call, *, name: str) -> str:
    entries.append(call.call_id)
    gate.wait(10)
    return f"paid {name}"


def test_a_lost_lease_is_reported_and_reconciled(world: Effects) -> None:
    first = world.tools(pay).take_all()
    world.emit(requested(pay))
    first.feed()
    world.await_inputs(StartToolCall)
    started = world.started()
    world.emit(started)
    first.feed()
    eventually(lambda: bool(entries), "the call begins")
    second = world.tools(pay).take_all()
    time.sleep(1.5)
    assert world.inputs(ReportLostLease) == []
    kill(world, started.lease_id)
    (report,) = world.await_inputs(ReportLostLease)
    assert report.lease_id == started.lease_id
    world.emit(in_doubt())
    second.feed()
    (settled,) = world.await_inputs(SettleToolCall)
    assert (settled.happened, settled.basis) == (True, "target_journal")
    assert settled.result is not None
    assert read_payload(settled.result) == b'"paid"'
    assert entries == [call_id("a")]


def kill(world: Effects, lease_id: str) -> None:
    """What the database shows of a worker that was killed a while ago."""
    with connect(world.database_url) as session:
        session.execute(
            "UPDATE penstock.worker_lease SET expires_at = clock_timestamp() - interval '5 s' WHERE incarnation = %s",
            (lease_id.split(":")[0],),
        )


@pytest.mark.parametrize(("name", "settlements"), [("never", 1), ("unknown", 0), ("broken", 0)])
def test_a_doubt_is_settled_only_by_a_reconciler_that_knows(
    world: Effects, name: str, settlements: int
) -> None:
    worker = world.tools(pay).take_all()
    world.emit(requested(pay, name), world.started(name, lease_id="gone:1:1"), in_doubt(name))
    worker.feed()
    time.sleep(0.3)
    found = world.inputs(SettleToolCall)
    assert len(found) == settlements
    assert [(each.happened, each.basis) for each in found] == [(False, "key_voided")] * settlements


def test_a_call_that_was_started_and_settled_is_not_reported(world: Effects) -> None:
    worker = world.tools(pay, lease_ms=1_000).take_all()
    world.emit(requested(pay), world.started(lease_id="gone:1:1"))
    worker.feed()
    world.emit(ToolCallCompleted(call_id=call_id("a"), attempt=1, result=payload_of(b"1")))
    worker.feed()
    time.sleep(2.5)
    assert world.inputs(ReportLostLease) == []


def in_doubt(name: str = "a", lease_id: str = "x") -> ToolCallInDoubt:
    return ToolCallInDoubt(call_id=call_id(name), attempt=1, lease_id=lease_id, reason="nobody knows")
