"""Any inputs in any order: mostly what belongs to the run as it stands, now and then what does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as some

from penstock import Application
from penstock.producers.signing import Authority
from penstock.schemas.codec import InputBody
from penstock.schemas.envelope.records import Actor
from penstock.schemas.run.records import (
    FireTimer,
)

from .acts import (
    cancels,
    completes,
    continues,
    defers,
    delegates,
    escalates,
    fails,
    loses,
    migrates,
    pauses,
    resumes,
    settles,
    signals,
    starts,
    thinks,
    votes,
)
from .busy import KNOWN, UNLIKE
from .given import OPERATOR, SERVICE, SUPERVISOR, Story, given, start

PAT = Actor(kind="person", subject="pat", roles=("analyst",))
SVEN = Actor(kind="person", subject="sven", roles=("supervisor", "operator"))
SUPERVISOR_WHO_ASKED = Actor(kind="person", subject="app:test", roles=("supervisor",))


T = TypeVar("T")


VERBS = (
    *("complete", "complete", "complete more", "begin", "begin", "begin", "grant", "grant", "grant"),
    *(
        "fail",
        "fail for good",
        "not done",
        "lose",
        "defer",
        "call back",
        "call back in vain",
        "think",
        "it happened",
        "it didn't",
        "refuse",
        "fire",
        "fire",
        "signal",
        "resume",
        "pause",
        "continue",
        "continue",
        "migrate",
        "delegate",
        "escalate",
    ),
)


ANSWERS = ("complete", "complete more", "fail", "not done", "lose", "defer")


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
    actor=some.integers(0, 9).flatmap(
        lambda chance: (
            some.sampled_from((SERVICE, SUPERVISOR, OPERATOR, SUPERVISOR_WHO_ASKED, PAT, SVEN))
            if chance > 6
            else some.none()
        )
    ),
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
    if state.stalled and turn.aim < 4:
        return resumes()
    if call.unsafe and not call.lease_id and not turn.off and turn.aim < 8 and turn.verb in ANSWERS:
        return starts(step, attempt, lease)  # Most answers would only be told that it hasn't started.
    match turn.verb:
        case "complete" | "call back":
            return completes(step, "x", attempt, lease)
        case "call back in vain":
            return fails(step, attempt=attempt, lease=lease, not_done=turn.aim < 5)
        case "defer":
            return defers(step, state.time_ms + 60_000, attempt, lease)
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
        case "delegate":
            return delegates(question, PAT.subject if turn.aim < 8 else SUPERVISOR.subject)
        case "escalate":
            return escalates(question)
        case _:
            return _about_the_run(turn)


def _about_the_run(turn: Turn) -> InputBody:
    match turn.verb:
        case "think":
            return thinks(about_seq=turn.aim or None)
        case "signal":
            return signals("go", {"case_id": str(turn.aim)})
        case "cancel":
            return cancels()
        case "pause":
            return pauses()
        case "migrate":
            return migrates(1 + turn.aim % 2, trial=turn.aim > 7)
        case "continue":
            return continues()
        case "resume":
            return resumes()
        case _:
            return start("busy", {"case_id": "c"}, 1)


def play(turns: list[Turn], check: Callable[[Story], None]) -> Story:
    """A run that takes all the turns; `check` after each."""
    story = given(KNOWN).when(start("busy", {"case_id": "c"}, 1))
    for turn in turns:
        later_ms = turn.later_ms
        if turn.verb == "fire" and turn.aim < 5 and story.state.timers:
            # Half of the firings come when they are due.
            armed = [timer.due_ms for timer in story.state.timers.values() if not timer.fired]
            later_ms = max(1, min(armed, default=0) - story.state.time_ms)
        from_outside = Authority.CALLBACK if turn.verb.startswith("call back") else None
        story = story.when(
            body(turn, story),
            authority=turn.authority or from_outside,
            actor=turn.actor,
            later=timedelta(milliseconds=later_ms),
            application=turn.known,
        )
        assert story.events, "every input causes an event"
        check(story)
    return story
