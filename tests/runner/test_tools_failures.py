"""What is said when a tool raises, overruns, returns too much, or can't be called at all."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from penstock import Call, Declined, NotDone, tool
from penstock.runtime.postgres import migrate
from penstock.schemas.canonical import INLINE_BYTES_MAX, read_payload
from penstock.schemas.envelope.records import Payload
from penstock.schemas.run.records import CompleteToolCall, FailToolCall, StartToolCall

from .effects import Effects, eventually, requested

entries: list[str] = []


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    entries.clear()
    effects = Effects(database_url)
    yield effects
    effects.close()


@tool(effect="read")
def look(call: Call, *, name: str) -> str:
    entries.append(call.call_id)
    return name


@tool(effect="read", timeout=timedelta(milliseconds=100))
def late_read(call: Call, *, name: str) -> str:
    time.sleep(0.4)
    entries.append(call.call_id)
    return name


@tool(effect="unsafe", timeout=timedelta(milliseconds=100))
def late_pay(call: Call, *, name: str) -> str:
    time.sleep(0.4)
    entries.append(call.call_id)
    return name


@tool(effect="read")
def big_read(call: Call, *, name: str) -> str:
    return "x" * INLINE_BYTES_MAX


@tool(effect="unsafe")
def big_pay(call: Call, *, name: str) -> str:
    return "x" * INLINE_BYTES_MAX


@tool(effect="unsafe")
def picky(call: Call, *, name: str) -> str:
    if name == "declined":
        raise Declined("no such account")
    if name == "not_done":
        raise NotDone("busy")
    raise ValueError("s" * 5_000)


@tool(effect="unsafe")
def pay(call: Call, *, name: str) -> str:
    entries.append(call.call_id)
    return f"paid {name}"


def test_a_read_that_overruns_is_a_failure_worth_trying_again(world: Effects) -> None:
    worker = world.tools(late_read).take_all()
    world.emit(requested(late_read))
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, answer.error.retryable) == ("timeout", True)
    eventually(lambda: bool(entries), "the thread ends")
    worker.close()
    assert world.inputs(CompleteToolCall) == []


def test_an_unsafe_call_that_overruns_is_a_doubt_which_its_late_answer_may_settle(world: Effects) -> None:
    worker = world.tools(late_pay).take_all()
    world.emit(requested(late_pay))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started())
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, answer.error.retryable, answer.not_done) == ("timeout", False, False)
    (late,) = world.await_inputs(CompleteToolCall)
    assert late.lease_id == answer.lease_id


def test_a_result_too_large_fails_a_read(world: Effects) -> None:
    worker = world.tools(big_read).take_all()
    world.emit(requested(big_read))
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, answer.error.retryable) == ("result_too_large", False)


def test_a_result_too_large_completes_an_unsafe_call_with_a_note(world: Effects) -> None:
    worker = world.tools(big_pay).take_all()
    world.emit(requested(big_pay))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started())
    worker.feed()
    (answer,) = world.await_inputs(CompleteToolCall)
    assert b'"result_omitted":true' in read_payload(answer.result)


@pytest.mark.parametrize(
    ("name", "kind", "not_done", "retryable"),
    [
        ("declined", "declined", True, False),
        ("not_done", "not_done", True, True),
        ("anything", "exception", False, False),
    ],
)
def test_what_an_unsafe_tool_raises_says_what_is_known(
    world: Effects, name: str, kind: str, not_done: bool, retryable: bool
) -> None:
    worker = world.tools(picky).take_all()
    world.emit(requested(picky, name))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started(name))
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, answer.not_done, answer.error.retryable) == (kind, not_done, retryable)
    assert len(answer.error.message) <= 2_000


def test_arguments_that_are_not_those_of_the_hash_are_not_acted_upon(world: Effects) -> None:
    forged = Payload(content_type="application/json", content=b'{"name":"b"}', sha256="0" * 64)
    worker = world.tools(look).take_all()
    world.emit(requested(look, arguments=forged))
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, answer.not_done, entries) == ("invalid_arguments", True, [])


def test_a_tool_whose_class_changed_is_not_called(world: Effects) -> None:
    worker = world.tools(pay).take_all()
    world.emit(requested(pay, effect="read"))
    worker.feed()
    (answer,) = world.await_inputs(FailToolCall)
    assert (answer.error.kind, entries) == ("tool_changed", [])
