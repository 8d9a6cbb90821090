"""Unsafe calls: at most once, ever, whatever happens to the worker."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from penstock import Call, tool
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.envelope.records import Failure
from penstock.schemas.run.records import (
    CompleteToolCall,
    FailToolCall,
    StartToolCall,
    ToolCallFailed,
)
from penstock.streams.leases import boot_ms

from .effects import Effects, call_id, eventually, requested

entries: list[str] = []


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    entries.clear()
    effects = Effects(database_url)
    yield effects
    effects.close()


@tool(effect="unsafe", concurrency=2, timeout=timedelta(seconds=1))
def pay(call: Call, *, name: str) -> str:
    entries.append(call.call_id)
    return f"paid {name}"


class JumpingClock:
    """The boot clock, as a process sees it that was stopped for a while."""

    def __init__(self) -> None:
        self.jumped_ms = 0

    def __call__(self) -> int:
        return boot_ms() + self.jumped_ms


def test_it_begins_only_when_started_and_once(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(requested(pay))
    worker.feed()
    (ask,) = world.await_inputs(StartToolCall)
    time.sleep(0.1)
    assert entries == []
    world.emit(world.started(), world.started())
    worker.feed()
    (answer,) = world.await_inputs(CompleteToolCall)
    assert answer.lease_id == ask.lease_id
    worker.take_all()
    time.sleep(0.1)
    assert entries == [call_id("a")]


def test_it_never_begins_under_the_lease_of_another(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(requested(pay))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started(lease_id="another:lease:1"))
    worker.feed()
    worker.close()
    assert (entries, world.inputs(CompleteToolCall), world.inputs(FailToolCall)) == ([], [], [])


def test_two_workers_ask_and_one_begins(world: Effects) -> None:
    first, second = world.tools(pay).take_all(), world.tools(pay)
    world.emit(requested(pay))
    first.feed()
    world.await_inputs(StartToolCall)
    second.take_all()
    world.await_inputs(StartToolCall, 2)
    world.emit(world.started())
    second.feed()
    first.crash()
    world.await_inputs(CompleteToolCall)
    assert entries == [call_id("a")]


def test_stopped_until_its_lease_ran_out_it_never_begins_and_says_so(world: Effects) -> None:
    clock = JumpingClock()
    worker = world.tools(pay, clock_ms=clock).take_all()
    world.emit(requested(pay))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started())
    clock.jumped_ms = 60_000
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, answer.not_done, answer.error.retryable) == ("lease_lost", True, True)
    assert entries == []


def test_after_its_lease_ran_out_a_worker_goes_on_under_a_new_one(world: Effects) -> None:
    clock = JumpingClock()
    worker = world.tools(pay, clock_ms=clock).take_all()
    world.emit(requested(pay))
    worker.feed()
    world.await_inputs(StartToolCall)
    clock.jumped_ms = 60_000
    world.emit(world.started())
    worker.feed()
    (given_up,) = world.await_inputs(FailToolCall)
    world.emit(ToolCallFailed(call_id=call_id("a"), attempt=1, error=given_up.error, final=False))
    world.emit(requested(pay, attempt=2))
    worker.feed()
    world.await_inputs(StartToolCall, 2)
    world.emit(world.started(attempt=2))
    worker.feed()
    (answer,) = world.await_inputs(CompleteToolCall)
    assert answer.lease_id.split(":")[0] != given_up.lease_id.split(":")[0]


def test_an_expired_lease_is_never_renewed(world: Effects) -> None:
    world.tools(pay, lease_ms=5_000).take_all()
    with connect(world.database_url) as session:
        first = "SELECT incarnation FROM penstock.worker_lease"
        eventually(lambda: bool(session.execute(first).fetchall()), "a heartbeat")
        (incarnation,) = session.execute(first).fetchall()[0]
        session.execute("UPDATE penstock.worker_lease SET expires_at = clock_timestamp()")
        eventually(lambda: len(session.execute(first).fetchall()) == 2, "another incarnation")
        live = "SELECT expires_at > clock_timestamp() FROM penstock.worker_lease WHERE incarnation = %s"
        assert session.execute(live, (incarnation,)).fetchone() == (False,)


def test_what_was_asked_for_and_cannot_begin_is_given_back_when_the_partition_moves(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(requested(pay))
    worker.feed()
    (ask,) = world.await_inputs(StartToolCall)
    worker.host.drop(0)
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.lease_id, answer.not_done, answer.error.retryable) == (ask.lease_id, True, True)
    world.emit(world.started())
    worker.take_all()
    time.sleep(0.2)
    assert entries == []


def test_closing_gives_back_what_has_not_begun_and_releases_the_lease(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(*(requested(pay, name) for name in "abc"))
    worker.feed()
    world.await_inputs(StartToolCall, 2)
    worker.close()
    assert {answer.error.kind for answer in world.await_inputs(FailToolCall, 2)} == {"not_begun"}
    with connect(world.database_url) as session:
        assert session.execute("SELECT count(*) FROM penstock.worker_lease").fetchone() == (0,)


def test_starts_are_asked_for_in_small_numbers(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(*(requested(pay, f"n{i}") for i in range(10)))
    worker.feed()
    world.await_inputs(StartToolCall, 2)
    time.sleep(0.1)
    assert len(world.inputs(StartToolCall)) == 2


def test_a_call_longer_than_any_lease_is_refused_with_what_to_set(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(requested(pay, timeout_ms=3_600_000))
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    (ask,) = world.inputs(StartToolCall)
    assert (answer.lease_id, answer.not_done) == (ask.lease_id, True)
    assert "PENSTOCK_LEASE_MS" in answer.error.message
    world.emit(world.started())
    worker.feed()
    assert entries == []


def test_the_lease_grows_with_the_longest_unsafe_tool(world: Effects) -> None:
    worker = world.tools(pay, lease_ms=1_000).take_all()
    world.emit(requested(pay))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started())
    worker.feed()
    world.await_inputs(CompleteToolCall)


def test_a_failure_of_an_older_attempt_leaves_the_newer_one_open(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    failure = Failure(kind="not_done", message="", retryable=True)
    world.emit(requested(pay, attempt=2))
    world.emit(ToolCallFailed(call_id=call_id("a"), attempt=1, error=failure, final=False))
    worker.feed()
    (ask,) = world.await_inputs(StartToolCall)
    assert ask.attempt == 2
