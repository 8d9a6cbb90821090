"""Whatever comes, in whatever order: the fold never raises, and the laws hold after every input."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from penstock import Application, Run, ToolFailed, ToolRefused, workflow
from penstock.producers.signing import Authority
from penstock.schemas.bodies import EVENTS
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import Actor
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    ApprovalGranted,
    FireTimer,
    LateAnswer,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.decider import Happened
from penstock.streams.runs.decision import RunDecider

from .acts import cancels, completes, fails, fires, loses, resumes, settles, starts, votes
from .cases import Case, application, file_note, look_up, notify, pay
from .given import OPERATOR, RUN_ID, SERVICE, SUPERVISOR, Story, given, start
from .strategies import events

ENDS = (RunCompleted, RunFailed, RunCancelled)


@workflow("busy", version=1, deadline=timedelta(hours=3), max_steps=12)
async def busy(run: Run, case: Case) -> str:
    """Every kind of step, side by side, with a loop that can come to the step limit."""

    async def pays() -> str:
        grant = await run.approval(
            action=pay, args={"case_id": "c", "amount": 1}, role="supervisor", expires=timedelta(hours=1)
        )
        try:
            return await run.tool(pay, grant=grant)
        except (ToolFailed, ToolRefused):
            return "unpaid"

    async def notes() -> str:
        try:
            await run.tool(file_note, text="short")
            await run.tool(notify, to="customer")
        except (ToolFailed, ToolRefused):
            await run.sleep(timedelta(minutes=10))
        return "noted"

    try:
        await run.gather(run.tool(look_up, case_id="a"), pays(), notes())
    except ToolFailed:
        return "early"
    while await run.tool(look_up, case_id=str(run.uuid())) == "more":
        pass
    return run.now().isoformat()


@workflow("busy", version=1, deadline=timedelta(hours=3), max_steps=12)
async def unlike(run: Run, case: Case) -> str:
    return await run.tool(look_up, case_id="something else")


KNOWN, UNLIKE = application(busy), application(unlike)
SUPERVISOR_WHO_ASKED = Actor(kind="person", subject="app:test", roles=("supervisor",))
T = TypeVar("T")
VERBS = (
    *("complete", "complete", "complete more", "begin", "begin", "begin", "grant", "grant", "grant"),
    *(
        "fail",
        "fail for good",
        "not done",
        "lose",
        "it happened",
        "it didn't",
        "refuse",
        "fire",
        "fire",
        "resume",
    ),
)


@dataclass(frozen=True)
class Turn:
    """One input. `aim` picks what it is about; `off` is how far its attempt and lease miss, mostly 0."""

    verb: str
    aim: int
    off: int
    later_ms: int
    authority: Authority | None
    actor: Actor | None
    known: Application


def mostly(usual: T, *rare: T) -> some.SearchStrategy[T]:
    return some.integers(0, 9).flatmap(
        lambda chance: some.sampled_from(rare) if chance == 9 else some.just(usual)
    )


TURN = some.builds(
    Turn,
    verb=some.integers(0, 40).flatmap(
        lambda chance: some.sampled_from(("start", "cancel") if chance == 40 else VERBS)
    ),
    aim=some.integers(0, 9),
    off=mostly(0, 1, -1),
    later_ms=mostly(1, 60_000, 1_800_000, -5_000),
    authority=mostly(None, *Authority),
    actor=mostly(None, SERVICE, SUPERVISOR, OPERATOR, SUPERVISOR_WHO_ASKED),
    known=mostly(KNOWN, UNLIKE),
)
TURNS = some.lists(TURN, min_size=10, max_size=60)


def body(turn: Turn, story: Story) -> InputBody:
    """The input: about an open call, question or timer where there is one, else about one that was."""
    state = story.state
    calls = state.open_calls or tuple(state.calls.values())
    call = calls[turn.aim % len(calls)]
    step, attempt = call.step, call.attempt + turn.off
    lease = "L9" if turn.off else call.lease_id or f"L{attempt}"
    timers = [timer for timer in state.timers.values() if not timer.fired] or [*state.timers.values()]
    first = min(timers, key=lambda each: (each.fired, each.due_ms))
    timer = first if turn.aim < 7 else timers[turn.aim % len(timers)]
    question = next((each.step for each in state.approvals.values()), 1)
    match turn.verb:
        case "complete":
            return completes(step, "x", attempt, lease)
        case "complete more":
            return completes(step, "more", attempt, lease)
        case "fail" | "fail for good" | "not done":
            return fails(
                step,
                attempt=attempt,
                lease=lease,
                retryable=turn.verb != "fail for good",
                not_done=turn.verb == "not done",
            )
        case "begin":
            return starts(step, attempt, lease)
        case "lose":
            return loses(step, attempt, lease)
        case "it happened" | "it didn't":
            return settles(step, turn.verb == "it happened", attempt=attempt)
        case "grant":
            return votes(story, question, "grant", args_sha256="0" * 64 if turn.off else "")
        case "refuse":
            return votes(story, question, "refuse")
        case "fire":
            return FireTimer(timer_id=timer.timer_id)
        case "cancel":
            return cancels()
        case "resume":
            return resumes()
        case _:
            return start("busy", {"case_id": "c"})


def keeps_the_laws(story: Story) -> None:
    history = [happened.body for happened in story.history]
    assert [happened.seq for happened in story.history] == list(range(1, len(history) + 1))
    times = [happened.time_ms for happened in story.history]
    assert times == sorted(times)
    ends = [index for index, event in enumerate(history) if isinstance(event, ENDS)]
    assert len(ends) <= 1
    if ends:
        after = history[ends[0] + 1 :]
        assert all(isinstance(event, InputAccepted | InputRefused | LateAnswer) for event in after)
        assert not any(call.at_large for call in story.state.calls.values())
    calls_are_settled_once(history)
    starts_are_covered(story)


def calls_are_settled_once(history: list[EventBody]) -> None:
    settled = Counter(
        event.call_id
        for event in history
        if isinstance(event, ToolCallCompleted | ToolCallRefused)
        or (isinstance(event, ToolCallFailed) and event.final)
    )
    assert all(count == 1 for count in settled.values())


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


def play(turns: list[Turn]) -> Story:
    story = given(KNOWN).when(start("busy", {"case_id": "c"}))
    for turn in turns:
        later_ms = turn.later_ms
        if turn.verb == "fire" and turn.aim < 5 and story.state.timers:
            # Half of the firings come when they are due.
            armed = [timer.due_ms for timer in story.state.timers.values() if not timer.fired]
            later_ms = max(1, min(armed, default=0) - story.state.time_ms)
        story = story.when(
            body(turn, story),
            authority=turn.authority,
            actor=turn.actor,
            later=timedelta(milliseconds=later_ms),
            application=turn.known,
        )
        assert story.events, "every input causes an event"
        keeps_the_laws(story)
    return story


@settings(max_examples=200, deadline=None)
@over(TURNS)
def test_any_inputs_in_any_order_keep_the_laws(turns: list[Turn]) -> None:
    play(turns)


@settings(max_examples=60, deadline=None)
@over(TURNS)
def test_every_run_can_be_brought_to_its_end(turns: list[Turn]) -> None:
    """However it stands: cancelled, and with what is at large settled by the operator, it ends."""
    story = play(turns).when(cancels(), application=KNOWN)
    for call in list(story.state.open_calls):
        answer = (
            settles(call.step, True, attempt=call.attempt)
            if call.at_large
            else completes(call.step, "x", call.attempt)
        )
        story = story.when(answer)
        keeps_the_laws(story)
    assert story.state.terminal is not None


@settings(max_examples=60, deadline=None)
@over(TURNS)
def test_the_history_alone_rebuilds_the_state(turns: list[Turn]) -> None:
    story = play(turns)
    decider = RunDecider(KNOWN)
    state = decider.initial("local", RUN_ID)
    for happened in story.history:
        state = decider.evolve(state, happened)
    assert state == story.state


@settings(max_examples=200, deadline=None)
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
    from .strategies import KINDS

    assert {kind.FULL_NAME for kind in KINDS} == set(EVENTS)
