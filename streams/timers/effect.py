"""Armed timers as a fold of run events, and firing them.

A timer is due by log time. This process's clock is only an estimate of it: an early firing is answered by
`TimerRearmed`, and the next one waits a little longer than the estimate says, so that a clock that is ahead
costs a few events, not a flood of them.
"""

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from penstock.producers.clock import Clock
from penstock.schemas.ids import callback_timer_id, derived_id
from penstock.schemas.run.records import (
    ApprovalRequested,
    FireTimer,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    TimerArmed,
    TimerFired,
    TimerRearmed,
    ToolCallDeferred,
)
from penstock.streams.alarms import Alarm, Alarms
from penstock.streams.answers import Answer, Answers
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.timers.ports import ArmedTimer

AGAIN_FIRST_S: Final = 10.0
AGAIN_LONGEST_S: Final = 300.0
EARLY_FIRST_S: Final = 0.05
EARLY_LONGEST_S: Final = 5.0

_TYPES: Final = (
    ApprovalRequested,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    TimerArmed,
    TimerFired,
    TimerRearmed,
    ToolCallDeferred,
)


class TimerFold:
    """Pure: what is armed follows from the events alone."""

    types: frozenset[str] = frozenset(each.__name__ for each in _TYPES)

    def evolve(self, open_work: OpenWork[ArmedTimer], seen: Seen) -> None:
        """A run's start puts its deadline, a question its expiry and escalation, a deferred call that of its callback;
        sleeps have events of their own.

        Rearmed puts the timer again, fired takes it away, and a run's end takes away all of its timers.
        """
        body, meta = seen.body, seen.meta
        if isinstance(body, RunStarted):
            if body.deadline_ms is not None:
                self._arm(open_work, seen, "deadline", body.deadline_ms)
        elif isinstance(body, ApprovalRequested):
            self._arm(open_work, seen, str(body.step), body.expires_at_ms)
            if body.escalate_at_ms is not None:
                self._arm(open_work, seen, f"{body.step}:escalation", body.escalate_at_ms)
        elif isinstance(body, ToolCallDeferred):
            timer_id = callback_timer_id(meta.entity_id, body.call_id, body.attempt)
            open_work.put(ArmedTimer(timer_id, meta.entity_id, meta.tenant, body.expires_at_ms))
        elif isinstance(body, TimerArmed):
            open_work.put(ArmedTimer(body.timer_id, meta.entity_id, meta.tenant, body.due_ms))
        elif isinstance(body, TimerRearmed):
            timer = open_work.get(body.timer_id)
            if timer is not None:
                open_work.put(replace(timer, due_ms=body.due_ms, firing=timer.firing + 1))
        elif isinstance(body, TimerFired):
            open_work.remove(body.timer_id)
        elif isinstance(body, RunCompleted | RunFailed | RunCancelled):
            open_work.remove_run(meta.entity_id)

    @staticmethod
    def _arm(open_work: OpenWork[ArmedTimer], seen: Seen, what: str, due_ms: int) -> None:
        # The decider's fold derives the same id, and older histories name it in a TimerArmed of its own.
        timer_id = derived_id(seen.meta.entity_id, f"timer:{what}")
        open_work.put(ArmedTimer(timer_id, seen.meta.entity_id, seen.meta.tenant, due_ms))


def fire(timer: ArmedTimer) -> Answer:
    """The firing that is next; the same input however often it is sent."""
    input_id = derived_id(timer.key, f"fire:{timer.firing}")
    return Answer(input_id, timer.run_id, timer.tenant, FireTimer(timer_id=timer.key))


@dataclass(slots=True, eq=False)
class _Pending:
    """A timer of a partition that this process owns, and the alarm that it waits for."""

    partition: int
    timer: ArmedTimer
    alarm: Alarm | None = None


class Firing:
    """The act of the timers effector."""

    def __init__(
        self, answers: Answers, alarms: Alarms, clock: Clock, again_s: float = AGAIN_FIRST_S
    ) -> None:
        self._answers = answers
        self._alarms = alarms
        self._clock = clock
        self._again_s = again_s
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}

    def open(self, partition: int, work: ArmedTimer) -> None:
        with self._lock:
            self._let_go(work.key)
            pending = self._pending[work.key] = _Pending(partition, work)
            delay_s = (work.due_ms - self._clock.now_ms()) / 1000
            if work.firing > 1:
                early_s = min(EARLY_FIRST_S * 2 ** min(work.firing - 2, 16), EARLY_LONGEST_S)
                delay_s = max(delay_s, early_s)
            pending.alarm = self._alarms.after(delay_s, partial(self._fire, pending, self._again_s))

    def settled(self, key: str) -> None:
        with self._lock:
            self._let_go(key)

    def drop(self, partition: int) -> None:
        with self._lock:
            for key in [key for key, pending in self._pending.items() if pending.partition == partition]:
                self._let_go(key)

    def close(self, deadline_s: float) -> None:
        self._alarms.close()
        self._answers.drain(deadline_s)
        self._answers.close()

    def _fire(self, pending: _Pending, again_s: float) -> None:
        """Fire, and again after a while if the log shows no answer by then."""
        with self._lock:
            if self._pending.get(pending.timer.key) is not pending:
                return
            following_s = min(again_s * 2, AGAIN_LONGEST_S)
            pending.alarm = self._alarms.after(again_s, partial(self._fire, pending, following_s))
        self._answers.send(fire(pending.timer))

    def _let_go(self, key: str) -> None:
        pending = self._pending.pop(key, None)
        if pending is not None and pending.alarm is not None:
            pending.alarm.cancel()
