"""Asks where partitions end without waiting for the answer."""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Final

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from penstock.producers.kafka_backlog import Place
from penstock.producers.kafka_outage import QUIET

_ANSWER_S: Final = 5.0

# The offset that the next record of each partition will get, once the broker has said it of all that it says it of;
# None before that.
Answer = Callable[[], Mapping[Place, int] | None]


def ask_for_ends(bootstrap_servers: str, places: Collection[Place]) -> Answer:
    """Asks that cluster, through one connection for the whole process. Raises nothing: who doesn't answer within
    5 s has said nothing."""
    try:
        futures = _admin(bootstrap_servers).list_offsets(
            {TopicPartition(*place): OffsetSpec.latest() for place in places},  # type: ignore[no-untyped-call]
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=_ANSWER_S,
        )
    except KafkaException:
        return dict

    def ends() -> Mapping[Place, int] | None:
        if not all(future.done() for future in futures.values()):
            return None
        return {
            (place.topic, place.partition): future.result().offset
            for place, future in futures.items()
            if future.exception() is None
        }

    return ends


@cache
def _admin(bootstrap_servers: str) -> AdminClient:
    return AdminClient(
        {"bootstrap.servers": bootstrap_servers, "client.id": "penstock-ends", "log_level": QUIET}
    )
