"""What the folds share: entries of a fold table, recorded requests, and what the workflow is told."""

from collections.abc import Callable
from typing import TypeVar, cast

from penstock.schemas.codec import EventBody
from penstock.streams.runs.state import Outcome, RunState, Settled, Step

B = TypeVar("B", bound=EventBody)
Fold = Callable[[RunState, B, int], RunState]
Entry = tuple[type[object], Fold[EventBody]]


def entry(kind: type[B], fold: Fold[B]) -> Entry:
    """An entry of a fold table: the fold is called with bodies of that kind only."""
    return kind, cast("Fold[EventBody]", fold)


def asked(state: RunState, number: int, step: Step) -> tuple[Step, ...]:
    """The requests with one more, if it is the next one."""
    # A gap can't be written by this decider; leaving it out lets replay show it as a difference.
    return (*state.steps, step) if number == len(state.steps) + 1 else state.steps


def told(state: RunState, step: int, time_ms: int, outcome: Outcome) -> tuple[Settled, ...]:
    """The history with one more settlement."""
    return (*state.history, Settled(step, time_ms, outcome))
