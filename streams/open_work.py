"""Open work: what events of a partition asked for and nothing has settled yet (law L6)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.frozen import quick
from penstock.streams.transactions import Session


class Work(Protocol):
    """One thing that is open. Frozen: a change is another object under the same key."""

    @property
    def key(self) -> str:
        """Id of the call or the timer."""
        ...

    @property
    def run_id(self) -> str:
        """The run that asked."""
        ...


W = TypeVar("W", bound=Work)
W_contra = TypeVar("W_contra", bound=Work, contravariant=True)


@quick
@dataclass(frozen=True, slots=True)
class Seen:
    """An event as a fold gets it, with its bytes as they stand on the log."""

    meta: EventMeta
    body: EventBody
    value: bytes


class OpenWork(Generic[W]):
    """The open work of one partition, and which keys changed since someone last asked."""

    def __init__(self, works: Iterable[W] = ()) -> None:
        self._works: dict[str, W] = {}
        # Most runs have one thing open: a set for each would be as large as what it names.
        self._by_run: dict[str, str | set[str]] = {}
        # A dict for its order: what was asked for first is acted upon first.
        self._changed: dict[str, None] = {}
        for work in works:
            self.put(work)
        self._changed.clear()

    def __len__(self) -> int:
        return len(self._works)

    def __iter__(self) -> Iterator[W]:
        return iter(self._works.values())

    def get(self, key: str) -> W | None:
        """What is open under that key."""
        return self._works.get(key)

    def put(self, work: W) -> None:
        """Open it, or put it in the place of what stood under its key."""
        self._works[work.key] = work
        keys = self._by_run.setdefault(work.run_id, work.key)
        if isinstance(keys, set):
            keys.add(work.key)
        elif keys != work.key:
            self._by_run[work.run_id] = {keys, work.key}
        self._changed[work.key] = None

    def remove(self, key: str) -> None:
        """It is settled. Unknown keys are no error: others settle too."""
        work = self._works.pop(key, None)
        if work is None:
            return
        keys = self._by_run[work.run_id]
        if isinstance(keys, set):
            keys.discard(key)
        if not keys or keys == key:
            del self._by_run[work.run_id]
        self._changed[key] = None

    def forget(self, key: str) -> None:
        """It needn't be kept any more, and nothing has become of it: nobody is told, and no row changes."""
        self.remove(key)
        self._changed.pop(key, None)

    def remove_run(self, run_id: str) -> None:
        """The run ended: nothing of it is open."""
        keys = self._by_run.get(run_id, set())
        for key in tuple(keys) if isinstance(keys, set) else (keys,):
            self.remove(key)

    def changes(self) -> Sequence[str]:
        """Keys put or removed since the last call, in the order in which they first were."""
        changed, self._changed = tuple(self._changed), {}
        return changed


class Fold(Protocol[W]):
    """How events become open work. Pure and the same in every process, so it can be made anew at any time."""

    types: frozenset[str]

    def evolve(self, open_work: OpenWork[W], seen: Seen) -> None:
        """Fold one event of `types` in."""
        ...


class Rows(Protocol[W]):
    """The table in which a snapshot of open work is kept. Called inside the transaction of the position."""

    def load(self, session: Session, partition: int) -> Sequence[W]:
        """Everything open there."""
        ...

    def save(self, session: Session, partition: int, works: Mapping[str, W | None]) -> None:
        """Write each work over what stood under its key; None: delete it."""
        ...

    def clear(self, session: Session, partition: int) -> None:
        """Forget the partition: it is folded anew from its first record."""
        ...


class Act(Protocol[W_contra]):
    """What is done about open work of partitions that have been read up to their end. Never blocks."""

    def open(self, partition: int, work: W_contra) -> None:
        """This is open, new or changed."""
        ...

    def settled(self, key: str) -> None:
        """This isn't open any more."""
        ...

    def drop(self, partition: int) -> None:
        """Begin nothing more of this partition. What runs may finish and answer."""
        ...

    def close(self, deadline_s: float) -> None:
        """Begin nothing more at all; wait so long for what runs, and for its answers to be on the log."""
        ...
