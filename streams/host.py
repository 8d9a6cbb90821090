"""What a worker drives: something that owns partitions of one topic and takes their records in batches."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from penstock.producers.log import Record


class Fenced(Exception):
    """Another owner took the partition, or the database is another one: forget what is cached and take it anew."""


class TakeRefused(Exception):
    """The database and the log don't belong together, or the code fails on input after input. The message says
    what is wrong and what to type; until then the worker stays stopped, and nothing is lost."""


class Appended:
    """Tells others in this process of records that a host has appended: acknowledged, and in order."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Sequence[Record]], None]] = []

    def __call__(self, records: Sequence[Record]) -> None:
        for listener in self.listeners:
            listener(records)


class PartitionHost(Protocol):
    """Everything here blocks and is called from one thread, never for two partitions at once."""

    topic: str
    group_id: str
    # Where it writes; whether only the owner of a partition writes there; and who is told of it.
    appends_to: str
    appends_alone: bool
    appended: Appended
    # A fetch waits for so many bytes, up to a tenth of a second: 1 where latency counts.
    fetch_min_bytes: int
    # See penstock.streams.pace: seconds for each record of a turn; 0: the next turn begins at once.
    pace_s: float

    @property
    def fault(self) -> BaseException | None:
        """What one of the host's own threads met, if that is why the process ends."""
        ...

    def take(self, partition: int) -> int:
        """Become the partition's owner; the position to read from. May take long: it reports its progress."""
        ...

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        """Do all that these records, by partition, ask for: when it returns, they are done.

        Except those of the partitions that it returns: they turned out to be another owner's, nothing of
        theirs counts, and they must be taken anew.
        """
        ...

    def drop(self, partition: int) -> None:
        """The partition isn't ours any more."""
        ...

    def stop(self) -> None:
        """Called from any thread before `close`: whoever waits here for an absent database gives up."""
        ...

    def close(self) -> None:
        """Stop within the deadline: finish or checkpoint, release leases, flush."""
        ...
