"""Due times and fired runs as a fold of schedules' events, and what is done about them.

A time is due by log time: an early firing is answered by `ScheduleRearmed` (penstock.streams.reminders). A fired run is
asked for in the runs' inbox, and once that stands there the schedule is told: that event, not this process's memory,
ends the asking.
"""

import time
from dataclasses import replace
from functools import partial
from typing import Final, cast

from penstock.producers.clock import Clock
from penstock.producers.runs import start_sha256
from penstock.runtime.points import reach
from penstock.schemas.codec import Codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import StartRun
from penstock.schemas.schedule.records import (
    FireSchedule,
    ReportRunRequested,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleRearmed,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
)
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answer, Answers
from penstock.streams.firing.ports import DueTime, FiredRun, ScheduleWork
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.reminders import AGAIN_FIRST_S, Reminders

_ARMING: Final = (ScheduleCreated, ScheduleRevised, ScheduleResumed, ScheduleFired, ScheduleMissed)
_TYPES: Final = (*_ARMING, SchedulePaused, ScheduleRearmed, ScheduleRunRequested, ScheduleDeleted)


class ScheduleFold:
    """Pure: what is due and what is to be started follows from the events alone."""

    types: frozenset[str] = frozenset(each.__name__ for each in _TYPES)

    def evolve(self, open_work: OpenWork[ScheduleWork], seen: Seen) -> None:
        """Each event that names the next due time arms it; one that fires opens its run until it is asked for."""
        body, meta = seen.body, seen.meta
        if isinstance(body, ScheduleFired):
            open_work.put(FiredRun(body.run_id, meta.entity_id, meta.tenant, seen.value))
        if isinstance(
            body, ScheduleCreated | ScheduleRevised | ScheduleResumed | ScheduleFired | ScheduleMissed
        ):
            self._arm(open_work, seen, body.next_due_ms)
        elif isinstance(body, ScheduleRearmed):
            due = open_work.get(meta.entity_id)
            if isinstance(due, DueTime) and due.due_ms == body.due_ms:
                open_work.put(replace(due, armed_seq=meta.entity_seq, early=due.early + 1))
        elif isinstance(body, SchedulePaused | ScheduleDeleted):
            open_work.remove(meta.entity_id)
        elif isinstance(body, ScheduleRunRequested):
            open_work.remove(body.run_id)

    @staticmethod
    def _arm(open_work: OpenWork[ScheduleWork], seen: Seen, due_ms: int | None) -> None:
        meta = seen.meta
        armed = open_work.get(meta.entity_id)
        if due_ms is None:
            open_work.remove(meta.entity_id)
        elif not isinstance(armed, DueTime) or armed.due_ms != due_ms:
            open_work.put(DueTime(meta.entity_id, meta.tenant, due_ms, meta.entity_seq))


def fire(due: DueTime) -> Answer:
    """That the time has come; the same input however often it is sent."""
    input_id = derived_id(due.key, f"fire:{due.due_ms}:{due.armed_seq}")
    return Answer(input_id, due.key, due.tenant, FireSchedule(due_ms=due.due_ms))


def report(run: FiredRun) -> Answer:
    """That the run is asked for; the same input however often it is sent."""
    input_id = derived_id(run.key, "requested")
    return Answer(input_id, run.schedule_id, run.tenant, ReportRunRequested(run_id=run.key))


def start(run: FiredRun, fired: ScheduleFired) -> Answer:
    """The run's start, in the name of the schedule: who made, changed or triggered that doesn't vote on it either."""
    body = StartRun(
        workflow=fired.workflow,
        workflow_version=fired.workflow_version,
        input=fired.input,
        body_sha256=start_sha256(
            fired.workflow, fired.workflow_version, fired.input.content or b"", fired.search_attributes
        ),
        priority=fired.priority,
        search_attributes=fired.search_attributes,
        requesters_before=fired.requesters,
    )
    actor = Actor(kind="service", subject=f"schedule:{fired.name}", roles=fired.requester_roles)
    return Answer(derived_id(run.key, "start"), run.key, run.tenant, body, actor=actor)


class Firing:
    """The act of this effector."""

    def __init__(
        self,
        schedules: Answers,
        runs: Answers,
        codec: Codec,
        alarms: Alarms,
        clock: Clock,
        again_s: float = AGAIN_FIRST_S,
    ) -> None:
        """`schedules` and `runs` answer into the inbox of that name."""
        self._schedules = schedules
        self._runs = runs
        self._codec = codec
        self._reminders = Reminders[ScheduleWork](alarms, clock, self._say, again_s)

    def open(self, partition: int, work: ScheduleWork) -> None:
        delay_s = self._reminders.delay_s(work.due_ms, work.early) if isinstance(work, DueTime) else 0.0
        self._reminders.open(partition, work, delay_s)

    def settled(self, key: str) -> None:
        self._reminders.settled(key)

    def drop(self, partition: int) -> None:
        self._reminders.drop(partition)

    def close(self, deadline_s: float) -> None:
        until_s = time.monotonic() + deadline_s
        self._reminders.close()
        # What is asked of the runs is reported to the schedules.
        for answers in (self._runs, self._schedules):
            answers.drain(max(0.0, until_s - time.monotonic()))
        for answers in (self._runs, self._schedules):
            answers.close()

    def _say(self, work: ScheduleWork) -> None:
        if isinstance(work, DueTime):
            self._schedules.send(fire(work))
            return
        fired = cast("ScheduleFired", self._codec.decode_event(work.fired)[1])
        self._runs.send(replace(start(work, fired), then=partial(self._report, work)))

    def _report(self, run: FiredRun) -> None:
        reach("run-requested")
        self._schedules.send(report(run))
