"""The topics of a Kafka cluster as they are: their partitions and settings, and how a missing one is made."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewTopic

from penstock.producers.errors import BrokerUnreachable
from penstock.schemas.topics import Topic

_LOOK_UP_S: Final = 0.05


class ClusterTopics:
    """The topics of one cluster. Every call raises KafkaException for what the broker refuses."""

    def __init__(self, bootstrap_servers: str, timeout_s: float) -> None:
        """`timeout_s` is how long each question to the broker may take, in seconds."""
        self._bootstrap_servers = bootstrap_servers
        self._timeout_s = timeout_s
        # BrokerUnreachable says what to do; librdkafka's own lines on stderr would only stand in its way.
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def partitions(self) -> dict[str, int]:
        """Partition counts of all topics that are there, by name. Raises BrokerUnreachable."""
        try:
            found = self._admin.list_topics(timeout=self._timeout_s).topics
        except KafkaException as error:
            detail = error.args[0].name()
            raise BrokerUnreachable(self._bootstrap_servers, self._timeout_s, detail) from error
        return {name: len(topic.partitions or {}) for name, topic in found.items()}

    def make(self, topics: Sequence[Topic], replication: int) -> tuple[str, ...]:
        """Make these topics and wait until they show; the names of those that weren't there.

        Raises BrokerUnreachable when they don't show in time.
        """
        if not topics:
            return ()
        wanted = [
            NewTopic(topic.name, topic.partitions, replication, config=dict(topic.config)) for topic in topics
        ]
        answers = self._admin.create_topics(wanted, operation_timeout=self._timeout_s)
        made = []
        for topic in topics:
            try:
                answers[topic.name].result()
                made.append(topic.name)
            except KafkaException as error:
                # Another process made it in the meantime.
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        self._await([topic.name for topic in topics])
        return tuple(made)

    def _await(self, names: Sequence[str]) -> None:
        """The controller answers before the brokers have heard of a new topic."""
        deadline = time.monotonic() + self._timeout_s
        while not set(names) <= self.partitions().keys():
            if time.monotonic() > deadline:
                detail = "the topics that were made don't show"
                raise BrokerUnreachable(self._bootstrap_servers, self._timeout_s, detail)
            time.sleep(_LOOK_UP_S)

    def settings(self, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Every setting in force of each of these topics."""
        if not names:
            return {}
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        answers = self._admin.describe_configs(resources, request_timeout=self._timeout_s)
        return {
            resource.name: {name: str(entry.value) for name, entry in answer.result().items()}
            for resource, answer in answers.items()
        }

    def set(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Change these settings of these topics, and no others."""
        if not settings:
            return
        wanted = [
            ConfigResource(
                ConfigResource.Type.TOPIC,
                topic,
                incremental_configs=[
                    ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                    for name, value in config.items()
                ],
            )
            for topic, config in settings.items()
        ]
        for answer in self._admin.incremental_alter_configs(wanted, request_timeout=self._timeout_s).values():
            answer.result()
