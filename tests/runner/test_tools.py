"""Calls of tools: once, at the right time, and what is said about them."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from penstock import Call, tool
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import payload_of, read_payload
from penstock.schemas.envelope.records import Failure
from penstock.schemas.run.records import (
    CompleteToolCall,
    RunCompleted,
    RunStarted,
    ToolCallCompleted,
    ToolCallFailed,
)

from .effects import Effects, call_id, eventually, requested


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    effects = Effects(database_url)
    yield effects
    effects.close()


class Journal:
    """The target's own record of what was done to it."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, int]] = []
        self.most_at_once = 0
        self._here = 0
        self._lock = threading.Lock()

    def enter(self, call: Call) -> None:
        with self._lock:
            self.entries.append((call.call_id, call.attempt))
            self._here += 1
            self.most_at_once = max(self.most_at_once, self._here)

    def leave(self) -> None:
        with self._lock:
            self._here -= 1


journal = Journal()


@pytest.fixture(autouse=True)
def _fresh_journal() -> None:
    journal.__init__()  # type: ignore[misc]


@tool(effect="read")
def look(call: Call, *, name: str) -> str:
    journal.enter(call)
    return f"{name} for {call.requester}"


@tool(effect="idempotent")
async def put(call: Call, *, name: str) -> str:
    journal.enter(call)
    await asyncio.sleep(0)
    return f"put {name}"


@tool(effect="read", concurrency=2)
def slow(call: Call, *, name: str) -> str:
    journal.enter(call)
    time.sleep(0.05)
    journal.leave()
    return name


def test_a_requested_call_is_executed_once_and_answered(world: Effects) -> None:
    worker = world.tools(look, put).take_all()
    world.emit(requested(look), requested(put, "b"))
    worker.feed()
    answers = {answer.call_id: answer for answer in world.await_inputs(CompleteToolCall, 2)}
    assert read_payload(answers[call_id("b")].result) == b'"put b"'
    worker.feed()
    assert sorted(journal.entries) == sorted([(call_id("a"), 1), (call_id("b"), 1)])


def test_a_tool_is_told_on_whose_behalf_it_acts_also_after_a_crash(world: Effects) -> None:
    worker = world.tools(look).take_all()
    start = RunStarted(
        workflow="w",
        workflow_version=1,
        input=payload_of(b"{}"),
        body_sha256="",
        requester="ada",
        max_steps=9,
        code_hash="",
    )
    world.emit(start)
    worker.feed().crash()
    world.emit(requested(look))
    world.tools(look).take_all()
    (answer,) = world.await_inputs(CompleteToolCall)
    assert read_payload(answer.result) == b'"a for ada"'


def test_what_is_settled_by_the_end_of_the_log_is_not_executed(world: Effects) -> None:
    world.emit(requested(look), requested(look, "b"), requested(look, "c"))
    done = ToolCallCompleted(call_id=call_id("a"), attempt=1, result=payload_of(b"1"))
    world.emit(done)
    failed = Failure(kind="x", message="")
    world.emit(ToolCallFailed(call_id=call_id("b"), attempt=1, error=failed, final=True))
    world.tools(look).take_all()
    (answer,) = world.await_inputs(CompleteToolCall)
    assert answer.call_id == call_id("c")


def test_nothing_is_executed_before_the_end_of_the_log_is_reached(world: Effects) -> None:
    world.emit(requested(look), ToolCallCompleted(call_id=call_id("a"), attempt=1, result=payload_of(b"1")))
    worker = world.tools(look)
    worker.take()
    worker.feed(records_max=1)
    world.emit(requested(look, "b"))
    worker.feed()
    world.await_inputs(CompleteToolCall)
    assert [entry[0] for entry in journal.entries] == [call_id("b")]


def test_calls_of_an_ended_run_are_forgotten(world: Effects) -> None:
    world.emit(requested(look), RunCompleted(result=payload_of(b"1")))
    world.tools(look).take_all().close()
    assert world.inputs(CompleteToolCall) == []


def test_back_off_is_honoured(world: Effects) -> None:
    worker = world.tools(look).take_all()
    not_before_ms = int(time.time() * 1000) + 400
    world.emit(requested(look, not_before_ms=not_before_ms, attempt=2))
    worker.feed()
    time.sleep(0.2)
    assert journal.entries == []
    (answer,) = world.await_inputs(CompleteToolCall)
    assert answer.attempt == 2
    assert time.time() * 1000 >= not_before_ms


def test_a_tool_runs_no_more_often_at_once_than_it_says(world: Effects) -> None:
    worker = world.tools(slow).take_all()
    world.emit(*(requested(slow, f"n{i}") for i in range(10)))
    worker.feed()
    world.await_inputs(CompleteToolCall, 10)
    assert journal.most_at_once == 2
    assert [entry[0] for entry in journal.entries[:2]] == [call_id("n0"), call_id("n1")]


def test_a_call_of_a_tool_that_only_another_deployment_has_stays_open(world: Effects) -> None:
    world.tools(put).take_all().feed().close()
    world.emit(requested(look))
    world.tools(put).take_all().close()
    with connect(world.database_url) as session:
        assert session.execute("SELECT tool FROM penstock.open_call").fetchall() == [("look",)]
    world.tools(look).take_all()
    world.await_inputs(CompleteToolCall)


def test_a_call_that_runs_while_its_partition_is_taken_again_is_not_begun_twice(world: Effects) -> None:
    worker = world.tools(slow).take_all()
    world.emit(requested(slow))
    worker.feed()
    eventually(lambda: bool(journal.entries), "the call begins")
    worker.take_all()
    world.await_inputs(CompleteToolCall)
    worker.close()
    assert len(journal.entries) == 1


def test_closing_waits_for_what_runs_and_for_its_answer(world: Effects) -> None:
    worker = world.tools(slow).take_all()
    world.emit(requested(slow), requested(slow, "b"), requested(slow, "c"))
    worker.feed().close()
    assert len(world.inputs(CompleteToolCall)) == 2
    with connect(world.database_url) as session:
        assert session.execute("SELECT count(*) FROM penstock.worker_lease").fetchone() == (0,)
        assert session.execute("SELECT count(*) FROM penstock.open_call").fetchone() == (3,)
