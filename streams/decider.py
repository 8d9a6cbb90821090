"""The one pattern of deciders: `decide(state, input) -> [event]`, `evolve(state, event) -> state`.

Both are pure and total: no clock, id, log or IO. A refusal is an event. The runner adds the envelopes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from penstock.producers.signing import Authority
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.frozen import quick

S = TypeVar("S")


@quick
@dataclass(frozen=True, slots=True)
class Input:
    """A decoded input and what is known of it. `time_ms` is its log time: the only clock a decider has."""

    meta: InputMeta
    body: InputBody
    authority: Authority
    time_ms: int


@quick
@dataclass(frozen=True, slots=True)
class Happened:
    """An event as a decider folds it: its body, its place and its time in the entity's history."""

    body: EventBody
    seq: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Decided(Generic[S]):
    """What follows from an input: the events, and the state with them folded in."""

    events: Sequence[EventBody]
    state: S


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
        """The state after one more event. The one that was given stays as it was: it may be gone on from again."""
        ...


@runtime_checkable
class FoldingDecider(Decider[S], Protocol[S]):
    """A decider that folds its events while it decides, so that nobody need fold them again.

    `decide_folded(...)` gives the events of `decide`, and the state that folding each of them would give.
    """

    def decide_folded(self, state: S, given: Input, seq: int, time_ms: int) -> Decided[S]:
        """What follows, from `seq` + 1 on, at that log time."""
        ...

    def has_ended(self, state: S) -> bool:
        """Whether little is likely to come, so that it needn't be kept in memory. What comes is decided."""
        ...


@runtime_checkable
class LastingDecider(Decider[S], Protocol[S]):
    """A decider whose entities live for years: their states are kept beside the journal, now and then.

    `fold_version` is raised when any history folds to another state than before, or a state is packed otherwise: what
    another version has packed isn't gone on from.
    """

    fold_version: int

    def pack(self, state: S) -> bytes:
        """The whole of the state."""
        ...

    def unpack(self, packed: bytes) -> S:
        """The state that `pack` was given. Raises ValueError, TypeError or KeyError for other bytes."""
        ...


def decide_and_fold(decider: Decider[S], state: S, given: Input, seq: int, time_ms: int) -> Decided[S]:
    """`decide`, then `evolve` with each event: for deciders that don't fold by themselves."""
    events = decider.decide(state, given)
    for index, body in enumerate(events, start=1):
        state = decider.evolve(state, Happened(body, seq + index, time_ms))
    return Decided(events, state)


def end_of(decider: Decider[S]) -> Callable[[S], bool]:
    """How to tell that an entity needn't be kept in memory; of a decider that doesn't say, none ever is."""
    return decider.has_ended if isinstance(decider, FoldingDecider) else lambda _: False
