"""The runner: hosts any decider. Take, receive, place, decode, decide, commit, publish, acknowledge.

Reads `penstock.<noun>.inbox`, writes `penstock.<noun>.events` and the inbox's dead letters. Guarantees laws L1 to
L5: nothing is published that isn't committed, a committed input is never decided again, and one bad input stops
nothing but its own entity.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from penstock.producers.log import Log, Outgoing, Record
from penstock.producers.signing import Keyring
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.points import armed, reach
from penstock.schemas.codec import Codec
from penstock.schemas.topics import EVENT_BYTES_MAX
from penstock.streams.arrival import Arrival, Malformed, receive
from penstock.streams.decider import Decider
from penstock.streams.drafting import Draft, Drafter, Unappliable
from penstock.streams.entity import Entity, fresh, load
from penstock.streams.host import Fenced, TakeRefused
from penstock.streams.journal import Commit, Journal, Row
from penstock.streams.taking import Taker
from penstock.streams.tenure import Tenure
from penstock.streams.writing import EventTooLarge, Writer, Written

log = logging.getLogger("penstock.streams.runner")
S = TypeVar("S")

FAILED_IN_A_ROW_MAX: Final = 5
# Room for key and headers beside the value.
ENVELOPE_BYTES: Final = 8_192


@dataclass(slots=True)
class _Batch:
    """What one batch of records came to."""

    rows: list[Row]
    events: list[Outgoing]
    dead_letters: list[Outgoing]
    failed_in_a_row: int


class Runner(Generic[S]):
    """Hosts one decider, over any journal and any log. A `PartitionHost`."""

    def __init__(
        self,
        decider: Decider[S],
        journal: Journal,
        log_: Log,
        codec: Codec,
        keyring: Keyring,
        owner: str,
        event_bytes_max: int = EVENT_BYTES_MAX - ENVELOPE_BYTES,
    ) -> None:
        self.topic = f"penstock.{decider.noun}.inbox"
        self.group_id = decider.group_id
        self._decider = decider
        self._journal = journal
        self._log = log_
        self._codec = codec
        self._keyring = keyring
        self._partitions = log_.partitions(self.topic)
        events = f"penstock.{decider.noun}.events"
        self._writer = Writer(codec, events, decider.group_id, event_bytes_max)
        self._drafter = Drafter(decider, codec, keyring)
        self._taker = Taker(journal, log_, self._writer, self.topic, owner)
        self._tenures: dict[int, Tenure[S]] = {}

    def take(self, partition: int) -> int:
        self._tenures.pop(partition, None)
        taken = self._taker.take(partition)
        self._tenures[partition] = Tenure(
            partition, taken.epoch, taken.position, taken.events_position, taken.failed_in_a_row
        )
        return taken.position

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        tenure = self._tenures.get(partition)
        if tenure is None:
            raise Fenced(f"partition {partition} isn't held by this process")
        new = [record for record in records if record.offset >= tenure.position]
        if not new:
            return
        try:
            self._decide_commit_publish(tenure, new)
        except BaseException:
            # What is in memory may be ahead of what was committed: nothing of it may be built upon.
            self._tenures.pop(partition, None)
            raise

    def marked(self, partition: int, mark: str) -> dict[str, S]:
        """The entities of a partition held whose last marked event is of that type, with their states."""
        found = self._journal.last_marked(partition, mark)
        histories = self._journal.histories(found) if found else {}
        return {
            entity_id: load(self._decider, self._codec, "", entity_id, values).state
            for entity_id, values in histories.items()
        }

    def drop(self, partition: int) -> None:
        self._tenures.pop(partition, None)

    def close(self) -> None:
        self._tenures.clear()
        self._journal.close()
        self._log.close()

    def _decide_commit_publish(self, tenure: Tenure[S], records: Sequence[Record]) -> None:
        reach("after-receive")
        arrivals = [receive(record, self._partitions, self._codec, self._keyring) for record in records]
        batch = _Batch([], [], [], tenure.failed_in_a_row)
        position = records[-1].offset + 1
        self._load(tenure, [arrival for arrival in arrivals if isinstance(arrival, Arrival)])
        for arrival in arrivals:
            if isinstance(arrival, Malformed):
                log.warning("%s at %s", arrival.error, _place(arrival.record))
                batch.dead_letters.append(arrival.dead_letter(self.group_id))
            else:
                self._decide(tenure, batch, arrival, position)
        if batch.dead_letters:
            self._log.append(batch.dead_letters)
        self._commit(tenure, batch, position)
        reach("after-commit")
        self._publish(tenure, batch.events)
        reach("after-publish")

    def _load(self, tenure: Tenure[S], arrivals: Sequence[Arrival]) -> None:
        metas = {arrival.given.meta.entity_id: arrival.given.meta for arrival in arrivals}
        missing = [entity_id for entity_id in metas if entity_id not in tenure.entities]
        histories = self._journal.histories(missing) if missing else {}
        for entity_id in missing:
            tenant, values = metas[entity_id].tenant, histories.get(entity_id)
            tenure.entities[entity_id] = (
                load(self._decider, self._codec, tenant, entity_id, values)
                if values
                else fresh(self._decider, tenant, entity_id)
            )
        tenure.forget_the_longest_unused(metas)

    def _decide(self, tenure: Tenure[S], batch: _Batch, arrival: Arrival, position: int) -> None:
        meta = arrival.given.meta
        entity = tenure.entities[meta.entity_id]
        if meta.id in entity.causes:
            return
        if not entity.settled:
            entity.tenant, entity.state = meta.tenant, self._decider.initial(meta.tenant, meta.entity_id)
        draft, written = self._draft(entity, arrival, batch)
        self._keep_logged_prefix(entity, written)
        for one in written:
            entity.note(one.meta, one.body)
        entity.state = draft.state
        new = written[len(entity.prefix) :]
        entity.prefix = ()
        traceparent = arrival.record.header("traceparent")
        trace = traceparent.decode("ascii", "replace") if traceparent else None
        batch.rows += [self._writer.row(one, position) for one in new]
        batch.events += [self._writer.outgoing(one, tenure.partition, tenure.epoch, trace) for one in new]

    def _draft(self, entity: Entity[S], arrival: Arrival, batch: _Batch) -> tuple[Draft[S], list[Written]]:
        try:
            draft = self._drafter.draft(entity, arrival)
            written = self._write(entity, arrival, draft)
        except (Unappliable, EventTooLarge) as error:
            batch.failed_in_a_row += 1
            if batch.failed_in_a_row >= FAILED_IN_A_ROW_MAX:
                raise TakeRefused(
                    f"{batch.failed_in_a_row} inputs of different entities in a row can't be decided, the last at"
                    f" {_place(arrival.record)} ({error}). This looks like a bad deploy, so nothing more is parked."
                    " Put working code in place and start the worker again: it goes on from here."
                ) from error
            draft = self._drafter.parked(entity, arrival, type(error).__name__, str(error))
            return draft, self._write(entity, arrival, draft)
        batch.failed_in_a_row = 0
        return draft, written

    def _write(self, entity: Entity[S], arrival: Arrival, draft: Draft[S]) -> list[Written]:
        at = arrival.record
        return self._writer.write(entity.tenant, arrival.given.meta, at, entity.seq, draft.time_ms, draft.bodies)

    def _keep_logged_prefix(self, entity: Entity[S], written: Sequence[Written]) -> None:
        """An input of which only the first events reached the log is decided again; what is there, stays."""
        for (meta, _), again in zip(entity.prefix, written, strict=False):
            if meta.id != again.meta.id or meta.type != again.meta.type:
                raise TakeRefused(
                    f"the log holds {meta.type} as seq {meta.entity_seq} of {entity.entity_id}, but today's code"
                    f" decides {again.meta.type} there. Put the code back that was running, and start again."
                )

    def _commit(self, tenure: Tenure[S], batch: _Batch, position: int) -> None:
        self._journal.commit(
            Commit(
                tenure.partition,
                tenure.epoch,
                tenure.position,
                position,
                tenure.events_position,
                batch.failed_in_a_row,
                batch.rows,
            )
        )
        tenure.position = position
        tenure.failed_in_a_row = batch.failed_in_a_row

    def _publish(self, tenure: Tenure[S], events: Sequence[Outgoing]) -> None:
        if not events:
            return
        stands: list[Record] = []
        if armed("mid-publish"):
            stands += self._log.append(events[: len(events) // 2])
            reach("mid-publish")
        stands += self._log.append(events[len(stands) :])
        if stands[0].offset != tenure.events_position:
            self._check_for_another_owner(tenure, stands[0].offset)
        tenure.events_position = stands[-1].offset + 1

    def _check_for_another_owner(self, tenure: Tenure[S], end: int) -> None:
        """Only the owner writes an events partition. Records between ours are a stranger's, or those of an owner
        that another database made: then ours are seen by nobody, and the partition must be taken anew."""
        epochs = EpochFilter({(self._writer.topic, tenure.partition): tenure.epoch})
        for record in self._log.read(self._writer.topic, tenure.partition, tenure.events_position, end):
            epochs.admit(record)
        if epochs.state()[self._writer.topic, tenure.partition] > tenure.epoch:
            raise Fenced(f"{self._writer.topic}/{tenure.partition} has an owner of a higher epoch than ours")


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"
