"""The broker in a JVM of its own, killed and started again."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from penstock.cli.local.broker import LocalBroker

pytestmark = pytest.mark.broker


def append(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def read_all(bootstrap_servers: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "reader"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        return [record.value() for record in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


def test_broker_killed_keeps_its_data_and_its_address(fresh_kafka: LocalBroker) -> None:
    address = fresh_kafka.bootstrap_servers
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(timeout=30)
    append(address, "kept", b"before")

    fresh_kafka.kill()
    assert fresh_kafka.process() is None
    assert fresh_kafka.start() == address

    append(address, "kept", b"after")
    assert read_all(address, "kept", 2) == [b"before", b"after"]


def test_starting_a_running_broker_leaves_it_alone(fresh_kafka: LocalBroker) -> None:
    process = fresh_kafka.process()
    fresh_kafka.start()
    assert process is not None
    assert fresh_kafka.process() == process
    assert fresh_kafka.stop()
    assert not process.alive()
