"""The verdict on schedules can be BROKEN: one planted damage for each thing that it swears to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from penstock.producers.log import Record
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.ids import derived_id, event_id, schedule_id, scheduled_run_id
from penstock.schemas.run.records import RunCompleted, RunStarted
from penstock.schemas.schedule.records import (
    CatchUp,
    Plan,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleResumed,
    ScheduleRunRequested,
)
from tests.chaos.matrix.beats import Change, plan_of
from tests.chaos.matrix.impatient import ON_TIME_MS
from tests.chaos.matrix.reading import Event
from tests.chaos.matrix.target import STAMP, Line
from tests.chaos.matrix.verdict_beats import broken_schedules

NAME = "beat-1"
BEAT = schedule_id("local", NAME)


def event(
    entity_id: str, seq: int, time_ms: int, body: EventBody, *, cause: str = "", actor: str = "olga"
) -> Event:
    """One that stands somewhere."""
    cause = cause or derived_id(entity_id, f"input {seq}")
    why = Cause(id=cause, topic="", partition=0, offset=seq, time_ms=time_ms, index=0, count=1)
    meta = EventMeta(
        id=event_id(entity_id, cause, seq),
        type=type(body).__name__,
        tenant="local",
        entity_id=entity_id,
        entity_seq=seq,
        time_ms=time_ms,
        actor=Actor(kind="person", subject=actor),
        cause=why,
    )
    return Event(Record("", 0, seq, time_ms, b"", b"", ()), meta, body)


def fired(due_ms: int, run_id: str = "") -> ScheduleFired:
    return ScheduleFired(
        name=NAME,
        due_ms=due_ms,
        fired_by="time",
        run_id=run_id or scheduled_run_id(BEAT, due_ms),
        revision=1,
        workflow="beat",
        input=json_payload(1),
        next_due_ms=due_ms + 2_000,
    )


def missed(from_ms: int, count: int, next_due_ms: int | None = None) -> ScheduleMissed:
    until_ms = from_ms + count * 2_000
    return ScheduleMissed(from_ms=from_ms, until_ms=until_ms, count=count, next_due_ms=next_due_ms)


def created(plan: Plan) -> ScheduleCreated:
    return ScheduleCreated(name=NAME, plan=plan, revision=1, body_sha256="", requester="olga")


@dataclass
class Story:
    """One schedule that fires at 2 s and at 4 s, is paused and goes on at 10 s, of which everybody says the same."""

    told: list[Event] = field(default_factory=list)
    runs: list[Event] = field(default_factory=list)
    journal: list[Line] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def at(self, time_ms: int, *bodies: EventBody, runs: bool = True) -> "Story":
        """What one input caused, and the runs that came of it."""
        cause = derived_id(BEAT, f"{len(self.told)}")
        for body in bodies:
            self.told.append(event(BEAT, len(self.told) + 1, time_ms, body, cause=cause))
            if isinstance(body, ScheduleFired) and runs:
                self.run(body.run_id, time_ms)
                report = ScheduleRunRequested(run_id=body.run_id)
                self.told.append(event(BEAT, len(self.told) + 1, time_ms, report))
        return self

    def run(self, run_id: str, time_ms: int) -> None:
        begun = RunStarted(
            workflow="beat",
            workflow_version=1,
            input=json_payload(1),
            body_sha256="",
            requester=f"schedule:{NAME}",
            deadline_ms=0,
            max_steps=1,
            code_hash="",
        )
        self.runs.append(event(run_id, 1, time_ms, begun, actor=f"schedule:{NAME}"))
        self.runs.append(event(run_id, 2, time_ms, RunCompleted(result=json_payload(1))))
        self.journal.append(Line(derived_id(run_id, "call"), 1, run_id, STAMP, "n", time_ms))

    def findings(self) -> set[str]:
        return {one.kind for one in broken_schedules(self.told, self.runs, self.changes, self.journal)}


def story(catch_up: CatchUp = "all") -> Story:
    return Story().at(500, created(plan_of(NAME, catch_up))).at(2_010, fired(2_000)).at(4_005, fired(4_000))


def test_a_schedule_of_which_all_is_known_is_well() -> None:
    told = story().at(5_000, SchedulePaused()).at(9_000, ScheduleResumed(next_due_ms=10_000))
    told.at(10_001, fired(10_000)).at(10_500, ScheduleDeleted())
    told.changes.append(Change(BEAT, told.told[-1].meta.cause.id, "ScheduleDeleted"))
    assert told.findings() == set()


LATE = 10_000 + ON_TIME_MS


@pytest.mark.parametrize(
    ("catch_up", "bodies"),
    [
        ("last", (missed(6_000, 2), fired(10_000))),
        ("skip", (missed(6_000, 3, 12_000),)),
        ("all", (fired(6_000),)),
        ("all", (ScheduleDeleted(), missed(6_000, 3))),
    ],
)
def test_what_a_policy_makes_of_an_outage_is_well(catch_up: CatchUp, bodies: Sequence[EventBody]) -> None:
    assert story(catch_up).at(LATE + 1, *bodies).findings() == set()


@pytest.mark.parametrize(
    ("kind", "catch_up", "time_ms", "bodies"),
    [
        ("twice", "all", 4_006, (fired(4_000),)),
        ("early", "all", 5_999, (fired(6_000),)),
        ("forgotten", "all", 8_001, (fired(8_000),)),
        ("forgotten", "all", 6_000, (SchedulePaused(),)),
        ("forgotten", "last", 6_000, (ScheduleDeleted(),)),
        ("skipped", "all", LATE + 1, (missed(6_000, 2), fired(10_000))),
        ("skipped", "last", LATE + 1, (missed(6_000, 3),)),
        ("skipped", "skip", LATE, (missed(6_000, 3),)),
        ("made up", "skip", LATE + 1, (missed(6_000, 2), fired(10_000))),
        ("made up", "last", LATE + 1, (fired(6_000),)),
        ("miscounted", "last", LATE + 1, (missed(8_000, 1), fired(10_000))),
        ("miscounted", "last", LATE + 1, (replace(missed(6_000, 2), until_ms=8_000), fired(10_000))),
        ("misnamed", "all", 6_001, (fired(6_000, scheduled_run_id(BEAT, 8_000)),)),
    ],
)
def test_a_time_that_is_not_accounted_for(
    kind: str, catch_up: CatchUp, time_ms: int, bodies: Sequence[EventBody]
) -> None:
    assert kind in story(catch_up).at(time_ms, *bodies).findings()


def test_who_fires_while_it_is_paused_or_gone() -> None:
    assert story().at(5_000, SchedulePaused()).at(6_001, fired(6_000)).findings() == {"forgotten"}
    assert story().at(5_000, ScheduleDeleted()).at(6_001, fired(6_000)).findings() == {"forgotten"}


def _no_run(told: Story) -> None:
    del told.runs[:2], told.journal[:1]


def _another_run(told: Story) -> None:
    told.run(scheduled_run_id(BEAT, 8_000), 8_000)


def _a_run_too_soon(told: Story) -> None:
    told.runs[0] = event(told.runs[0].meta.entity_id, 1, 1_999, told.runs[0].body, actor=f"schedule:{NAME}")


def _another_name(told: Story) -> None:
    told.runs[0] = event(told.runs[0].meta.entity_id, 1, 2_010, told.runs[0].body, actor="schedule:other")


def _unheard(told: Story) -> None:
    told.changes.append(Change(BEAT, derived_id(BEAT, "said"), "SchedulePaused"))


@pytest.mark.parametrize(
    ("kinds", "damage"),
    [
        ({"unbegun", "unexecuted"}, _no_run),
        ({"unasked"}, _another_run),
        ({"early"}, _a_run_too_soon),
        ({"misnamed"}, _another_name),
        ({"unended"}, lambda told: told.runs.pop()),
        ({"unreported"}, lambda told: told.told.pop()),
        ({"repeated"}, lambda told: told.journal.append(told.journal[0])),
        ({"lost"}, _unheard),
    ],
)
def test_a_run_or_a_change_that_somebody_knows_otherwise(
    kinds: set[str], damage: Callable[[Story], object]
) -> None:
    told = story()
    damage(told)
    assert told.findings() == kinds
