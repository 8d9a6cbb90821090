"""Producers of one Kafka log: how records get there, and how their acknowledgements come back.

Writes: any topic. Guarantees: acks=all and idempotence, so that an acknowledged record stands there once and
in order through broker restarts; murmur2 placement; a permanent error ends the producer that met it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from penstock.producers.errors import BufferFull, LogRefused
from penstock.producers.kafka_meeting import meet
from penstock.producers.kafka_outage import QUIET, tell_of_outage
from penstock.producers.kafka_patience import Stop
from penstock.producers.log import OnDone, Outgoing, Record

# How long a wait for the broker lasts before it looks whether it is still wanted.
_LOOK_UP_S: Final = 0.25
# What one producer holds at most; the publisher's own bound of records is lower.
_BUFFER_RECORDS_MAX: Final = 100_000
_BUFFER_KIB_MAX: Final = 256 * 1024
# A batch must stay below the smallest topic limit, which is the broker's measure; one record may be as large
# as the largest.
_BATCH_BYTES_MAX: Final = 1_000_000
_MESSAGE_BYTES_MAX: Final = 10 * 1024 * 1024


def _producing(settings: Mapping[str, str], linger_ms: int) -> dict[str, str | int | bool]:
    return {
        **settings,
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        # Records wait as long as the broker is away: a timeout would leave their outcome unknown.
        "message.timeout.ms": 0,
        "linger.ms": linger_ms,
        # Faust's consumer can't read the other codecs without extra packages.
        "compression.type": "none",
        "batch.size": _BATCH_BYTES_MAX,
        "message.max.bytes": _MESSAGE_BYTES_MAX,
        "queue.buffering.max.messages": _BUFFER_RECORDS_MAX,
        "queue.buffering.max.kbytes": _BUFFER_KIB_MAX,
        "reconnect.backoff.max.ms": 1000,
        "log_level": QUIET,
    }


class Sender:
    """A producer that one append at a time has to itself, so that its flush waits for nobody else's records.

    linger.ms with an explicit flush sends what an append holds in as few batches as there are partitions.
    """

    def __init__(self, settings: Mapping[str, str], stop: Stop) -> None:
        producing = _producing(settings, linger_ms=5)
        self._producer = Producer({**producing, "error_cb": self._on_error})
        self._stop = stop
        self._has_met = False
        self._refusal: LogRefused | None = None

    def send(self, records: Sequence[Outgoing]) -> list[Record]:
        """Send in order, wait for every acknowledgement. After LogRefused the sender is done for."""
        stored: dict[int, Record] = {}
        if records and not self._has_met:
            meet(self._producer, records[0].topic)
            self._has_met = True
        for index, record in enumerate(records):
            self._produce(record, partial(self._on_delivery, stored, index, record))
        while self._serve(self._producer.flush):
            self._look_up()
        self._look_up()
        return [stored[index] for index in range(len(records))]

    def close(self) -> None:
        """Let go of the connections, and of whatever is still under way after a refusal."""
        abandon(self._producer)

    def _produce(self, record: Outgoing, on_delivery: "partial[None]") -> None:
        while True:
            self._look_up()
            try:
                produce(self._producer, record, on_delivery)
                return
            except BufferError:
                self._serve(self._producer.poll)

    def _serve(self, wait: Callable[[float], int]) -> int:
        """Let librdkafka tell what it has heard; what `wait` returns."""
        try:
            return wait(_LOOK_UP_S)
        except KafkaException as error:
            self._refusal = self._refusal or ended(error)
            return 0

    def _look_up(self) -> None:
        if self._refusal is None and self._stop.is_due:
            self._refusal = LogRefused("the log was closed before the broker acknowledged everything")
        if self._refusal is not None:
            raise self._refusal

    def _on_delivery(
        self,
        stored: dict[int, Record],
        index: int,
        record: Outgoing,
        error: KafkaError | None,
        answer: Message,
    ) -> None:
        outcome = delivered(record, error, answer)
        if isinstance(outcome, LogRefused):
            self._refusal = self._refusal or outcome
        else:
            stored[index] = outcome

    def _on_error(self, error: KafkaError) -> None:
        self._refusal = self._refusal or fatal(error)


class SoonSender:
    """A producer for records that nobody waits for one by one; a thread of its own hears the answers."""

    def __init__(self, settings: Mapping[str, str], stop: Stop) -> None:
        producing = _producing(settings, linger_ms=0)
        self._producer = Producer({**producing, "error_cb": self._on_error})
        self._stop = stop
        self._closed = threading.Event()
        self._open: dict[int, OnDone] = {}
        self._next = 0
        self._lock = threading.Lock()
        self._has_met = False
        self.refusal: LogRefused | None = None
        self._thread = threading.Thread(target=self._listen, name="deliveries", daemon=True)
        self._thread.start()

    def send(self, record: Outgoing, on_done: OnDone) -> None:
        """Hand over; `on_done` is called by the listening thread. Raises LogRefused, BufferFull."""
        # The lock keeps the order between taking a number and handing over, and a late record out of a
        # producer that has been given up.
        with self._lock:
            if self.refusal is not None:
                raise self.refusal
            if not self._has_met:
                meet(self._producer, record.topic)
                self._has_met = True
            number, self._next = self._next, self._next + 1
            self._open[number] = on_done
            try:
                produce(self._producer, record, partial(self._on_delivery, number, record))
            except BufferError:
                del self._open[number]
                raise BufferFull(len(self._open), 0) from None
            except LogRefused as refusal:
                del self._open[number]
                self.refusal = refusal
                raise

    def close(self) -> None:
        """Wait until everything is answered or it is time to stop; what isn't answered then is refused."""
        self._closed.set()
        self._thread.join()
        abandon(self._producer)

    def _listen(self) -> None:
        while not (self._closed.is_set() and (not len(self._producer) or self._stop.is_due)):
            try:
                self._producer.poll(_LOOK_UP_S)
            except KafkaException as error:
                self.refusal = self.refusal or ended(error)
            if self.refusal is not None:
                self._give_up(self.refusal)
        self._give_up(LogRefused("the log was closed before the broker acknowledged this record"))

    def _give_up(self, refusal: LogRefused) -> None:
        with self._lock:
            self.refusal = refusal
            abandoned, self._open = self._open, {}
        self._producer.purge(in_queue=True, in_flight=False, blocking=False)
        for on_done in abandoned.values():
            on_done(refusal)

    def _on_delivery(self, number: int, record: Outgoing, error: KafkaError | None, answer: Message) -> None:
        outcome = delivered(record, error, answer)
        if isinstance(outcome, LogRefused):
            self.refusal = self.refusal or outcome
        on_done = self._open.pop(number, None)
        if on_done is not None:
            on_done(outcome)

    def _on_error(self, error: KafkaError) -> None:
        self.refusal = self.refusal or fatal(error)


