"""A log that keeps what it has read: a verdict reads all there is, some topics three times, and after each round."""

from collections import defaultdict
from collections.abc import Iterator

from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Record


class RememberingLog(KafkaLog):
    """What stands on a log stays as it is, so only what came since is asked of the broker. For one thread at a time."""

    def __init__(self, bootstrap_servers: str, client_id: str, *, close_s: float) -> None:
        super().__init__(bootstrap_servers, client_id, close_s=close_s)
        self._kept: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)

    def read(self, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """As `Log.read`."""
        kept = self._kept[topic, partition]
        known = kept[-1].offset + 1 if kept else 0
        if known < end:
            kept += super().read(topic, partition, known, end)
        return (record for record in tuple(kept) if start <= record.offset < end)
