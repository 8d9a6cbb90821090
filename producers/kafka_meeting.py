"""A new producer and its broker.

librdkafka (2.16) has a record that comes before a producer has met its broker wait for a timer of half a second or
more (its pull request 5032). Whoever takes over or starts waits for that with each first record, so they meet first:
60 ms, also on a busy machine and with a broker that answers late.
"""

import logging
from typing import Final

from confluent_kafka import KafkaException, Producer

log = logging.getLogger(__name__)

# How long it is left alone: asked before it has begun to connect, it starts the timer all the same.
_BEGIN_S: Final = 0.03
_MEET_S: Final = 0.5


def meet(producer: Producer, topic: str) -> None:
    """Have it know its broker, or give up after half a second: then its records wait in it, as they do anyhow."""
    try:
        producer.poll(_BEGIN_S)
        producer.list_topics(topic, timeout=_MEET_S)
    except KafkaException as error:
        log.debug("%s: the broker isn't met yet: %s", topic, error)
