"""Due times and fired runs as a fold of schedules' events, and what is done about them.

A time is due by log time. This process's clock is only an estimate of it: an early firing is answered by
`ScheduleRearmed`, and the next one waits a little longer than the estimate says. A fired run is asked for in the runs'
inbox, and once that stands there the schedule is told: that event, not this process's memory, ends the asking.
"""

import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

from penstock.producers.clock import Clock
from penstock.producers.runs import start_sha256
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
from penstock.streams.alarms import Alarm, Alarms
from penstock.streams.answers import Answer, Answers
from penstock.streams.firing.ports import DueTime, FiredRun, ScheduleWork
from penstock.streams.open_work import OpenWork, Seen

AGAIN_FIRST_S: Final = 10.0
AGAIN_LONGEST_S: Final = 300.0
EARLY_FIRST_S: Final = 0.05
EARLY_LONGEST_S: Final = 5.0

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


@dataclass(slots=True, eq=False)
class _Pending:
    """What is open in a partition that this process owns, and the alarm that it waits for."""

    partition: int
    work: ScheduleWork
    alarm: Alarm | None = None


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
        self._alarms = alarms
        self._clock = clock
        self._again_s = again_s
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}

    def open(self, partition: int, work: ScheduleWork) -> None:
        with self._lock:
            self._let_go(work.key)
            pending = self._pending[work.key] = _Pending(partition, work)
            send = partial(self._send, pending, self._again_s)
            pending.alarm = self._alarms.after(self._delay_s(work), send)

    def settled(self, key: str) -> None:
        with self._lock:
            self._let_go(key)

    def drop(self, partition: int) -> None:
        with self._lock:
            for key in [key for key, pending in self._pending.items() if pending.partition == partition]:
                self._let_go(key)

    def close(self, deadline_s: float) -> None:
        until_s = time.monotonic() + deadline_s
        self._alarms.close()
        # What is asked of the runs is reported to the schedules.
        for answers in (self._runs, self._schedules):
            answers.drain(max(0.0, until_s - time.monotonic()))
        for answers in (self._runs, self._schedules):
            answers.close()

    def _delay_s(self, work: ScheduleWork) -> float:
        if isinstance(work, FiredRun):
            return 0.0
        delay_s = (work.due_ms - self._clock.now_ms()) / 1000
        if work.early:
            delay_s = max(delay_s, min(EARLY_FIRST_S * 2 ** min(work.early - 1, 16), EARLY_LONGEST_S))
        return delay_s

    def _send(self, pending: _Pending, again_s: float) -> None:
        """Say it, and again after a while if the log shows no answer by then."""
        work = pending.work
        with self._lock:
            if self._pending.get(work.key) is not pending:
                return
            following_s = min(again_s * 2, AGAIN_LONGEST_S)
            pending.alarm = self._alarms.after(again_s, partial(self._send, pending, following_s))
        if isinstance(work, DueTime):
            self._schedules.send(fire(work))
            return
        fired = cast("ScheduleFired", self._codec.decode_event(work.fired)[1])
        self._runs.send(replace(start(work, fired), then=lambda: self._schedules.send(report(work))))

    def _let_go(self, key: str) -> None:
        pending = self._pending.pop(key, None)
        if pending is not None and pending.alarm is not None:
            pending.alarm.cancel()
