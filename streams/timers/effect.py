"""Armed timers as a fold of run events, and firing them.

A timer is due by log time: an early firing is answered by `TimerRearmed` (penstock.streams.reminders).
"""

from dataclasses import replace
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
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answer, Answers
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.reminders import AGAIN_FIRST_S, Reminders
from penstock.streams.timers.ports import ArmedTimer

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


class Firing:
    """The act of the timers effector."""

    def __init__(
        self, answers: Answers, alarms: Alarms, clock: Clock, again_s: float = AGAIN_FIRST_S
    ) -> None:
        self._answers = answers
        self._reminders = Reminders[ArmedTimer](alarms, clock, self._fire, again_s)

    def open(self, partition: int, work: ArmedTimer) -> None:
        self._reminders.open(partition, work, self._reminders.delay_s(work.due_ms, work.firing - 1))

    def settled(self, key: str) -> None:
        self._reminders.settled(key)

    def drop(self, partition: int) -> None:
        self._reminders.drop(partition)

    def close(self, deadline_s: float) -> None:
        self._reminders.close()
        self._answers.drain(deadline_s)
        self._answers.close()

    def _fire(self, timer: ArmedTimer) -> None:
        self._answers.send(fire(timer))
