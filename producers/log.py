"""The log as the rest of Penstock sees it: records in, records out.

Two logs keep this contract: Kafka (`producers.kafka`) and the in-memory log (`producers.memory`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from penstock.producers.errors import LogError
from penstock.schemas.frozen import quick


@quick
@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands on the log; `time_ms` is the log's own append time."""

    topic: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    # What the value says, as (meta, body), where this process has just made it: nobody need decode it.
    said: tuple[object, object] | None = field(default=None, compare=False, repr=False)

    def header(self, name: str) -> bytes | None:
        """The first header of that name, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


@quick
@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to append. `partition` None: placed by murmur2 of the key, as every Penstock record is.

    Key and value may be None only in dead letters, which are byte for byte what a stranger wrote.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int | None = None
    # What the value says, as (meta, body), for readers in this process.
    said: tuple[object, object] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log this is: a topic made anew, or another cluster, has another identity."""

    cluster_id: str
    topic_id: str


class Log(Protocol):
    """An append-only, partitioned log. Calls block; they wait as long as the log is away."""

    def append(self, records: Sequence[Outgoing]) -> Sequence[Record]:
        """Append in order, wait until every record is acknowledged, return them as they stand.

        Raises RecordTooLarge before anything is sent, LogRefused on a permanent error (the log is then
        unusable: make a new one).
        """
        ...

    def read(self, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """Every record with start <= offset < end, in order."""
        ...

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """(offset of the first record kept, offset that the next record will get)."""
        ...

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has."""
        ...

    def identity(self, topic: str) -> LogIdentity:
        """Which topic on which cluster this is."""
        ...

    def give_up_after(self, seconds: float) -> None:
        """Whoever still waits for an absent log then, or asks it later, gets LogRefused. Doesn't wait itself."""
        ...

    def close(self) -> None:
        """Flush and let go."""
        ...


# What becomes of a record that was handed over: where it stands, or why it won't.
OnDone: TypeAlias = Callable[[Record | LogError], None]


class SoonLog(Log, Protocol):
    """A log that also takes records without making the caller wait."""

    def append_soon(self, record: Outgoing, on_done: OnDone) -> None:
        """Hand one record over; `on_done` is called once, later, perhaps by another thread: it mustn't block.

        Records that one thread hands over for one partition stand in that order. Raises what `append` does,
        and BufferFull; then `on_done` is never called.
        """
        ...
