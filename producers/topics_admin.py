"""Makes the topics of the catalogue, and tells what is wrong with those that are there.

Reads and writes: the broker's topics and their configuration. Nothing that exists is ever changed here:
another partition count moves keys, and a shorter retention can't be undone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from penstock.producers.kafka_topics import ClusterTopics
from penstock.schemas.topics import ALL_TOPICS, Topic

TIMEOUT_S_DEFAULT: Final = 10.0


def ensure_topics(
    bootstrap_servers: str,
    topics: Iterable[Topic] = ALL_TOPICS,
    replication: int = 1,
    timeout_s: float = TIMEOUT_S_DEFAULT,
) -> tuple[str, ...]:
    """Make the topics that are missing, as the catalogue says; the names of those made, in its order.

    `replication` is how many brokers keep each record. Raises BrokerUnreachable when none answers in
    `timeout_s` seconds, KafkaException when the broker refuses.
    """
    cluster = ClusterTopics(bootstrap_servers, timeout_s)
    there = cluster.partitions()
    return cluster.make([topic for topic in topics if topic.name not in there], replication)


def check_topics(
    bootstrap_servers: str,
    topics: Iterable[Topic] = ALL_TOPICS,
    timeout_s: float = TIMEOUT_S_DEFAULT,
) -> list[str]:
    """What is wrong with the topics, each problem in a sentence that says what to do; empty when all is well.

    Looks at partition counts and at every setting that the catalogue gives: retention, whose clock stamps the
    records, the size limit. Raises BrokerUnreachable when no broker answers in `timeout_s` seconds.
    """
    wanted = tuple(topics)
    cluster = ClusterTopics(bootstrap_servers, timeout_s)
    there = cluster.partitions()
    present = [topic for topic in wanted if topic.name in there]
    settings = cluster.settings([topic.name for topic in present])
    problems = [
        f"{topic.name} is missing: `penstock up` makes it" for topic in wanted if topic not in present
    ]
    for topic in present:
        problems += _differences(topic, there[topic.name], settings[topic.name])
    return problems


def _differences(topic: Topic, partitions: int, settings: Mapping[str, str]) -> Iterator[str]:
    if partitions != topic.partitions:
        yield (
            f"{topic.name} has {partitions} partitions, not {topic.partitions}, so keys would move and break "
            "histories: use a cluster where it has as many, or copy its records into a new one"
        )
    for name, value in topic.config.items():
        found = settings.get(name, "unset")
        if found != value:
            yield (
                f"{topic.name} has {name}={found}, not {value}: `kafka-configs --alter --entity-type topics "
                f"--entity-name {topic.name} --add-config {name}={value}` mends it"
            )
