"""Whatever comes, in whatever order: the fold never raises, and the laws hold after every input."""

from collections import Counter

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from penstock.schemas.bodies import EVENTS
from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    ApprovalEscalated,
    ApprovalGranted,
    ApprovalRequested,
    FeedbackGiven,
    LateAnswer,
    RunCancelled,
    RunCompleted,
    RunContinued,
    RunEnding,
    RunFailed,
    RunPaused,
    RunStarted,
    TimerArmed,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.decider import Happened
from penstock.streams.runs.decision import RunDecider

from .acts import cancels, completes, fires, resumes, settles, starts
from .busy import KNOWN
from .given import RUN_ID, Story
from .strategies import KINDS, events
from .turns import TURNS, Turn, play

ENDS = (RunCompleted, RunFailed, RunCancelled)


def keeps_the_laws(story: Story) -> None:
    history = [happened.body for happened in story.history]
    assert [happened.seq for happened in story.history] == list(range(1, len(history) + 1))
    times = [happened.time_ms for happened in story.history]
    assert times == sorted(times)
    ends = [index for index, event in enumerate(history) if isinstance(event, ENDS)]
    assert len(ends) <= 1
    if ends:
        after = history[ends[0] + 1 :]
        assert all(
            isinstance(event, InputAccepted | InputRefused | LateAnswer | FeedbackGiven) for event in after
        )
        assert not any(call.at_large for call in story.state.calls.values())
    calls_are_settled_once(history)
    starts_are_covered(story)
    nothing_is_asked_for_while_paused(history)
    grants_are_by_who_was_asked(history)


def calls_are_settled_once(history: list[EventBody]) -> None:
    settled = Counter(
        event.call_id
        for event in history
        if isinstance(event, ToolCallCompleted | ToolCallRefused)
        or (isinstance(event, ToolCallFailed) and event.final)
    )
    assert all(count == 1 for count in settled.values())


def nothing_is_asked_for_while_paused(history: list[EventBody]) -> None:
    paused = False
    for event in history:
        if isinstance(event, RunPaused | RunContinued | RunEnding):
            paused = isinstance(event, RunPaused)
        if paused:
            assert not isinstance(event, ToolCallRequested | ToolCallStarted | ApprovalRequested | TimerArmed)
            assert not isinstance(event, ENDS)


def grants_are_by_who_was_asked(history: list[EventBody]) -> None:
    """Under the role that the question is with, by as many different people as it takes, none by two votes of one."""
    questions: dict[str, ApprovalRequested] = {}
    roles: dict[str, str] = {}
    for event in history:
        if isinstance(event, ApprovalRequested):
            questions[event.approval_id], roles[event.approval_id] = event, event.role
        elif isinstance(event, ApprovalEscalated):
            assert event.from_role == roles[event.approval_id]
            roles[event.approval_id] = event.role
        elif isinstance(event, ApprovalGranted) and event.rule is None:
            asked = questions[event.approval_id]
            assert (event.role, event.quorum) == (roles[event.approval_id], asked.quorum)
            assert event.expires_at_ms == asked.expires_at_ms
            assert len(set(event.granted_by)) == len(event.delegated_by) == asked.quorum
            assert not set(event.granted_by) & set(event.delegated_by)


def starts_are_covered(story: Story) -> None:
    """At most one start an attempt, each under a grant that was given before and hadn't expired."""
    grants: dict[str, ApprovalGranted] = {}
    spent: dict[str, str] = {}
    requests: dict[tuple[str, int], ToolCallRequested] = {}
    started: set[tuple[str, int]] = set()
    for happened in story.history:
        event = happened.body
        if isinstance(event, ApprovalGranted):
            grants[event.grant_id] = event
            assert "app:test" not in event.granted_by
        elif isinstance(event, ToolCallRequested):
            requests[event.call_id, event.attempt] = event
            if event.effect != "read":
                assert event.grant_id is not None
                assert grants[event.grant_id].args_sha256 == event.arguments.sha256
                assert spent.setdefault(event.grant_id, event.call_id) == event.call_id
        elif isinstance(event, ToolCallStarted):
            key = (event.call_id, event.attempt)
            assert key not in started
            started.add(key)
            assert happened.time_ms < grants[requests[key].grant_id or ""].expires_at_ms


@settings(max_examples=150, deadline=None)
@over(TURNS)
def test_any_inputs_in_any_order_keep_the_laws(turns: list[Turn]) -> None:
    play(turns, keeps_the_laws)


@settings(max_examples=40, deadline=None)
@over(TURNS)
def test_every_run_can_be_brought_to_its_end(turns: list[Turn]) -> None:
    """However it stands: cancelled, and with what is at large settled by the operator, it ends."""
    story = play(turns, keeps_the_laws).when(cancels(), application=KNOWN)
    for call in list(story.state.open_calls):
        answer = (
            settles(call.step, True, attempt=call.attempt)
            if call.at_large
            else completes(call.step, "x", call.attempt)
        )
        story = story.when(answer)
        keeps_the_laws(story)
    assert story.state.terminal is not None


@settings(max_examples=40, deadline=None)
@over(TURNS)
def test_the_history_alone_rebuilds_the_state(turns: list[Turn]) -> None:
    story = play(turns, keeps_the_laws)
    decider = RunDecider(KNOWN)
    state = decider.initial("local", RUN_ID)
    for happened in story.history:
        state = decider.evolve(state, happened)
    assert state == story.state


@settings(max_examples=150, deadline=None)
@over(some.booleans(), events(RunStarted), some.lists(events(), max_size=30))
def test_folding_any_events_never_raises(begun: bool, first: EventBody, rest: list[EventBody]) -> None:
    decider = RunDecider(KNOWN)
    state = decider.initial("local", RUN_ID)
    for seq, event in enumerate((first, *rest) if begun else rest, start=1):
        state = decider.evolve(state, Happened(event, seq, 1000 + seq))
        assert state.seq == seq
    given_any = Story(KNOWN, state)
    for each in (completes(1), starts(1), cancels(), fires("deadline"), resumes()):
        assert given_any.when(each).events


def test_the_strategy_makes_every_kind_of_event() -> None:
    """Else the test above would quietly check less than it says."""
    assert {kind.FULL_NAME for kind in KINDS} == set(EVENTS)
