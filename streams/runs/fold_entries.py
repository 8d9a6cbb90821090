"""What the folds share: entries of a fold table, recorded requests, and what the workflow is told."""

from collections.abc import Callable
from typing import TypeVar, cast

from penstock.schemas.codec import EventBody
from penstock.streams.runs.parts import Outcome, Settled, Step
from penstock.streams.runs.state import RunState

B = TypeVar("B", bound=EventBody)
# Changes the state that it is given, which nobody else holds. The integer is the event's time in ms.
Fold = Callable[[RunState, B, int], None]
Entry = tuple[type[object], Fold[EventBody]]


def entry(kind: type[B], fold: Fold[B]) -> Entry:
    """An entry of a fold table: the fold is called with bodies of that kind only."""
    return kind, cast("Fold[EventBody]", fold)


def asked(state: RunState, number: int, step: Step) -> None:
    """One more request, if it is the next one."""
    # A gap can't be written by this decider; leaving it out lets replay show it as a difference.
    if number == len(state.steps) + 1:
        state.steps = state.steps.adding(step)


def told(state: RunState, step: int, time_ms: int, outcome: Outcome) -> None:
    """One more settlement."""
    state.history = state.history.adding(Settled(step, time_ms, outcome))
