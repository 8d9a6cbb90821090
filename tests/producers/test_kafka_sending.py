"""What is fatal to a producer reaches whoever waits for it, although confluent-kafka raises it in another place."""

import queue
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, KafkaException

from penstock.producers import kafka_sending
from penstock.producers.errors import LogError, LogRefused
from penstock.producers.kafka_patience import Stop
from penstock.producers.kafka_sending import Sender, SoonSender
from penstock.producers.log import Outgoing, Record

RECORD = Outgoing("penstock.run.inbox", b"key", b"value", (), 0)


class Dying:
    """A producer that takes a record, and whose broker then turns out to have lost others."""

    met: ClassVar[list[str]] = []

    def __init__(self, settings: dict[str, Any]) -> None:
        self.produced = 0

    def __len__(self) -> int:
        return self.produced

    def produce(self, topic: str, **_: object) -> None:
        self.produced += 1

    def poll(self, seconds: float) -> int:
        if self.produced:
            raise KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "desynchronised", True))
        return 0

    flush = poll

    def purge(self, **_: object) -> None:
        self.produced = 0

    def list_topics(self, topic: str, timeout: float) -> None:
        """The broker is there."""
        assert not self.produced, "too late"
        assert timeout < 1
        self.met.append(topic)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def dying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_sending, "Producer", Dying)
    Dying.met.clear()


def test_an_append_is_refused() -> None:
    with pytest.raises(LogRefused, match="desynchronised"):
        Sender({}, Stop()).send([RECORD])
    assert Dying.met == [RECORD.topic], "before the record, or it waits for a timer"


def test_who_has_handed_over_a_record_is_told_and_so_is_the_next_one() -> None:
    sender = SoonSender({}, Stop())
    told: queue.Queue[Record | LogError] = queue.Queue()
    sender.send(RECORD, told.put)
    assert "desynchronised" in str(told.get(timeout=10))
    with pytest.raises(LogRefused, match="desynchronised"):
        sender.send(RECORD, told.put)
    sender.close()
    assert Dying.met == [RECORD.topic]
