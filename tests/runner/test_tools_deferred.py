"""Deferred calls: a tool hands its callback on and is called no more, whatever becomes of its worker."""

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from penstock import Call, Happened, tool
from penstock.declare.call import Callback
from penstock.producers.callbacks import CallbackClaim, CallbackTokens
from penstock.producers.errors import NoSuchKey
from penstock.producers.signing import Authority, Key, Keyring
from penstock.runtime.postgres import migrate
from penstock.schemas.ids import callback_timer_id
from penstock.schemas.run.records import (
    CompleteToolCall,
    DeferToolCall,
    FailToolCall,
    FireTimer,
    ReportLostLease,
    SettleToolCall,
    StartToolCall,
    ToolCallDeferred,
    ToolCallInDoubt,
)
from penstock.streams.background import Background
from penstock.streams.tools.agent import tools_host
from penstock.streams.tools.doubts import WATCH_EVERY_S

from .effects import KEYRING, RUN, Effects, call_id, requested
from .test_tools_doubts import kill

HOURS = timedelta(hours=2)
handed: list[Callback] = []
looked_into: list[str] = []


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    handed.clear()
    looked_into.clear()
    effects = Effects(database_url)
    yield effects
    effects.close()


def in_journal(call: Call, arguments: Mapping[str, object]) -> Happened:
    looked_into.append(call.call_id)
    return Happened("sent")


@tool(effect="read", deferred=HOURS, concurrency=1)
def check(call: Call, *, name: str) -> str:
    handed.append(call.callback)
    try:
        call.defer()
    except Exception:  # noqa: BLE001 what many tools have around everything
        return "caught"


@tool(effect="read", deferred=HOURS)
async def check_soon(call: Call, *, name: str) -> str:
    if name == "known":
        return "at once"
    handed.append(call.callback)
    call.defer()


@tool(effect="unsafe", deferred=HOURS, timeout=timedelta(milliseconds=200), reconcile=in_journal)
def transfer(call: Call, *, name: str) -> str:
    handed.append(call.callback)
    call.defer()


@tool(effect="read")
def forgetful(call: Call, *, name: str) -> str:
    call.defer()


def deferred(said: DeferToolCall) -> ToolCallDeferred:
    """The decider's word for it."""
    return ToolCallDeferred(
        call_id=said.call_id, attempt=said.attempt, lease_id=said.lease_id, expires_at_ms=said.expires_at_ms
    )


@pytest.mark.parametrize("which", [check, check_soon], ids=["thread", "event loop"])
def test_a_tool_hands_its_callback_on_and_is_called_no_more(world: Effects, which: object) -> None:
    chosen = check if which is check else check_soon
    worker = world.tools(chosen).take_all()
    before_ms = int(time.time() * 1000)
    world.emit(requested(chosen), requested(chosen, "b"))
    worker.feed()
    first, second = world.await_inputs(DeferToolCall, 2)
    assert {first.call_id, second.call_id} == {call_id("a"), call_id("b")}, "its slot is free again"
    said = {each.call_id: each for each in (first, second)}[call_id("a")]
    assert 7_200_000 <= said.expires_at_ms - before_ms < 7_260_000
    tokens = [CallbackTokens(KEYRING).read(each.token) for each in handed]
    assert CallbackClaim("local", RUN, call_id("a"), 1, said.expires_at_ms) in tokens
    assert all(each.url == f"https://penstock.example/v1/callbacks/{each.token}" for each in handed)
    assert handed[0].token not in repr(handed[0])
    assert not world.inputs(CompleteToolCall)
    assert not world.inputs(FailToolCall)
    world.emit(deferred(first), deferred(second))
    worker.feed()
    worker.close()
    other = world.tools(chosen).take_all()
    world.emit(requested(chosen, "c"))
    other.feed()
    world.await_inputs(DeferToolCall, 3)
    assert len(handed) == 3


def test_a_deferrable_tool_may_answer_itself_and_others_may_not_defer(world: Effects) -> None:
    worker = world.tools(check_soon, forgetful).take_all()
    world.emit(requested(check_soon, "known"), requested(forgetful))
    worker.feed()
    world.await_inputs(CompleteToolCall)
    (failed,) = world.await_inputs(FailToolCall)
    assert "deferred=" in failed.error.message


def test_an_unsafe_call_that_is_deferred_needs_no_lease_and_in_doubt_is_looked_into(world: Effects) -> None:
    worker = world.tools(transfer).take_all()
    world.emit(requested(transfer))
    worker.feed()
    world.await_inputs(StartToolCall)
    world.emit(world.started())
    worker.feed()
    (said,) = world.await_inputs(DeferToolCall)
    worker.crash()
    second = world.tools(transfer).take_all()
    # The second worker watches the first one's lease, until it reads that the call is deferred.
    world.emit(deferred(said))
    second.feed()
    kill(world, said.lease_id)
    third = world.tools(transfer).take_all()
    time.sleep(2 * WATCH_EVERY_S)
    assert not world.inputs(ReportLostLease)
    assert not world.inputs(FailToolCall)
    assert len(handed) == 1
    world.emit(ToolCallInDoubt(call_id=call_id("a"), attempt=1, lease_id=said.lease_id, reason="no callback"))
    third.feed()
    world.await_inputs(SettleToolCall)
    assert looked_into == [call_id("a")]
    worker.host.close()


def test_a_deferred_call_has_a_timer(world: Effects) -> None:
    worker = world.timers().take_all()
    due_ms = int(time.time() * 1000) + 100
    world.emit(ToolCallDeferred(call_id=call_id("a"), attempt=2, lease_id="l", expires_at_ms=due_ms))
    worker.feed()
    (fired,) = world.await_inputs(FireTimer)
    assert fired.timer_id == callback_timer_id(RUN, call_id("a"), 2)
    assert int(time.time() * 1000) >= due_ms


def test_a_ring_without_a_key_for_callbacks_is_said_at_the_start(world: Effects) -> None:
    with pytest.raises(NoSuchKey, match="callback"):
        tools_host(
            toolbox=None,  # type: ignore[arg-type]
            tools=(check,),
            open_log=world.log.another_client,
            database_url=world.database_url,
            keyring=Keyring([Key("tools", b"t" * 32, Authority.TOOLS)]),
            worker="test",
            wanted_lease_ms=400,
            background=Background(),
        )
