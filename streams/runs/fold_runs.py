"""The fold of a run's beginning, stalls and end."""

from typing import Final

from penstock.schemas.run.records import (
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    RunResumed,
    RunStalled,
    RunStarted,
)
from penstock.streams.runs.fold_entries import entry
from penstock.streams.runs.fold_timers import arm
from penstock.streams.runs.state import RunState


def _started(state: RunState, body: RunStarted, time_ms: int) -> None:
    if state.started is None:
        state.started, state.started_ms = body, time_ms
        if body.deadline_ms is not None:
            arm(state, 0, "deadline", body.deadline_ms)


def _stalled(state: RunState, body: RunStalled, time_ms: int) -> None:
    state.stalled = body


def _resumed(state: RunState, body: RunResumed, time_ms: int) -> None:
    state.stalled = None


def _ending(state: RunState, body: RunEnding, time_ms: int) -> None:
    state.ending, state.stalled = body, None


def _ended(state: RunState, body: RunCompleted | RunFailed | RunCancelled, time_ms: int) -> None:
    state.terminal = body


FOLDS: Final = (
    entry(RunStarted, _started),
    entry(RunStalled, _stalled),
    entry(RunResumed, _resumed),
    entry(RunEnding, _ending),
    entry(RunCompleted, _ended),
    entry(RunFailed, _ended),
    entry(RunCancelled, _ended),
)
