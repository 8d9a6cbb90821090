"""The fold: `evolve(state, happened) -> state`. Total: what doesn't fit a run's history changes nothing."""

from penstock.schemas.codec import EventBody
from penstock.schemas.run.records import RunStarted
from penstock.streams.decider import Happened
from penstock.streams.runs import fold_approvals, fold_calls, fold_runs, fold_timers
from penstock.streams.runs.state import RunState

_FOLDS = dict((*fold_runs.FOLDS, *fold_calls.FOLDS, *fold_approvals.FOLDS, *fold_timers.FOLDS))


def evolve(state: RunState, happened: Happened) -> RunState:
    """The state after one more event; the one that was given stays as it was."""
    following = state.copy()
    fold(following, happened.body, happened.seq, happened.time_ms)
    return following


def fold(state: RunState, body: EventBody, seq: int, time_ms: int) -> None:
    """Take one more event into a state that nobody else holds. Refusals and the like only count in `seq`."""
    state.seq = seq
    state.time_ms = time_ms
    change = _FOLDS.get(type(body))
    if change is not None and (state.started is not None or type(body) is RunStarted):
        change(state, body, time_ms)
