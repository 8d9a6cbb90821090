"""The world in memory that ships for users: whole workflows, played to their end."""

from datetime import timedelta

import pytest

from penstock import Declined, NotDone, Run, workflow
from penstock.schemas.run.records import RunCompleted, RunStalled, TimerFired, ToolCallInDoubt
from penstock.streams.runs.testing import World

from .cases import CASES, Case, application, look_up

CASE = {"case_id": "c1", "amount": 5}


def paying(answer: object) -> World:
    world = World(CASES, {"pay": answer})
    world.start("payment", CASE, roles=("analyst",))
    return world


def test_a_whole_run_is_played_to_its_result() -> None:
    world = paying(lambda case_id, amount: f"paid {amount} on {case_id}")
    world.play()
    assert world.result == "paid 5 on c1"


def test_a_refusing_person_is_played_too() -> None:
    world = paying("paid")
    world.play(vote="refuse")
    assert world.result == "refused a-person"


def test_play_stops_where_only_a_person_goes_on() -> None:
    world = paying("paid")
    world.play(vote=None)
    assert world.state.terminal is None
    assert [question.tool for question in world.questions] == ["pay"]
    with pytest.raises(AssertionError, match="still open"):
        _ = world.result
    assert world.vote("grant", voter="app:test") is False
    world.play()
    assert world.result == "paid"


def test_tools_fail_as_they_say() -> None:
    declined = paying(Declined("no such account"))
    declined.play()
    assert declined.result == "failed: Declined"
    not_done = paying(NotDone)
    not_done.play()
    assert not_done.result == "failed: NotDone"


def test_an_unsafe_tool_that_raises_leaves_a_doubt_which_the_operator_settles() -> None:
    world = paying(TimeoutError("no answer"))
    world.play()
    assert isinstance(world.events[-1], ToolCallInDoubt)
    assert world.settle(True, result="paid after all")
    assert world.result == "paid after all"
    assert not world.settle(True)


def test_time_passes_when_the_run_sleeps() -> None:
    @workflow("it", version=1)
    async def patient(run: Run, case: Case) -> str:
        before = run.now()
        await run.sleep(timedelta(days=3))
        found = await run.tool(look_up, case_id="a")
        return f"{found} after {(run.now() - before).days} days"

    world = World(application(patient), {"look_up": "found"})
    world.start("it", CASE)
    world.play()
    assert world.result == "found after 3 days"
    assert sum(isinstance(event, TimerFired) for event in world.events) == 1


def test_a_stall_shows_in_the_result() -> None:
    world = World(CASES, {"look_up": "odd"})
    world.start("read-once", CASE)
    world.play()
    assert isinstance(world.events[-1], RunStalled)
    with pytest.raises(AssertionError, match="never seen odd"):
        _ = world.result


def test_a_run_that_ends_at_once_is_over() -> None:
    world = World(CASES, {"look_up": "found"})
    world.start("read-once", CASE)
    world.play()
    assert isinstance(world.state.terminal, RunCompleted)
    assert not world.work()
