"""Which errors of Kafka pass by themselves and are waited for, and how a person hears of the wait."""

import logging
import time
from typing import Final

from confluent_kafka import KafkaError

from penstock.producers.errors import LogRefused, UnknownTopic

logger = logging.getLogger(__name__)

# librdkafka's own lines say each failed attempt to connect, of each client, each second: this lets it speak
# only of what is critical. An outage is told here.
QUIET: Final = 2

_UNKNOWN: Final = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
# The partition was trimmed or cut while it was read, or this client may not read it: waiting can't help.
_ENDING: Final = (
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError._INVALID_ARG,
    # What a consumer's poll says of it isn't marked as fatal: `fatal()` is false there (confluent-kafka 2.16).
    KafkaError._FATAL,
)
# What an operator should hear of. During an outage every client meets these each second.
_NEEDS_SOMEBODY: Final = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._RESOLVE,
)
_WARN_EVERY_S: Final = 10.0


class _Warnings:
    """When this process warned last. Two threads that warn at once do no harm."""

    last_s = -_WARN_EVERY_S


def wait_or_raise(error: KafkaError, topic: str, partition: int | None = None) -> None:
    """Errors of the network pass, to be tried again; those of the request are raised."""
    if error.code() in _UNKNOWN:
        raise UnknownTopic(topic, partition)
    if error.code() in _ENDING or error.fatal():
        raise LogRefused(f"{topic} can't be read: {error.name()}: {error.str()}")
    tell_of_outage(error)


def tell_of_outage(error: KafkaError) -> None:
    """Log an error after which librdkafka goes on by itself: as a warning every ten seconds at most."""
    now_s = time.monotonic()
    level = logging.DEBUG
    if error.code() in _NEEDS_SOMEBODY and now_s >= _Warnings.last_s + _WARN_EVERY_S:
        _Warnings.last_s = now_s
        level = logging.WARNING
    logger.log(level, "waiting for the broker: %s: %s", error.name(), error.str())
