"""The process that keeps the views: reads the events topics and the dead letters, hands them to the applier.

Reads: penstock.run.events, penstock.schedule.events, penstock.operator.actions and every dead-letter topic, in the
group penstock.audit.views, from the positions that the views themselves keep. Writes: the views. Guarantees: each
record once, whatever is killed when; a record that can't be projected is set aside and stops nothing. Start as many
as you like: Kafka shares the partitions out, and one that lost its own without knowing writes nothing.
"""

import gc
import logging
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

import psycopg
from confluent_kafka import Consumer, KafkaException, TopicPartition

from penstock.audit.applier import Applier, Partition, PositionRefused
from penstock.audit.counting import CountedApplier
from penstock.audit.fetching import Displaced, Reading, consumer_of
from penstock.audit.projection import DEAD_LETTERS
from penstock.audit.store import Fenced
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Log, Record
from penstock.producers.signing import Keyring
from penstock.runtime.closing import DEADLINE_S, end_within
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.exits import STAY_DOWN, last_words
from penstock.runtime.postgres import BROKEN_OFF, connect
from penstock.runtime.settings import Settings
from penstock.runtime.stalls import Remedy
from penstock.runtime.telemetry import start
from penstock.schemas.codec import codec_for
from penstock.schemas.topics import ALL_TOPICS, OPERATOR_ACTIONS, RUN_EVENTS, SCHEDULE_EVENTS, VIEWS_GROUP

log = logging.getLogger(VIEWS_GROUP)

TOPICS: Final = (
    RUN_EVENTS,
    SCHEDULE_EVENTS,
    OPERATOR_ACTIONS,
    *(topic.name for topic in ALL_TOPICS if topic.name.endswith(DEAD_LETTERS)),
)
# A rebuild goes through everything that was ever written: its batches are larger than a worker's.
BATCH_RECORDS_MAX: Final = 4_000
POLL_S: Final = 0.5
# A turn writes each row once, whatever happened to it meanwhile: under load longer turns write fewer rows. So a turn
# waits for more records as long as the one before it had work for, and at most so long; after a turn of a few records
# the next begins at once. Turns begin to grow at 500 records a second.
TURN_S_MAX: Final = 0.15
TURN_S_PER_RECORD: Final = 0.002
RETRY_S: Final = 1.0
GC_OBJECTS: Final = 50_000


