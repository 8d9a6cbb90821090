"""Taking a partition (law L4): raise the epoch, mark the log, adopt what it holds, publish what is missing there."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.producers.log import Log, Outgoing, Record
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.placing import misplacement
from penstock.runtime.points import reach
from penstock.schemas.codec import Undecodable
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import derived_id, partition_entity_id
from penstock.schemas.log.records import PartitionTaken
from penstock.streams.host import Fenced, TakeRefused
from penstock.streams.journal import Checkpoint, Journal, Row, TopicPair
from penstock.streams.writing import Writer, mark_of

log = logging.getLogger("penstock.streams.taking")

ADOPT_ROWS: Final = 2_000
ON_THE_LOG: Final = -1  # position of an adopted row: it never counts as unpublished
PROGRESS_EVERY_S: Final = 5.0
RESET: Final = "type `penstock reset-derived` to drop what was derived from the other log, then `penstock up`"


@dataclass(frozen=True, slots=True)
class Taken:
    """A partition just taken: read the inbox from `position`."""

    epoch: int
    position: int
    events_position: int
    failed_in_a_row: int


class Taker:
    """Takes partitions for one runner."""

    def __init__(self, journal: Journal, log_: Log, writer: Writer, inbox: str, owner: str) -> None:
        self._journal = journal
        self._log = log_
        self._writer = writer
        self._inbox = inbox
        self._events = writer.topic
        self._owner = owner
        self._partitions = log_.partitions(writer.topic)
        self._looked = False

    def take(self, partition: int) -> Taken:
        """Become the owner. Blocks for as long as there is something to adopt. Raises TakeRefused, Fenced."""
        began_s = time.monotonic()
        held = self._journal.checkpoint(partition)
        fresh = self._fresh(partition)
        if not self._looked:
            self._check_the_others(partition, fresh.topics)
        if held is None:
            self._say_rebuild(partition, fresh)
        else:
            self._check(partition, held, fresh.topics)
        checkpoint = self._journal.take(partition, self._owner, fresh)
        reach("while-taking")
        adopting = _Adopting(self, partition, checkpoint)
        adopting.to(self._log.bounds(self._events, partition)[1])
        if adopting.filter_epoch >= checkpoint.epoch:
            adopting.raise_epoch(adopting.filter_epoch + 1)
        marker = self._mark(partition, adopting.epoch)
        adopting.to(marker.offset + 1)
        if adopting.filter_epoch > adopting.epoch:
            raise Fenced(
                f"{self._events}/{partition} was taken under epoch {adopting.filter_epoch} meanwhile"
            )
        reach("while-taking")
        events_position = self._publish_the_rest(partition, adopting, marker.offset + 1)
        position = _lowest(checkpoint.position, adopting.undecided_from)
        self._journal.settle(partition, adopting.epoch, position, events_position)
        log.info(
            "took %s/%d under epoch %d, from offset %d, in %.3f s",
            *(self._inbox, partition, adopting.epoch, position, time.monotonic() - began_s),
        )
        return Taken(adopting.epoch, position, events_position, checkpoint.failed_in_a_row)

    def _fresh(self, partition: int) -> Checkpoint:
        inbox, events = self._log.identity(self._inbox), self._log.identity(self._events)
        topics = TopicPair(inbox.cluster_id, inbox.topic_id, events.topic_id)
        position = self._log.bounds(self._inbox, partition)[0]
        events_position = self._log.bounds(self._events, partition)[0]
        return Checkpoint(0, position, position, events_position, 0, 0, topics)

    def _say_rebuild(self, partition: int, fresh: Checkpoint) -> None:
        behind = self._log.bounds(self._events, partition)[1] - fresh.events_position
        if behind:
            log.warning(
                "the database knows nothing of %s/%d: rebuilding it from the %d records on the log",
                *(self._events, partition, behind),
            )

    def _check_the_others(self, partition: int, topics: TopicPair) -> None:
        """Before anything is written: a log that lacks records of one partition isn't marked in another, or the
        database would stand past the end of the right log when that is put back."""
        for other in range(self._log.partitions(self._inbox)):
            held = self._journal.checkpoint(other) if other != partition else None
            if held is not None:
                self._check(other, held, topics)
        self._looked = True

    def _check(self, partition: int, held: Checkpoint, topics: TopicPair) -> None:
        if held.topics != topics:
            raise TakeRefused(
                f"the database was derived from another log (cluster {held.topics.cluster_id}, this one is"
                f" {topics.cluster_id}; or {self._inbox} was made anew). Point KAFKA_BOOTSTRAP_SERVERS or"
                f" DATABASE_URL back; or, if that log is gone for good, {RESET}."
            )
        for topic, position in ((self._inbox, held.position), (self._events, held.events_position)):
            start, end = self._log.bounds(topic, partition)
            if not start <= position <= end:
                raise TakeRefused(
                    f"the database stands at offset {position} of {topic}/{partition}, which holds {start} to"
                    f" {end}: the log lost records, or they were deleted. Restore the log; or {RESET}."
                )

    def _mark(self, partition: int, epoch: int) -> Record:
        """PartitionTaken: from here on, readers drop what earlier owners may still write."""
        entity_id = partition_entity_id(self._events, partition)
        cause_id = derived_id(entity_id, f"{self._owner}:{epoch}")
        now_ms = int(time.time() * 1000)
        meta = EventMeta(
            id=derived_id(entity_id, str(epoch)),
            type=PartitionTaken.__name__,
            tenant="",
            entity_id=entity_id,
            entity_seq=epoch,
            time_ms=now_ms,
            actor=Actor(kind="service", subject=self._writer.source, roles=()),
            cause=Cause(
                id=cause_id,
                topic=self._events,
                partition=partition,
                offset=0,
                time_ms=now_ms,
                index=0,
                count=1,
            ),
        )
        value = self._writer.codec.encode(meta, PartitionTaken(epoch=epoch, owner=self._owner))
        headers = event_headers(meta, self._writer.source, epoch)
        return self._log.append([Outgoing(self._events, entity_id.encode(), value, headers, partition)])[0]

    def _publish_the_rest(self, partition: int, adopting: "_Adopting", end: int) -> int:
        """Rows that were committed and aren't on the log; the offset after all that is."""
        rows = self._journal.unpublished(partition, adopting.published_position)
        missing = [row for row in rows if (row.entity_id, row.seq) not in adopting.logged]
        if not missing:
            return end
        log.info("publishing %d committed events that the last owner of %d had not", len(missing), partition)
        stands = self._log.append([self._outgoing(row, partition, adopting.epoch) for row in missing])
        return stands[-1].offset + 1

    def _outgoing(self, row: Row, partition: int, epoch: int) -> Outgoing:
        meta, _ = self._writer.codec.decode_event(row.value)
        headers = event_headers(meta, self._writer.source, epoch)
        return Outgoing(self._events, row.entity_id.encode(), row.value, headers, partition)

    def adopt(self, partition: int, epoch: int, rows: Sequence[Row]) -> int | None:
        """Bring logged events to the journal; the lowest inbox offset that is undecided again, if any."""
        adoption = self._journal.adopt(partition, epoch, rows)
        if adoption.replaced:
            log.warning("the log replaced %d rows of the journal of %d", adoption.replaced, partition)
        return adoption.undecided_from

    def rows(self, partition: int, start: int, end: int, epochs: EpochFilter) -> Iterator[Row]:
        """The events of a stretch of the log that count."""
        for record in self._log.read(self._events, partition, start, end):
            if not epochs.admit(record) or record.value is None:
                continue
            try:
                meta, body = self._writer.codec.decode_event(record.value)
            except Undecodable as error:
                log.warning("%s/%d@%d is no event: %s", self._events, partition, record.offset, error)
                continue
            if why := misplacement(record, meta, self._partitions):
                log.warning("%s/%d@%d is no event: %s", self._events, partition, record.offset, why)
            elif not isinstance(body, PartitionTaken):
                cause = meta.cause
                place = (ON_THE_LOG, cause.offset, cause.id, cause.index)
                yield Row(meta.entity_id, meta.entity_seq, *place, record.value, mark_of(meta.type))