def abandon(producer: Producer) -> None:
    """Close without waiting: what is unanswered is dropped first, or closing would wait for the broker."""
    producer.purge(in_queue=True, in_flight=True, blocking=False)
    producer.close()


def produce(producer: Producer, record: Outgoing, on_delivery: "partial[None]") -> None:
    """Queue one record. Raises BufferError when the queue is full, LogRefused when the producer is dead."""
    try:
        producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            partition=-1 if record.partition is None else record.partition,
            headers=list(record.headers),
            on_delivery=on_delivery,
        )
    except KafkaException as error:
        raise LogRefused(f"{record.topic} takes no record: {error}") from error


def delivered(record: Outgoing, error: KafkaError | None, answer: Message) -> Record | LogRefused:
    """The record as it stands, or why it doesn't."""
    if error is not None:
        return LogRefused(f"{record.topic} refused a record for good: {error.name()}: {error.str()}")
    offset, partition = answer.offset(), answer.partition()
    if offset is None or offset < 0 or partition is None:
        # The broker took it, but has forgotten where: only reading the log tells.
        return LogRefused(f"a record stands on {record.topic}, but the broker can't tell where")
    time_ms = answer.timestamp()[1]
    placed = (record.topic, partition, offset, time_ms)
    return Record(*placed, record.key, record.value, record.headers, record.said)


def ended(error: KafkaException) -> LogRefused:
    """A refusal for what is fatal to a producer: confluent-kafka raises that where it serves, and tells no callback.

    Such is a broker that has lost what it had acknowledged: its log was restored from an older copy.
    """
    return LogRefused(f"the producer can't go on: {error}")


def fatal(error: KafkaError) -> LogRefused | None:
    """A refusal if the producer can't go on; anything else is librdkafka's to retry."""
    if error.fatal():
        return LogRefused(f"the producer can't go on: {error.name()}: {error.str()}")
    tell_of_outage(error)
    return None
