"""The runner: hosts any decider. Take, receive, place, decode, decide, commit, publish, acknowledge.

Reads `penstock.<noun>.inbox`, writes `penstock.<noun>.events` and the inbox's dead letters. Guarantees laws L1 to
L5: nothing is published that isn't committed, a committed input is never decided again, and one bad input stops
nothing but its own entity.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from penstock.producers.log import Log, Record
from penstock.producers.signing import Keyring
from penstock.runtime.closing import HOPE_S
from penstock.runtime.points import reach
from penstock.schemas.codec import Codec
from penstock.schemas.topics import EVENT_BYTES_MAX
from penstock.streams.arrival import Arrival, Malformed, receive
from penstock.streams.causing import Causing, place
from penstock.streams.decider import Decider, end_of
from penstock.streams.drafting import Drafter
from penstock.streams.host import Appended, Fenced
from penstock.streams.journal import Commit, Journal
from penstock.streams.loading import SNAPSHOT_EVERY, Loader
from penstock.streams.observing import stage
from penstock.streams.pace import PACE_S
from penstock.streams.publishing import Batch, publish
from penstock.streams.spans import onward
from penstock.streams.taking import Taker
from penstock.streams.tenure import Tenure
from penstock.streams.writing import DECISION_BYTES_MAX, Writer

log = logging.getLogger("penstock.streams.runner")
S = TypeVar("S")

# Room for key and headers beside the value.
ENVELOPE_BYTES: Final = 8_192


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
        decision_bytes_max: int = DECISION_BYTES_MAX,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        """One input causes at most `decision_bytes_max`, and a turn that has decided so much is committed before the
        next."""
        self.topic = f"penstock.{decider.noun}.inbox"
        self.group_id = decider.group_id
        self.fetch_min_bytes = 1
        self.pace_s = PACE_S
        self.appends_to = f"penstock.{decider.noun}.events"
        self.appends_alone = True
        self.appended = Appended()
        self._decider = decider
        self._has_ended = end_of(decider)
        self._journal = journal
        self._log = log_
        self._codec = codec
        self._keyring = keyring
        self._partitions = log_.partitions(self.topic)
        self._writer = Writer(codec, self.appends_to, decider.group_id, event_bytes_max, decision_bytes_max)
        self._causing = Causing(Drafter(decider, codec, keyring), self._writer)
        self._loader = Loader(decider, codec, journal, snapshot_every)
        self._taker = Taker(journal, log_, self._writer, self.topic, owner)
        self._tenures: dict[int, Tenure[S]] = {}
        self._turn_bytes_max = self._room_bytes = decision_bytes_max

    @property
    def fault(self) -> BaseException | None:
        """None: it has no threads of its own."""
        return None

    def take(self, partition: int) -> int:
        self._tenures.pop(partition, None)
        taken = self._taker.take(partition)
        self._tenures[partition] = Tenure(
            partition, taken.epoch, taken.position, taken.events_position, taken.failed_in_a_row
        )
        return taken.position

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        lost = {partition for partition in batches if partition not in self._tenures}
        new: dict[int, Sequence[Record]] = {}
        for partition in batches.keys() - lost:
            position = self._tenures[partition].position
            if records := [record for record in batches[partition] if record.offset >= position]:
                new[partition] = records
        try:
            while new:
                lost |= self._decide_commit_publish(new)
                new = self._left(new, lost)
        except BaseException:
            # What is in memory may be ahead of what was committed: nothing of it may be built upon.
            self._forget(new)
            raise
        self._forget(lost)
        return frozenset(lost)

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """One partition's records; Fenced if it isn't ours."""
        if self.handle_all({partition: records}):
            raise Fenced(f"partition {partition} isn't held by this process")

    def marked(self, partition: int, mark: str) -> dict[str, S]:
        """The entities of a partition held whose last marked event is of that type, with their states."""
        found = self._journal.last_marked(partition, mark)
        loaded = self._loader.load(dict.fromkeys(found, ""))
        return {entity_id: entity.state for entity_id, entity in loaded.items()}

    def drop(self, partition: int) -> None:
        self._tenures.pop(partition, None)

    def stop(self) -> None:
        self._journal.stop()
        self._log.give_up_after(HOPE_S)

    def close(self) -> None:
        self._tenures.clear()
        self._journal.close()
        self._log.close()

    def _decide_commit_publish(self, new: Mapping[int, Sequence[Record]]) -> set[int]:
        """All partitions in one go: one look-up, one statement, one append. Those that weren't ours."""
        reach("after-receive")
        arrivals = {partition: self._receive(records) for partition, records in new.items()}
        self._load(arrivals)
        self._room_bytes = self._turn_bytes_max
        decided = [self._decide_all(partition, arrived) for partition, arrived in arrivals.items()]
        batches = [batch for batch in decided if batch.position > batch.tenure.position]
        dead_letters = [letter for batch in batches for letter in batch.dead_letters]
        if dead_letters:
            self._log.append(dead_letters)
        with stage("commit"):
            committed = self._commit(batches)
        reach("after-commit")
        ours = [batch for batch in batches if batch.tenure.partition in committed]
        for batch in ours:
            self._loader.keep(batch.tenure, (one.meta.entity_id for one in batch.written))
        lost, stand = publish(self._log, ours)
        reach("after-publish")
        self.appended(stand)
        return lost | ({batch.tenure.partition for batch in batches} - committed)

    def _left(self, handled: Mapping[int, Sequence[Record]], lost: set[int]) -> dict[int, Sequence[Record]]:
        """What a turn has left for the next one, because what it had decided was enough."""
        left: dict[int, Sequence[Record]] = {}
        for partition in handled.keys() - lost:
            position = self._tenures[partition].position
            if handled[partition][-1].offset >= position:
                left[partition] = [record for record in handled[partition] if record.offset >= position]
        return left

    def _receive(self, records: Sequence[Record]) -> list[Arrival | Malformed]:
        return [receive(record, self._partitions, self._codec, self._keyring) for record in records]

    def _load(self, arrivals: Mapping[int, Sequence[Arrival | Malformed]]) -> None:
        """Have every entity that is spoken to in memory, and know which inputs it has seen."""
        missing: dict[str, tuple[Tenure[S], str]] = {}
        for partition, arrived in arrivals.items():
            tenure = self._tenures[partition]
            metas = {one.given.meta.entity_id: one.given.meta for one in arrived if isinstance(one, Arrival)}
            missing |= {entity_id: (tenure, metas[entity_id].tenant) for entity_id in tenure.turn(metas)}
        loaded = self._loader.load({entity_id: tenant for entity_id, (_, tenant) in missing.items()})
        for entity_id, entity in loaded.items():
            missing[entity_id][0].entities[entity_id] = entity
        self._loader.recall(
            (self._tenures[partition].entities[one.given.meta.entity_id], one.given)
            for partition, arrived in arrivals.items()
            for one in arrived
            if isinstance(one, Arrival)
        )

    def _decide_all(self, partition: int, arrived: Sequence[Arrival | Malformed]) -> Batch[S]:
        tenure = self._tenures[partition]
        batch = Batch(tenure, tenure.position, tenure.failed_in_a_row)
        for one in arrived:
            if self._room_bytes <= 0:
                break
            batch.position = one.record.offset + 1
            if isinstance(one, Malformed):
                log.warning("%s at %s", one.error, place(one.record))
                batch.dead_letters.append(one.dead_letter(self.group_id))
            else:
                self._decide(batch, one)
        return batch

    def _decide(self, batch: Batch[S], arrival: Arrival) -> None:
        meta, tenure = arrival.given.meta, batch.tenure
        entity = tenure.entities[meta.entity_id]
        if meta.id in entity.causes:
            return
        if not entity.settled:
            entity.tenant, entity.state = meta.tenant, self._decider.initial(meta.tenant, meta.entity_id)
        caused = self._causing.cause(entity, arrival, batch.failed_in_a_row)
        batch.failed_in_a_row, state = caused.failed_in_a_row, caused.draft.state
        for one in caused.written:
            entity.note(one.meta, one.body)
        tenure.keep(entity, state, ended=self._has_ended(state))
        new = caused.written[len(entity.prefix) :]
        entity.prefix = ()
        trace = onward(arrival.record)
        self._room_bytes -= sum(len(one.value) for one in new)
        batch.written += new
        batch.events += [self._writer.outgoing(one, tenure.partition, tenure.epoch, trace) for one in new]

    def _commit(self, batches: Sequence[Batch[S]]) -> frozenset[int]:
        steps = [
            Commit(
                batch.tenure.partition,
                batch.tenure.epoch,
                batch.tenure.position,
                batch.position,
                batch.tenure.events_position,
                batch.failed_in_a_row,
                [self._writer.row(one, batch.position) for one in batch.written],
            )
            for batch in batches
        ]
        committed = self._journal.commit(steps)
        for batch in batches:
            if batch.tenure.partition in committed:
                batch.tenure.position = batch.position
                batch.tenure.failed_in_a_row = batch.failed_in_a_row
        return committed

    def _forget(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._tenures.pop(partition, None)
