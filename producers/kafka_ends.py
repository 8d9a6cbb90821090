"""Says where partitions end, within a moment or not at all."""

from collections.abc import Collection, Mapping
from typing import Final

from penstock.producers.kafka_backlog import BrokerSilent, KafkaBacklog, Place

_ANSWER_S: Final = 1.0


class Ends:
    """Asks one cluster, over a connection of its own; for one thread. Nothing is under way between two questions: a
    client of Kafka with an answer to come keeps a process from ending."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._backlog = KafkaBacklog(bootstrap_servers, _ANSWER_S)

    def __call__(self, places: Collection[Place]) -> Mapping[Place, int]:
        """The offset that the next record of each partition will get; empty if the broker doesn't say so in 1 s."""
        try:
            return {place: end for place, (_, end) in self._backlog.bounds(places).items()}
        except BrokerSilent:
            return {}

    def close(self) -> None:
        """Let go of the connection."""
        self._backlog.close()
