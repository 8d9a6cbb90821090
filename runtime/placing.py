"""Where an event may stand. Only its decider writes an events topic, and it puts each record under its own name."""

from collections.abc import Mapping
from typing import Final

from penstock.producers.log import Record
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.headers import CE_TYPE
from penstock.schemas.ids import is_uuid, partition_entity_id, partition_of
from penstock.schemas.log.records import PartitionTaken
from penstock.schemas.topics import NOUN_TOPICS

_TYPES: Final[Mapping[str, frozenset[str]]] = {
    topic.name: frozenset(record.rpartition(".")[2] for record in topic.records) for topic in NOUN_TOPICS
}


def misplacement(record: Record, meta: EventMeta, partitions: int) -> str | None:
    """Why no decider can have put this event there, in words; None if it can. `partitions`: how many its topic has."""
    if record.header(CE_TYPE) != meta.type.encode():
        return f"its ce_type isn't {meta.type}"
    if meta.type not in _TYPES.get(record.topic, (meta.type,)):
        return f"a {meta.type} doesn't belong on {record.topic}"
    if meta.type == PartitionTaken.__name__:
        own = partition_entity_id(record.topic, record.partition)
        return None if meta.entity_id == own else "it speaks of another partition"
    if meta.entity_seq < 1:
        return f"its entity_seq is {meta.entity_seq}"
    if not is_uuid(meta.cause.id):
        return "its cause is no UUID"
    own_key = meta.entity_id.encode()
    if record.key != own_key:
        return f"its key isn't its entity {meta.entity_id}"
    if partition_of(own_key, partitions) != record.partition:
        return f"murmur2 puts its key elsewhere than on partition {record.partition}"
    return None
