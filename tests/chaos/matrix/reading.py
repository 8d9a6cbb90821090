"""Reading a log for a verdict, from its beginning to its end, with no code of the runner, the projector or the fold."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from penstock.producers.log import Log, Record
from penstock.schemas.codec import Codec, EventBody, Undecodable
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.topics import ALL_TOPICS, RUN_EVENTS, RUN_INBOX

MARKER: Final = "PartitionTaken"
# Whoever claims to follow an owner from further away is a stranger.
LEAP_MAX: Final = 2**32


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands, with what its record says beside the value."""

    record: Record
    meta: EventMeta
    body: EventBody

    @property
    def place(self) -> str:
        """What it is and where it stands."""
        return f"{self.meta.type} at {self.record.partition}@{self.record.offset}"


@dataclass(frozen=True, slots=True)
class Given:
    """A record of an inbox. `input_id` is None if nobody can read it."""

    record: Record
    input_id: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads a log from its beginning to its end."""

    codec: Codec

    def events(self, kept: Log, topic: str = RUN_EVENTS) -> list[Event]:
        """The events that count, in the order of the log: none of an owner that another had followed."""
        return [one for part in range(kept.partitions(topic)) for one in self._events(kept, topic, part)]

    def inputs(self, kept: Log, topic: str = RUN_INBOX) -> Iterator[Given]:
        """Everything that stands on the inbox."""
        for record in all_of(kept, topic):
            try:
                meta, _ = self.codec.decode_input(record.value or b"")
            except Undecodable:
                yield Given(record, None)
            else:
                yield Given(record, meta.id)

    def _events(self, kept: Log, topic: str, partition: int) -> Iterator[Event]:
        owner = 0
        for record in kept.read(topic, partition, *kept.bounds(topic, partition)):
            said = record.header("epoch") or b""
            epoch = int(said) if said.isdigit() and len(said) < 20 else -1
            if not owner <= epoch <= owner + LEAP_MAX:
                continue
            try:
                meta, body = self.codec.decode_event(record.value or b"")
            except Undecodable:
                continue
            if meta.type == MARKER:
                owner = epoch
            else:
                yield Event(record, meta, body)


def dead_places(kept: Log, inbox: str = RUN_INBOX) -> frozenset[tuple[int, int]]:
    """Partition and offset of each record of the inbox that is a dead letter."""
    found: set[tuple[int, int]] = set()
    for topic in ALL_TOPICS:
        if topic.name.startswith(inbox) and topic.name.endswith(".dlq"):
            for record in all_of(kept, topic.name):
                said = dict(record.headers)  # The last of a name is ours.
                found.add((int(said["dlq.original.partition"]), int(said["dlq.original.offset"])))
    return frozenset(found)


def all_of(kept: Log, topic: str) -> Iterator[Record]:
    """Every record of a topic, partition by partition."""
    for partition in range(kept.partitions(topic)):
        yield from kept.read(topic, partition, *kept.bounds(topic, partition))
