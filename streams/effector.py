"""The claiming half of every effector: take, receive, filter, fold, act, save.

Reads an events topic. What is open is a fold of it (law L6), kept in memory, and acted upon only after the
high watermark that stood when the partition was taken. The database keeps a snapshot of the fold with its
position, in one transaction, every now and then: a crash costs the reading of some records again, nothing
more, because what has been settled meanwhile is settled on the log.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, Generic, TypeVar, cast

from penstock.producers.log import Log, Outgoing, Record
from penstock.runtime.closing import HOPE_S
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.points import reach
from penstock.schemas.codec import Codec, EventBody, Undecodable
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.headers import CE_TYPE, EPOCH
from penstock.schemas.ids import is_uuid, partition_of
from penstock.streams.background import Background
from penstock.streams.dead_letters import dead_letter
from penstock.streams.host import Appended, Fenced
from penstock.streams.open_work import Act, Fold, OpenWork, Seen, Work
from penstock.streams.positions import Positions
from penstock.streams.snapshots import Holding, Snapshots
from penstock.streams.transactions import AWAY

log = logging.getLogger("penstock.streams.effector")
W = TypeVar("W", bound=Work)

SAVE_EVERY_S: Final = 2.0
SAVE_EVERY_RECORDS: Final = 5_000
CLOSE_S: Final = 8.0


class NoEvent(Exception):
    """A record that its topic's decider can't have written: it goes to the dead letters as it came."""

    def __init__(self, kind: str, stage: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.stage = stage


class EffectHost(Generic[W]):
    """Hosts one effector. A `PartitionHost`."""

    def __init__(
        self,
        topic: str,
        group_id: str,
        log_: Log,
        codec: Codec,
        positions: Positions[W],
        fold: Fold[W],
        act: Act[W],
        background: Background,
        *,
        appends_to: str,
        appended: Appended,
        save_every_s: float = SAVE_EVERY_S,
        close_s: float = CLOSE_S,
        fetch_min_bytes: int = 1,
        snapshots: type[Snapshots[W]] = Snapshots,
    ) -> None:
        self.topic = topic
        self.group_id = group_id
        self.appends_to = appends_to
        self.appends_alone = False
        self.appended = appended
        self.fetch_min_bytes = fetch_min_bytes
        self.pace_s = 0.0
        self._log = log_
        self._codec = codec
        self._positions = positions
        self._snapshots = snapshots(positions, topic)
        self._fold = fold
        self._types = frozenset(name.encode() for name in fold.types)
        self._act = act
        self._background = background
        self._save_every_s = save_every_s
        self._close_s = close_s
        self._close_by_s = inf
        self._partitions = log_.partitions(topic)
        self._held: dict[int, Holding[W]] = {}

    @property
    def fault(self) -> BaseException | None:
        """What a thread of its tools, answers or leases met."""
        return self._background.fault

    def take(self, partition: int) -> int:
        self._background.check()
        self.drop(partition)
        began_s = time.monotonic()
        bounds: Callable[[], tuple[int, int]] = lambda: self._log.bounds(self.topic, partition)  # noqa: E731
        standing = self._positions.take(partition, self._log.identity(self.topic), bounds)
        reach("while-taking")
        held = Holding(
            partition=partition,
            epoch=standing.epoch,
            saved=standing.position,
            position=standing.position,
            live_from=self._log.bounds(self.topic, partition)[1],
            epochs=EpochFilter({(self.topic, partition): standing.seen_epoch}),
            open_work=OpenWork(standing.works),
        )
        self._held[partition] = held
        log.info(
            "%s took %s/%d under epoch %d, from offset %d, with %d open, in %.3f s",
            *(self.group_id, self.topic, partition, held.epoch, held.position, len(held.open_work)),
            time.monotonic() - began_s,
        )
        self._act_on(held)
        return held.position

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """One partition's records; Fenced if it isn't ours."""
        if self.handle_all({partition: records}):
            raise Fenced(f"partition {partition} isn't held by this process")

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        self._background.check()
        reach("after-receive")
        lost = {partition for partition in batches if partition not in self._held}
        due = False
        for partition in batches.keys() - lost:
            held = self._held[partition]
            try:
                due = self._fold_and_act(held, batches[partition]) or due
            except BaseException:
                # What is in memory may be ahead of what the log says: nothing of it may be built upon.
                self.drop(partition)
                raise
        if due:
            lost |= self._save()
        return frozenset(lost)

    def drop(self, partition: int) -> None:
        self._held.pop(partition, None)
        self._act.drop(partition)

    def stop(self) -> None:
        self._background.stopping.set()
        self._close_by_s = min(self._close_by_s, time.monotonic() + self._close_s)
        self._log.give_up_after(HOPE_S)

    def close(self) -> None:
        self.stop()
        try:
            self._snapshots.save(self._held.values())
        except AWAY as error:
            log.info("%s isn't saved at the end, which costs some seconds: %s", self.group_id, error)
        self._held.clear()
        # Counted from the signal on: the hosts of a process close one after the other.
        self._act.close(max(0.0, self._close_by_s - time.monotonic()))
        self._positions.close()
        self._log.close()

    def _fold_and_act(self, held: Holding[W], records: Sequence[Record]) -> bool:
        """Whether a snapshot is due."""
        dead_letters: list[Outgoing] = []
        for record in records:
            if record.offset < held.position:
                continue
            try:
                self._fold_record(held, record)
            except NoEvent as error:
                log.warning("%s/%d %d: %s", record.topic, record.partition, record.offset, error)
                why = {"error": error.kind, "stage": error.stage, "message": str(error)}
                dead_letters.append(dead_letter(record, self.group_id, **why))
        if dead_letters:
            self._log.append(dead_letters)
        held.position = max(held.position, records[-1].offset + 1)
        self._act_on(held)
        waited_s = time.monotonic() - held.saved_at_s
        behind = held.position - held.saved
        return bool(dead_letters) or waited_s >= self._save_every_s or behind >= SAVE_EVERY_RECORDS

    def _fold_record(self, held: Holding[W], record: Record) -> None:
        epoch = record.header(EPOCH)
        if epoch is None or not epoch.isdigit():
            raise NoEvent("NoEpoch", "receive", "no decider wrote this: its epoch header is missing")
        if not held.epochs.admit(record):
            return
        if record.said is not None:
            # The decider of this process has just written it.
            written, said = cast("tuple[EventMeta, EventBody]", record.said)
            if written.type in self._fold.types:
                self._fold.evolve(held.open_work, Seen(written, said, record.value or b""))
            return
        if record.header(CE_TYPE) not in self._types:
            return
        if record.key is None or record.value is None:
            raise NoEvent("Undecodable", "receive", "a record without key or value")
        if partition_of(record.key, self._partitions) != record.partition:
            raise NoEvent("Misplaced", "place", f"murmur2 puts this key elsewhere than {record.partition}")
        try:
            meta, body = self._codec.decode_event(record.value)
        except Undecodable as error:
            raise NoEvent("Undecodable", "decode", str(error)) from error
        if meta.entity_id.encode() != record.key or meta.type not in self._fold.types:
            raise NoEvent(
                "Misplaced", "place", f"key and ce_type don't fit a {meta.type} of {meta.entity_id}"
            )
        named = (getattr(body, "call_id", None), getattr(body, "timer_id", None))
        about: str = next((each for each in named if each is not None), meta.entity_id)
        if not is_uuid(about):
            raise NoEvent(
                "Undecodable", "decode", f"{meta.type}: its call or timer must be a UUID in lower case"
            )
        self._fold.evolve(held.open_work, Seen(meta, body, record.value))

    def _act_on(self, held: Holding[W]) -> None:
        changed = held.open_work.changes()
        held.unsaved.update(changed)
        if not held.live:
            if held.position < held.live_from:
                return
            held.live = True
            log.info("%s/%d is read up to its end: %d open", self.topic, held.partition, len(held.open_work))
            changed = tuple(work.key for work in held.open_work)
        for key in changed:
            work = held.open_work.get(key)
            if work is None:
                self._act.settled(key)
            else:
                self._act.open(held.partition, work)

    def _save(self) -> set[int]:
        """Which partitions turned out to be another owner's."""
        lost: set[int] = set()
        try:
            lost = self._snapshots.save(self._held.values())
        except AWAY as error:
            # Nothing waits for a snapshot: the next one is tried as soon, and saves more.
            log.warning("%s: the database is away (%s)", self.group_id, str(error).strip())
        for held in self._held.values():
            held.saved_at_s = time.monotonic()
        for partition in lost:
            self.drop(partition)
        reach("after-commit")
        return lost
