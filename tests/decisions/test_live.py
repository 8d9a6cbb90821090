"""Live executions: only a shorter way to what a replay comes to, and never used for another state than theirs."""

from dataclasses import replace

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from penstock import Application, Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import run_id
from penstock.schemas.log.records import InputParked
from penstock.schemas.run.records import RunStalled
from penstock.streams.decider import Happened
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.live import LiveExecutions
from penstock.streams.runs.state import RunState

from .acts import cancels, completes, starts
from .busy import KNOWN
from .cases import Case, application, look_up
from .given import BEGIN_MS, TENANT
from .living import BEGUN, Live, reads_on
from .turns import TURNS, Turn, play


def test_a_run_that_stays_is_never_replayed() -> None:
    run = Live().begin().read(20).read(found="tell")
    run.take(starts(1)).take(completes(1, "sent")).read(found="end")
    assert run.state.terminal is not None
    assert len(BEGUN) == 1


def test_an_input_that_moves_no_code_leaves_the_execution_alive() -> None:
    run = Live().begin().read(found="tell").take(starts(1))
    assert run.state.calls_open == 1
    assert len(run.decider._live) == 1
    run.take(completes(1, "sent"))
    assert len(BEGUN) == 1


def test_a_decision_that_is_thrown_away_leaves_nothing_behind() -> None:
    """The batch was rolled back: what was found there never happened, and something else may be found now."""
    run = Live().begin().read(3)
    kept = run.state
    thrown_away = run.after(run.given(completes(1, "end")))
    assert thrown_away.terminal is not None
    run.read(found="tell")
    assert len(BEGUN) == 2
    assert [step.name for step in run.state.steps] == ["look_up"] * 4 + ["notify"]
    assert len(kept.steps) == 4


def test_a_thrown_away_decision_with_the_same_seq_is_not_taken_for_the_one_that_stands() -> None:
    run = Live().begin().read(3)
    other = run.after(run.given(completes(1, "other")))
    fresh = RunDecider(application(reads_on), live_runs_max=0)
    state = fresh.decide_folded(run.state, run.given(completes(1, "more")), run.state.seq, BEGIN_MS).state
    assert (state.seq, state.run_id) == (other.seq, other.run_id)
    run.state = state
    run.read(found="end")
    assert run.state.terminal is not None
    assert len(BEGUN) == 3


def test_a_parked_input_gives_the_execution_up() -> None:
    run = Live().begin().read()
    parked = InputParked(
        input_id=run.run_id,
        input_type="CancelRun",
        input_value=b"",
        input_signature="",
        error=Failure(kind="k", message="m"),
    )
    run.state = run.decider.evolve(run.state, Happened(parked, run.state.seq + 1, run.state.time_ms))
    run.read(found="end")
    assert len(BEGUN) == 2


@pytest.mark.parametrize("how", ["stall", "cancel", "end"])
def test_a_stalled_ending_or_ended_run_keeps_no_execution(how: str) -> None:
    run = Live().begin()
    assert len(run.decider._live) == 1
    if how == "cancel":
        run.take(cancels(), Authority.APP)
        assert run.state.ending is not None
    else:
        run.read(found="odd" if how == "stall" else "end")
        assert isinstance(run.state.stalled, RunStalled) is (how == "stall")
    assert len(run.decider._live) == 0


def test_a_decision_that_raises_keeps_no_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    known = application(reads_on)
    run = Live(RunDecider(known)).begin().read()

    def away(*_: object) -> None:
        raise OSError("the registry of tools is away")

    with monkeypatch.context() as patched:
        patched.setattr(Application, "tool", away)
        with pytest.raises(OSError, match="away"):
            run.read()
    assert len(run.decider._live) == 0
    run.read(found="end")
    assert len(BEGUN) == 2


def test_the_longest_unused_executions_go_first() -> None:
    decider = RunDecider(application(reads_on), live_runs_max=2)
    runs = [Live(decider, key).begin() for key in "abc"]
    BEGUN.clear()
    for run in reversed(runs):
        run.read()
    assert [run_id(TENANT, "a")] == BEGUN


def test_executions_that_were_told_much_are_fewer() -> None:
    decider = RunDecider(application(reads_on))
    decider._live = LiveExecutions(decider._watchdog, bytes_max=10_000)
    runs = [Live(decider, key).begin() for key in "abc"]
    assert len(decider._live) == 3
    runs[0].read(found="x" * 9_970)
    assert len(decider._live) == 1
    runs[1].read()
    assert len(decider._live) == 1
    decider.forget()
    assert len(decider._live) == 0


def test_an_execution_that_is_given_up_runs_its_finally_blocks_and_they_count_for_nothing() -> None:
    tidied: list[str] = []

    @workflow("it", version=1)
    async def tidy(run: Run, case: Case) -> str:
        try:
            return await run.tool(look_up, case_id="a")
        finally:
            tidied.append("tidied")
            await run.tool(look_up, case_id="b")

    run = Live(RunDecider(application(tidy))).begin()
    assert tidied == []
    run.decider.forget()
    assert tidied == ["tidied"]
    assert len(run.state.steps) == 1


@settings(max_examples=100, deadline=None)
@over(TURNS, some.lists(some.booleans(), min_size=60, max_size=60))
def test_a_live_decider_decides_what_a_replaying_one_does(turns: list[Turn], again: list[bool]) -> None:
    """Whatever comes, and however often it is decided in vain before."""
    story = play([replace(turn, known=KNOWN) for turn in turns], lambda _: None)
    live = RunDecider(KNOWN)
    state = live.initial(TENANT, story.state.run_id)
    seen: list[tuple[RunState, str]] = []
    decided: list[EventBody] = []
    for given, twice in zip(story.inputs, again, strict=False):
        time_ms = max(state.time_ms, given.time_ms)
        if twice:
            live.decide_folded(state, given, state.seq, time_ms)
        after = live.decide_folded(state, given, state.seq, time_ms)
        decided += after.events
        state = after.state
        seen.append((state, repr(state)))
    if len(story.inputs) <= len(again):
        assert decided == [happened.body for happened in story.history]
        assert state == story.state
    assert all(repr(one) == before for one, before in seen), "a state that was returned has changed"