class _Adopting:
    """The progress of one adoption."""

    def __init__(self, taker: Taker, partition: int, checkpoint: Checkpoint) -> None:
        self._taker = taker
        self._partition = partition
        self._offset = checkpoint.events_position
        self._epochs = EpochFilter({(taker._events, partition): checkpoint.events_epoch})
        self.published_position = checkpoint.published_position
        self.epoch = checkpoint.epoch
        self.logged: set[tuple[str, int]] = set()
        self.undecided_from: int | None = None

    @property
    def filter_epoch(self) -> int:
        """The highest epoch seen on the log."""
        return self._epochs.state().get((self._taker._events, self._partition), 0)

    def raise_epoch(self, epoch: int) -> None:
        """The log knows owners that this database doesn't: it was restored, or is new."""
        self._taker._journal.raise_epoch(self._partition, self.epoch, epoch)
        self.epoch = epoch

    def to(self, end: int) -> None:
        """Adopt everything before that offset."""
        rows: list[Row] = []
        said = time.monotonic()
        for row in self._taker.rows(self._partition, self._offset, end, self._epochs):
            self.logged.add((row.entity_id, row.seq))
            rows.append(row)
            if len(rows) >= ADOPT_ROWS:
                self._adopt(rows)
                rows = []
                if time.monotonic() - said > PROGRESS_EVERY_S:
                    said = time.monotonic()
                    log.info("adopted %d events of partition %d", len(self.logged), self._partition)
        self._adopt(rows)
        self._offset = end

    def _adopt(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        undecided = self._taker.adopt(self._partition, self.epoch, rows)
        if undecided is not None:
            self.undecided_from = _lowest(undecided, self.undecided_from)


def _lowest(offset: int, other: int | None) -> int:
    return offset if other is None else min(offset, other)
