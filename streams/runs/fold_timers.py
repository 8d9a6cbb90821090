"""The fold of timers."""

from dataclasses import replace
from typing import Final

from penstock.schemas.run.records import TimerArmed, TimerFired
from penstock.streams.runs.fold_entries import asked, entry, told
from penstock.streams.runs.state import RunState, Slept, Step, TimerState


def _armed(state: RunState, body: TimerArmed, time_ms: int) -> RunState:
    timer = TimerState(body.timer_id, body.step, body.purpose, body.due_ms)
    state = replace(state, timers={**state.timers, body.timer_id: timer})
    if body.purpose != "sleep":
        return state
    step = Step("sleep", "", str(body.due_ms - time_ms), body.timer_id)
    return replace(state, steps=asked(state, body.step, step))


def _fired(state: RunState, body: TimerFired, time_ms: int) -> RunState:
    timer = state.timers.get(body.timer_id)
    if timer is None or timer.fired:
        return state
    state = replace(state, timers={**state.timers, body.timer_id: replace(timer, fired=True)})
    if timer.purpose != "sleep":
        return state
    return replace(state, history=told(state, timer.step, time_ms, Slept()))


FOLDS: Final = (entry(TimerArmed, _armed), entry(TimerFired, _fired))
