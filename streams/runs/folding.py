"""The fold: `evolve(state, happened) -> state`. Total: what doesn't fit a run's history changes nothing."""

from dataclasses import replace

from penstock.schemas.run.records import RunStarted
from penstock.streams.decider import Happened
from penstock.streams.runs import fold_approvals, fold_calls, fold_runs, fold_timers
from penstock.streams.runs.state import RunState

_FOLDS = dict((*fold_runs.FOLDS, *fold_calls.FOLDS, *fold_approvals.FOLDS, *fold_timers.FOLDS))


def evolve(state: RunState, happened: Happened) -> RunState:
    """The state after one more event. Refusals, parking and the like only count in `seq`."""
    fold = _FOLDS.get(type(happened.body))
    if fold is not None and (state.started is not None or isinstance(happened.body, RunStarted)):
        folded = fold(state, happened.body, happened.time_ms)
        if folded is not state:
            # Nobody else holds this state yet; a second copy would cost as much as the fold.
            object.__setattr__(folded, "seq", happened.seq)
            object.__setattr__(folded, "time_ms", happened.time_ms)
            return folded
    return replace(state, seq=happened.seq, time_ms=happened.time_ms)
