"""The fold of a run's beginning, stalls and end."""

from dataclasses import replace
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
from penstock.streams.runs.state import RunState


def _started(state: RunState, body: RunStarted, time_ms: int) -> RunState:
    return state if state.started is not None else replace(state, started=body, started_ms=time_ms)


def _stalled(state: RunState, body: RunStalled, time_ms: int) -> RunState:
    return replace(state, stalled=body)


def _resumed(state: RunState, body: RunResumed, time_ms: int) -> RunState:
    return replace(state, stalled=None)


def _ending(state: RunState, body: RunEnding, time_ms: int) -> RunState:
    return replace(state, ending=body, stalled=None)


def _ended(state: RunState, body: RunCompleted | RunFailed | RunCancelled, time_ms: int) -> RunState:
    return replace(state, terminal=body)


FOLDS: Final = (
    entry(RunStarted, _started),
    entry(RunStalled, _stalled),
    entry(RunResumed, _resumed),
    entry(RunEnding, _ending),
    entry(RunCompleted, _ended),
    entry(RunFailed, _ended),
    entry(RunCancelled, _ended),
)