class Projector:
    """One member of the group. Everything happens in the thread that calls run()."""

    def __init__(
        self,
        settings: Settings,
        kept: Log,
        topics: Sequence[str] = TOPICS,
        group: str = VIEWS_GROUP,
        keyring: Keyring | None = None,
    ) -> None:
        """`topics`: events topics, actions and dead letters by their suffix. `group` is that of Kafka's sharing out."""
        self._keyring = keyring
        self._settings = settings
        self._group = group
        self._log = kept
        self._topics = list(topics)
        self._applier: Applier | None = None
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._assigned: tuple[Partition, ...] = ()
        self._placed = False
        self._reading = Reading(settings.kafka_bootstrap_servers, group)
        self._patience_s = 0.0
        self._stopping = False

    def stop(self) -> None:
        """Finish the batch that is being written and return from run(). Safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Project until stop(). Raises PositionRefused if the views are of another log."""
        try:
            while not self._stopping:
                self._with_a_consumer()
        finally:
            self._reading.close()
            self._disconnect()

    def _with_a_consumer(self) -> None:
        """Until it is stopped, or another consumer is wanted."""
        consumer = consumer_of(self._settings, self._group)
        consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not self._stopping:
                remedy = self._turn(consumer)
                if remedy is Remedy.NEW_CONSUMER:
                    return
                if remedy is Remedy.READ_ANEW:
                    self._placed = False
        finally:
            consumer.close()

    def _turn(self, consumer: Consumer) -> Remedy | None:
        """Take what is there, wait for more if there was much in the turn before, and project it."""
        if self._assigned and not self._placed:
            self._place(consumer)
        first = consumer.poll(POLL_S)
        messages = (
            [] if first is None else [first, *consumer.consume(BATCH_RECORDS_MAX - 1, self._patience_s)]
        )
        try:
            records = self._reading.records(messages)
        except Displaced:
            self._placed = False
            return None
        self._patience_s = patience_s(len(records))
        self._project(consumer, records)
        return None if len(messages) == BATCH_RECORDS_MAX else self._reading.stands_still()

    def _project(self, consumer: Consumer, records: Sequence[Record]) -> None:
        if self._applier is None or not self._placed or not records:
            return
        try:
            self._applier.handle(records)
        except Fenced as fenced:
            log.warning("%s: reading the positions again", fenced)
            self._placed = False
        except BROKEN_OFF as error:
            log.warning("the database is away, waiting: %s", error)
            self._lose_database(consumer)
        else:
            _tell_kafka(consumer, records)

    def _place(self, consumer: Consumer) -> None:
        """Read every assigned partition from the views' own position."""
        try:
            positions = self._connected().take(self._assigned, self._log)
        except (DatabaseAway, *BROKEN_OFF) as error:
            log.warning("the database is away, waiting: %s", error)
            self._lose_database(consumer)
            return
        self._reading.begin(consumer, positions)
        self._placed = True
        log.info("projecting %d partitions", len(positions))

    def _lose_database(self, consumer: Consumer) -> None:
        """Fetch nothing until it is back; polling goes on, or the group would give up on this member."""
        self._disconnect()
        self._placed = False
        self._reading.end(consumer)
        time.sleep(RETRY_S)

    def _connected(self) -> Applier:
        if self._applier is None:
            self._connection = connect(self._settings, application_name=VIEWS_GROUP)
            # Rows and positions are lost together or not at all: no need to wait for the disk.
            self._connection.execute("SET synchronous_commit = off")
            codec = codec_for(self._settings.schema_registry_url)
            tenant = self._settings.deployment_tenant
            self._applier = CountedApplier(self._connection, codec, keyring=self._keyring, deployment=tenant)
        return self._applier

    def _disconnect(self) -> None:
        if self._applier is not None:
            self._applier.forget()
        if self._connection is not None:
            self._connection.close()
        self._connection = self._applier = None

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Nothing is fetched before _place has asked the views, outside this callback.
        self._reading.end(consumer)
        self._assigned = tuple((place.topic, place.partition) for place in partitions)
        self._placed = False

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.unassign()
        self._reading.lose()
        self._assigned = ()
        self._placed = False
        log.info("%d partitions are taken away", len(partitions))
        if self._applier is not None:
            self._applier.forget()


def patience_s(records: int) -> float:
    """How long a turn waits for more, after one that found so many. A batch that is full waits for nothing."""
    return min(TURN_S_MAX, TURN_S_PER_RECORD * max(0, records - 1))


def _tell_kafka(consumer: Consumer, records: Sequence[Record]) -> None:
    ends = {(record.topic, record.partition): record.offset + 1 for record in records}
    # A partition that was revoked in the meantime has nothing to be told of.
    with suppress(KafkaException):
        consumer.store_offsets(offsets=[TopicPartition(*place, end) for place, end in ends.items()])


def main() -> int:
    """`penstock worker views`: project until SIGTERM or SIGINT; the exit code."""
    settings = Settings.load()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A batch is many small objects without cycles: looking for some after every 700 costs a tenth of the time.
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 50)
    keyring = Keyring.load(settings.keys_file)
    telemetry = start(VIEWS_GROUP, settings.worker_name)
    kept = KafkaLog(settings.kafka_bootstrap_servers, VIEWS_GROUP)
    projector = Projector(settings, kept, keyring=keyring)

    def stop(number: int, frame: FrameType | None) -> None:
        projector.stop()
        end_within(DEADLINE_S, lambda: 1)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        return run(projector)
    finally:
        kept.close()
        telemetry.close()


def run(projector: Projector) -> int:
    """Project until it is stopped; the exit code. 78 means that somebody has to act, and stderr says how."""
    try:
        projector.run()
    except PositionRefused as refused:
        # Started again it would find the same two logs: only a person knows which of them is meant.
        last_words(f"{VIEWS_GROUP}: {refused}")
        return STAY_DOWN
    return 0
