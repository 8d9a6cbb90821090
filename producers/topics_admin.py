"""Makes the topics of the catalogue, and tells what is wrong with those that are there.

Reads and writes: the broker's topics and their configuration. What exists is changed by `mend_topics` only, and never
its partition count, which would move keys.
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
    return [
        problem
        for found in problems_by_topic(bootstrap_servers, topics, timeout_s).values()
        for problem in found
    ]


def problems_by_topic(
    bootstrap_servers: str,
    topics: Iterable[Topic] = ALL_TOPICS,
    timeout_s: float = TIMEOUT_S_DEFAULT,
) -> dict[str, list[str]]:
    """As `check_topics`, of each topic by its name, also of those with which nothing is wrong."""
    wanted = tuple(topics)
    cluster = ClusterTopics(bootstrap_servers, timeout_s)
    there = cluster.partitions()
    settings = cluster.settings([topic.name for topic in wanted if topic.name in there])
    return {
        topic.name: list(_differences(topic, there[topic.name], settings[topic.name]))
        if topic.name in there
        else [f"{topic.name} is missing: `penstock prepare` makes it"]
        for topic in wanted
    }


def mend_topics(
    bootstrap_servers: str,
    topics: Iterable[Topic] = ALL_TOPICS,
    timeout_s: float = TIMEOUT_S_DEFAULT,
) -> list[str]:
    """Give the topics that are there the settings that the catalogue says; `topic: name=value` of each changed.

    Raises BrokerUnreachable when no broker answers in `timeout_s` seconds, KafkaException when it refuses.
    """
    cluster = ClusterTopics(bootstrap_servers, timeout_s)
    there = cluster.partitions()
    present = [topic for topic in topics if topic.name in there]
    settings = cluster.settings([topic.name for topic in present])
    wanted = {
        topic.name: {
            name: value for name, value in topic.config.items() if settings[topic.name].get(name) != value
        }
        for topic in present
    }
    cluster.set({name: config for name, config in wanted.items() if config})
    return [f"{topic}: {name}={value}" for topic, config in wanted.items() for name, value in config.items()]


def _differences(topic: Topic, partitions: int, settings: Mapping[str, str]) -> Iterator[str]:
    if partitions != topic.partitions:
        yield (
            f"{topic.name} has {partitions} partitions, not {topic.partitions}, so keys would move and break "
            "histories: use a cluster where it has as many, or copy its records into a new one"
        )
    for name, value in topic.config.items():
        found = settings.get(name, "unset")
        if found != value:
            yield (f"{topic.name} has {name}={found}, not {value}: `penstock topics mend` sets it")
