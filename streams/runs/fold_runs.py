"""The fold of a run's beginning, signals, stalls, pauses and end."""

from dataclasses import replace
from typing import Final

from penstock.schemas.run.records import (
    FeedbackGiven,
    RunCancelled,
    RunCompleted,
    RunContinued,
    RunEnding,
    RunFailed,
    RunMigrated,
    RunPaused,
    RunResumed,
    RunStalled,
    RunStarted,
    SignalReceived,
)
from penstock.streams.runs.fold_entries import entry, told
from penstock.streams.runs.fold_timers import arm
from penstock.streams.runs.parts import Signalled
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


def _migrated(state: RunState, body: RunMigrated, time_ms: int) -> None:
    if state.started is not None:
        state.stalled = None
        state.started = replace(
            state.started,
            workflow_version=body.to_version,
            code_hash=body.code_hash,
            max_steps=body.max_steps,
        )


def _paused(state: RunState, body: RunPaused, time_ms: int) -> None:
    state.paused = body


def _continued(state: RunState, body: RunContinued, time_ms: int) -> None:
    state.paused = None


def _ending(state: RunState, body: RunEnding, time_ms: int) -> None:
    state.ending, state.stalled, state.paused = body, None, None


def _ended(state: RunState, body: RunCompleted | RunFailed | RunCancelled, time_ms: int) -> None:
    state.terminal = body


def _signalled(state: RunState, body: SignalReceived, time_ms: int) -> None:
    if body.signal_id not in state.signals:
        state.signals = state.signals.putting(body.signal_id, (body.name, body.payload.sha256))
        told(state, 0, time_ms, Signalled(body.name, body.payload.content or b""))


def _thought_of(state: RunState, body: FeedbackGiven, time_ms: int) -> None:
    state.feedback += 1


FOLDS: Final = (
    entry(RunStarted, _started),
    entry(SignalReceived, _signalled),
    entry(FeedbackGiven, _thought_of),
    entry(RunStalled, _stalled),
    entry(RunResumed, _resumed),
    entry(RunMigrated, _migrated),
    entry(RunPaused, _paused),
    entry(RunContinued, _continued),
    entry(RunEnding, _ending),
    entry(RunCompleted, _ended),
    entry(RunFailed, _ended),
    entry(RunCancelled, _ended),
)
