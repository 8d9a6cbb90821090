"""The floor: a bare confluent-kafka loop over the same records. `python -m bench.floor_process IN OUT NAME`.

Consume, decode, encode an event of the same shape, produce with the same headers, flush, store the offsets:
no state, no database, no fence. It stops on SIGTERM and leaves <NAME>.json in the home directory.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from confluent_kafka import Consumer, Message, Producer

from bench import cpu
from penstock.runtime.settings import Settings
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Cause, EventMeta
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import event_id
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import FireTimer


class Floor:
    """Consume, transform, produce until told to stop."""

    def __init__(self, settings: Settings, inbox: str, events: str, name: str) -> None:
        self._settings = settings
        self._events = events
        self._name = name
        self._codec = pinned_codec()
        self._stopping = False
        servers = {"bootstrap.servers": settings.kafka_bootstrap_servers, "client.id": name}
        self._producer = Producer(
            {
                **servers,
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "batch.size": 1_000_000,
            }
        )
        self._consumer = Consumer(
            {
                **servers,
                "group.id": name,
                "auto.offset.reset": "earliest",
                "enable.auto.offset.store": False,
            }
        )
        self._consumer.subscribe([inbox])

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Stop after the batch in hand."""
        self._stopping = True

    def run(self) -> None:
        """Until stop()."""
        batches = 0
        while not self._stopping:
            first = self._consumer.poll(0.2)
            if first is None:
                continue
            batches += 1
            self._turn([first, *self._consumer.consume(self._settings.batch_records_max - 1, 0)])
        spent = cpu.process_s(os.getpid())
        (self._settings.home / f"{self._name}.json").write_text(
            json.dumps({"batches": batches, "cpu_s": spent})
        )
        self._consumer.close()

    def _turn(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._transform(message)
        self._producer.flush()
        self._consumer.store_offsets(message=messages[-1])

    def _transform(self, message: Message) -> None:
        partition, offset = message.partition() or 0, message.offset() or 0
        meta, body = self._codec.decode_input(bytes(message.value() or b""))
        assert isinstance(body, FireTimer)
        time_ms = message.timestamp()[1]
        cause = Cause(
            id=meta.id,
            topic=str(message.topic()),
            partition=partition,
            offset=offset,
            time_ms=time_ms,
            index=0,
            count=1,
        )
        made = EventMeta(
            id=event_id(meta.entity_id, meta.id, 0),
            type=InputAccepted.__name__,
            tenant=meta.tenant,
            entity_id=meta.entity_id,
            entity_seq=1,
            time_ms=time_ms,
            actor=meta.actor,
            cause=cause,
        )
        value = self._codec.encode(made, InputAccepted(input_type=meta.type, note=f"{body.timer_id[:8]}/0"))
        headers: list[tuple[str, str | bytes | None]] = list(event_headers(made, self._name, 1, None))
        self._producer.produce(
            self._events, value=value, key=message.key(), partition=partition, headers=headers
        )
        self._producer.poll(0)


def main(inbox: str, events: str, name: str) -> int:
    """Run the loop as this process."""
    floor = Floor(Settings.load(), inbox, events, name)
    signal.signal(signal.SIGTERM, floor.stop)
    floor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
