"""The one pattern of deciders: `decide(state, input) -> [event]`, `evolve(state, event) -> state`.

Both are pure and total: no clock, id, log or IO. A refusal is an event. The runner adds the envelopes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from penstock.producers.signing import Authority
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Input:
    """A decoded input and what is known of it. `time_ms` is its log time: the only clock a decider has."""

    meta: InputMeta
    body: InputBody
    authority: Authority
    time_ms: int


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as a decider folds it: its body, its place and its time in the entity's history."""

    body: EventBody
    seq: int
    time_ms: int


class Decider(Protocol[S]):
    """An entity's rules. `noun` names its topics: penstock.<noun>.inbox and penstock.<noun>.events."""

    noun: str
    group_id: str

    def initial(self, tenant: str, entity_id: str) -> S:
        """The state before the first event."""
        ...

    def decide(self, state: S, given: Input) -> Sequence[EventBody]:
        """What follows from the input, at least one event. Never raises for bad input."""
        ...

    def evolve(self, state: S, happened: Happened) -> S:
        """The state after one more event."""
        ...
