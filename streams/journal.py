"""The journal port: what a decider's runner keeps in its database (law L3), and in what order it may change.

`streams.postgres_journal` keeps it in Postgres, `streams.memory_journal` in memory, for tests and simulations.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.schemas.frozen import quick


@quick
@dataclass(frozen=True, slots=True)
class Row:
    """One event as the journal keeps it. `position` is the checkpoint position of the batch it came with; `mark`
    names the event's type where entities are to be found by it."""

    entity_id: str
    seq: int
    position: int
    cause_offset: int
    cause_id: str
    cause_index: int
    value: bytes
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class TopicPair:
    """Which inbox and events topic a checkpoint's positions belong to."""

    cluster_id: str
    inbox_topic_id: str
    events_topic_id: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a partition stands."""

    epoch: int
    position: int
    published_position: int
    events_position: int
    events_epoch: int
    failed_in_a_row: int
    topics: TopicPair


@quick
@dataclass(frozen=True, slots=True)
class Commit:
    """One partition's decided batch: the move of the position and the rows that go with it, all or nothing."""

    partition: int
    epoch: int
    old_position: int
    new_position: int
    events_position: int
    failed_in_a_row: int
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of logged events brought to the journal: rows added, rows replaced, and the lowest inbox
    offset whose input is undecided again because its rows weren't on the log."""

    added: int
    replaced: int
    undecided_from: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An entity as folded from its events up to `seq`. `replacements` are the inputs that were decided in the place of
    parked ones: no row names them as a cause."""

    entity_id: str
    seq: int
    time_ms: int
    tenant: str
    replacements: Sequence[str]
    fold_version: int
    state: bytes


class Journal(Protocol):
    """Calls block, and retry by themselves while the database is away. Fenced: see `streams.host.Fenced`."""

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """The partition's checkpoint as it stands, None if the database knows of none."""
        ...

    def take(self, partition: int, owner: str, fresh: Checkpoint) -> Checkpoint:
        """Raise the epoch by one and become the owner; `fresh` is stored where no row stands."""
        ...

    def raise_epoch(self, partition: int, held: int, epoch: int) -> None:
        """Go on under a higher epoch, because the log knows higher ones than this database. Fenced if not ours."""
        ...

    def histories(self, entity_ids: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        """Each entity's events in the order of seq; nothing for an entity without any."""
        ...

    def stretches(self, after: Mapping[str, int], count: int) -> Mapping[str, Sequence[bytes]]:
        """Of each entity so many events at most, in the order of seq, the first one behind the seq that is given."""
        ...

    def snapshots(self, entity_ids: Sequence[str], fold_version: int) -> Mapping[str, Snapshot]:
        """Those that a fold of this version has made."""
        ...

    def keep(self, partition: int, epoch: int, position: int, snapshots: Sequence[Snapshot]) -> None:
        """In the place of earlier ones, if the partition is ours and stands at `position`: else nothing is kept, since
        another owner, or a dump that was restored, may have another history."""
        ...

    def decided(self, inputs: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """Which of these, each an entity and an input's id, have caused events here."""
        ...

    def commit(self, batches: Sequence[Commit]) -> frozenset[int]:
        """For each partition the fence, then plain inserts; the partitions that were ours, and are committed.

        Of the others nothing is kept. A commit whose reply was lost is recognised as ours.
        """
        ...

    def adopt(self, partition: int, epoch: int, rows: Sequence[Row]) -> Adoption:
        """Make the journal agree with these events of the log; what is replaced takes its entity's snapshot along.
        Fenced if not ours."""
        ...

    def unpublished(self, partition: int, after_position: int) -> Sequence[Row]:
        """Rows committed after that position, in the order they were committed."""
        ...

    def last_marked(self, partition: int, mark: str) -> Sequence[str]:
        """The entities of a partition whose last marked event is of that type."""
        ...

    def settle(self, partition: int, epoch: int, position: int, events_position: int) -> None:
        """Everything committed is on the log up to `events_position`; go on from `position`. Fenced if not ours."""
        ...

    def stop(self) -> None:
        """Called from any thread: whoever waits for an absent database raises Stopping from now on."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
