"""A host that does nothing but remember."""

from collections.abc import Mapping, Sequence

from penstock.producers.log import Record
from penstock.streams.host import Appended


class Recording:
    """A host that remembers, and loses a partition when it is told to."""

    fetch_min_bytes, fault = 1, None
    appends_to, appends_alone, pace_s = "u", False, 0.0

    def __init__(self, topic: str = "t", group_id: str = "g") -> None:
        self.topic, self.group_id = topic, group_id
        self.appended = Appended()
        self.offsets: dict[int, list[int]] = {}
        self.taken: list[int] = []
        self.loses: set[int] = set()

    def take(self, partition: int) -> int:
        self.taken.append(partition)
        return (self.offsets.get(partition) or [-1])[-1] + 1

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        lost, self.loses = frozenset(self.loses & set(batches)), set()
        for partition in set(batches) - lost:
            self.offsets.setdefault(partition, []).extend(record.offset for record in batches[partition])
        return lost

    def drop(self, partition: int) -> None:
        """Nothing to let go of."""

    def stop(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing to close."""
