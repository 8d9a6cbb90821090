"""The fold of timers. What arms a deadline is the run's start; an expiry and an escalation, the question.

Histories from before that have a TimerArmed for them, too: it arms the same timer again, under the same id.
"""

from dataclasses import replace
from typing import Final

from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import TimerArmed, TimerFired, TimerPurpose
from penstock.streams.runs.fold_entries import asked, entry, told
from penstock.streams.runs.parts import Slept, Step, TimerState
from penstock.streams.runs.state import RunState


def _armed(state: RunState, body: TimerArmed, time_ms: int) -> None:
    timer = TimerState(body.timer_id, body.step, body.purpose, body.due_ms)
    state.timers = state.timers.putting(body.timer_id, timer)
    if body.purpose == "sleep":
        asked(state, body.step, Step("sleep", "", str(body.due_ms - time_ms), body.timer_id))


def arm(state: RunState, step: int, purpose: TimerPurpose, due_ms: int) -> None:
    """A timer that the event of what it is for arms by itself. The timers effector derives the same id."""
    what = f"{step}:escalation" if purpose == "approval_escalation" else step or purpose
    timer_id = derived_id(state.run_id, f"timer:{what}")
    state.timers = state.timers.putting(timer_id, TimerState(timer_id, step, purpose, due_ms))


def _fired(state: RunState, body: TimerFired, time_ms: int) -> None:
    timer = state.timers.get(body.timer_id)
    if timer is None or timer.fired:
        return
    state.timers = state.timers.putting(body.timer_id, replace(timer, fired=True))
    if timer.purpose == "sleep":
        told(state, timer.step, time_ms, Slept())


FOLDS: Final = (entry(TimerArmed, _armed), entry(TimerFired, _fired))
