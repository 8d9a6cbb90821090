"""The batch consumer under Faust: whatever one fetch brings, of all partitions, is one Faust event.

Faust's own path costs more a record than all the rest together (docs/adr/0001), so records reach an ordinary
`@app.agent` in whole batches. Its offsets are for lag tools only: they follow the host's positions, and reading
starts from those.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ConsumerMessage, Message
from faust.types.transports import ConsumerT

from penstock.producers.log import Record
from penstock.streams.feeder import Feeder

FETCH_WAIT_MS: Final = 100
POLL_S: Final = 0.2


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer, fetching with a short wait: a partition that was just taken waits no longer than that
    for a fetch of the others to come back."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_min_bytes = cast("BatchApp", self.app).feeder.host.fetch_min_bytes
        return consumer


class BatchConsumer(driver.Consumer):
    """Reads only what the feeder says is taken, and from where it says."""

    feeder: Feeder

    def _new_consumer_thread(self) -> BatchConsumerThread:
        self.feeder = cast("BatchApp", self.app).feeder
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_partition(self, partition: int, offset: int) -> None:
        """Read a partition from that offset on."""
        await self.seek_wait({TP(self.feeder.host.topic, partition): offset})

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self.feeder.revoked(tp.partition for tp in revoked)
        await super().on_partitions_revoked(revoked)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Faust asks for this at the end of each rebalance; the committed offsets play no part in the answer."""
        partitions = [tp.partition for tp in self.assignment() if tp.topic == self.feeder.host.topic]
        self.feeder.assigned(partitions, self.seek_partition)
        return {}

    def ack(self, message: Message) -> bool:
        """What was handled is known by the host's positions; Faust's own count has an off-by-one."""
        self._unacked_messages.discard(message)
        first = not message.acked
        message.acked = True
        return first

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock detector counts single messages, of which there are none here."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        topic = self.feeder.host.topic
        return iter([TP(topic, partition) for partition in self.feeder.positions])

    def _new_offset(self, tp: TP) -> int | None:
        return self.feeder.positions.get(tp.partition)

    async def _drain_messages(self, fetcher: Any) -> None:
        """The body of Faust's fetcher: fetch, make one message of each partition's records, deliver."""
        while not (self.should_stop or fetcher.should_stop):
            try:
                await self._deliver(await self._next_records())
            except self.consumer_stopped_errors:
                return

    async def _next_records(self) -> Mapping[TP, Sequence[ConsumerRecord[bytes, bytes]]]:
        if not self.flow_active:
            await self.wait(cast(Any, self.can_resume_flow))
            return {}
        topic = self.feeder.host.topic
        wanted = {TP(topic, partition) for partition in self.feeder.fetchable()} & self.assignment()
        if not wanted:
            await self.feeder.changed(POLL_S)
            return {}
        return cast(
            "Mapping[TP, Sequence[ConsumerRecord[bytes, bytes]]]", await self._getmany(wanted, POLL_S) or {}
        )

    async def _deliver(self, fetched: Mapping[TP, Sequence[ConsumerRecord[bytes, bytes]]]) -> None:
        records = {tp.partition: [_record(one) for one in some] for tp, some in fetched.items() if some}
        if not records or not self.flow_active:
            return
        delivery = self.feeder.delivery(records)
        place, some = next((tp, some) for tp, some in fetched.items() if some)
        last = some[-1]
        message = ConsumerMessage(
            *(place.topic, place.partition, last.offset, last.timestamp / 1000, last.timestamp_type),
            *([], None, cast(Any, delivery), None, 0, 0, TP(*place)),
            # Faust's streams drop, silently, a message of another generation than the current one.
            generation_id=self.app.consumer_generation_id,
        )
        # A rebalance suspends the flow: what then waits here was fetched under the old assignment.
        await self.wait_first(self.callback(message), self.suspend_flow.wait())


def _record(record: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers),
    )


class BatchTransport(driver.Transport):
    """Faust's transport, with the batch consumer."""

    Consumer: ClassVar[type[ConsumerT]] = BatchConsumer


class AsItIs(faust.Schema):
    """The value of a message is the batch itself: nothing to decode, and nothing that Faust could fail to."""

    def loads_key(self, app: AppT, message: Message, **kwargs: Any) -> Any:
        return message.key

    def loads_value(self, app: AppT, message: Message, **kwargs: Any) -> Any:
        return message.value


class BatchApp(faust.App):
    """A Faust app whose agents take batches."""

    feeder: Feeder
    failure: Any

    def _new_transport(self) -> driver.Transport:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)
