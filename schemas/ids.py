"""Ids that follow from what they identify, and Kafka's placement of keys.

Every derived id is a version 5 UUID in its lower-case, hyphenated form: redelivery yields the same ids.
"""

import hashlib
import re
import struct
from functools import lru_cache
from typing import Final

# Penstock's own namespace; every derived id hangs under it, so it can never change.
NAMESPACE: Final = "6f0c1b7e-52d5-5c0a-9a3e-8d1f7b0c2e41"

_UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

KEPT_KEY_BYTES_MAX: Final = 64

# What the digit that holds a UUID's variant becomes: its upper bits are 10.
_VARIANT: Final = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}

_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


@lru_cache(maxsize=16_384)
def _namespace(entity_id: str) -> bytes:
    # A run derives some thirty ids, one after another.
    return bytes.fromhex(entity_id.replace("-", ""))


def derived_id(entity_id: str, name: str) -> str:
    """uuid5(entity_id, name), without building UUID objects. Raises ValueError if entity_id is no UUID."""
    text = hashlib.sha1(_namespace(entity_id) + name.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def tenant_id(tenant: str) -> str:
    """The entity that a tenant itself is, for what is said of no run."""
    return derived_id(NAMESPACE, f"tenant:{tenant}")


def run_id(tenant: str, idempotency_key: str) -> str:
    """The run that a tenant's Idempotency-Key stands for: uuid5(uuid5(namespace, tenant), key)."""
    return derived_id(tenant_id(tenant), f"run:{idempotency_key}")


def schedule_id(tenant: str, name: str) -> str:
    """The schedule of that name in a tenant."""
    return derived_id(tenant_id(tenant), f"schedule:{name}")


def scheduled_run_id(schedule: str, due_ms: int) -> str:
    """The run that a schedule, by its id, starts for a nominal time: one, however often it is said."""
    return derived_id(schedule, f"run:{due_ms}")


def triggered_run_id(schedule: str, input_id: str) -> str:
    """The run that a schedule, by its id, starts because that input asks for one."""
    return derived_id(schedule, f"trigger:{input_id}")


def event_id(entity_id: str, cause_id: str, index: int) -> str:
    """Id of the event that is `index` (from 0) among those of its cause."""
    return derived_id(entity_id, f"{cause_id}:{index}")


def callback_timer_id(run_id: str, call_id: str, attempt: int) -> str:
    """Id of the timer that ends the wait for a callback to that attempt of a call."""
    return derived_id(run_id, f"timer:callback:{call_id}:{attempt}")


def partition_entity_id(topic: str, partition: int) -> str:
    """The entity that a partition itself is, for PartitionTaken."""
    return derived_id(NAMESPACE, f"partition:{topic}:{partition}")


def dead_letter_id(topic: str, partition: int, offset: int) -> str:
    """Id of the dead letter of the record that stands there."""
    return derived_id(NAMESPACE, f"dead-letter:{topic}:{partition}:{offset}")


def is_uuid(text: str) -> bool:
    """True for the one accepted form of an id: lower-case hex with hyphens, 36 characters."""
    return _UUID(text) is not None


def murmur2(key: bytes) -> int:
    """Kafka's 32-bit murmur2 of a key, signed as in Java."""
    length = len(key)
    h = 0x9747B28C ^ length
    words = length >> 2
    for k in struct.unpack_from(f"<{words}I", key):
        k = k * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ k >> 24) * _M & _MASK)
    tail = key[words << 2 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    h ^= h >> 15
    return h - (1 << 32) if h & 0x80000000 else h


def partition_of(key: bytes, partitions: int) -> int:
    """Where Java's default partitioner, and librdkafka's murmur2 and murmur2_random, put a key."""
    # A run's records come one after another under one key. Only short keys are kept: hostile ones are long.
    hashed = _murmur2_kept(key) if len(key) <= KEPT_KEY_BYTES_MAX else murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


_murmur2_kept = lru_cache(maxsize=16_384)(murmur2)
