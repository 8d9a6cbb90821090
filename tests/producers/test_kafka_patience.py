"""What a client of a real Kafka says for a moment after its broker was away, and that nobody believes it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from tests.producers.samples import Records

from penstock.producers.kafka import KafkaLog

pytestmark = pytest.mark.broker
Topics = Callable[..., str]


@pytest.fixture
def log(kafka: str) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka, "tests")
    yield log
    log.close()


@pytest.mark.parametrize("code", [KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART])
def test_a_client_that_forgot_a_partition_is_asked_again_as_long_as_the_broker_has_it(
    log: KafkaLog,
    kafka_topics: Topics,
    make_records: Records,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    forgetful: list[Consumer] = []

    class Forgetful(Consumer):
        """What librdkafka may say once its broker came back, and say for good: the first two consumers here."""

        def get_watermark_offsets(self, place: TopicPartition, **options: Any) -> tuple[int, int]:  # type: ignore[override]
            if self in forgetful or len(forgetful) < 2:
                forgetful.append(self)
                raise KafkaException(KafkaError(code))
            return super().get_watermark_offsets(place, **options)

    monkeypatch.setattr("penstock.producers.kafka_reading.Consumer", Forgetful)
    topic = kafka_topics()
    log.append(make_records(topic, 2))
    assert log.bounds(topic, 0) == (0, 2)
    assert len(forgetful) == 2
    forgetful.clear()
    assert len(list(log.read(topic, 0, 0, 2))) == 2
    assert len(forgetful) == 2


def test_a_question_that_is_never_answered_is_asked_again(
    log: KafkaLog, kafka_topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a thread of the API's waited for all its life, after its broker had been away (seed 58)."""
    topic = kafka_topics(partitions=2)
    answered, unanswered = log._admin, [Future[Any](), Future[Any]()]

    class Losing:
        def describe_topics(self, topics: TopicCollection, **options: Any) -> dict[str, Any]:
            return {topic: unanswered.pop()} if unanswered else answered.describe_topics(topics, **options)

    monkeypatch.setattr("penstock.producers.kafka._LOST_S", 1)
    monkeypatch.setattr(log, "_admin", Losing())
    asked = ThreadPoolExecutor(1).submit(log.partitions, topic)
    assert asked.result(30) == 2
    assert unanswered == []
