"""The journal in memory: for tests of deciders under crashes and redelivery, without a database."""

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from penstock.streams.host import Fenced
from penstock.streams.journal import Adoption, Checkpoint, Commit, Row, Snapshot


class MemoryJournal:
    """Several runners may share one, as they share a database; `copy` is a dump, to be restored later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checkpoints: dict[int, Checkpoint] = {}
        self._rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self._committed: dict[int, list[Row]] = defaultdict(list)
        self._snapshots: dict[str, Snapshot] = {}

    def copy(self) -> "MemoryJournal":
        """Everything as it stands now."""
        other = MemoryJournal()
        with self._lock:
            other._checkpoints = dict(self._checkpoints)
            other._rows = defaultdict(dict, {k: dict(v) for k, v in self._rows.items()})
            other._committed = defaultdict(list, {k: list(v) for k, v in self._committed.items()})
            other._snapshots = dict(self._snapshots)
        return other

    def restore(self, dump: "MemoryJournal") -> None:
        """Everything becomes what the dump held, under the feet of whoever uses this journal."""
        other = dump.copy()
        with self._lock:
            self._checkpoints, self._rows, self._committed = other._checkpoints, other._rows, other._committed
            self._snapshots = other._snapshots

    def checkpoint(self, partition: int) -> Checkpoint | None:
        with self._lock:
            return self._checkpoints.get(partition)

    def take(self, partition: int, owner: str, fresh: Checkpoint) -> Checkpoint:
        with self._lock:
            held = self._checkpoints.get(partition, fresh)
            taken = replace(held, epoch=held.epoch + 1)
            self._checkpoints[partition] = taken
            return taken

    def raise_epoch(self, partition: int, held: int, epoch: int) -> None:
        with self._lock:
            self._checkpoints[partition] = replace(self._own(partition, held), epoch=epoch)

    def histories(self, entity_ids: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        with self._lock:
            return {
                entity: [row.value for _, row in sorted(self._rows[entity].items())]
                for entity in entity_ids
                if self._rows.get(entity)
            }

    def stretches(self, after: Mapping[str, int], count: int) -> Mapping[str, Sequence[bytes]]:
        with self._lock:
            kept = {entity: sorted(self._rows.get(entity, {}).items()) for entity in after}
        return {
            entity: [row.value for seq, row in rows if seq > after[entity]][:count]
            for entity, rows in kept.items()
        }

    def snapshots(self, entity_ids: Sequence[str], fold_version: int) -> Mapping[str, Snapshot]:
        with self._lock:
            found = {entity: self._snapshots[entity] for entity in entity_ids if entity in self._snapshots}
        return {entity: each for entity, each in found.items() if each.fold_version == fold_version}

    def keep(self, partition: int, epoch: int, position: int, snapshots: Sequence[Snapshot]) -> None:
        with self._lock:
            held = self._checkpoints.get(partition)
            if held is not None and (held.epoch, held.position) == (epoch, position):
                self._snapshots |= {each.entity_id: each for each in snapshots}

    def decided(self, inputs: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        with self._lock:
            stand = {(e, row.cause_id) for e, _ in inputs for row in self._rows.get(e, {}).values()}
        return stand & set(inputs)

    def commit(self, batches: Sequence[Commit]) -> frozenset[int]:
        return frozenset(batch.partition for batch in batches if self._committed_by_owner(batch))

    def _committed_by_owner(self, batch: Commit) -> bool:
        with self._lock:
            held = self._checkpoints.get(batch.partition)
            if held is None or (held.epoch, held.position) != (batch.epoch, batch.old_position):
                return False
            self._insert(batch.partition, batch.rows)
            self._checkpoints[batch.partition] = replace(
                held,
                position=batch.new_position,
                published_position=batch.old_position,
                events_position=batch.events_position,
                events_epoch=batch.epoch,
                failed_in_a_row=batch.failed_in_a_row,
            )
        return True

    def adopt(self, partition: int, epoch: int, rows: Sequence[Row]) -> Adoption:
        with self._lock:
            self._own(partition, epoch)
            logged = {(row.entity_id, row.seq) for row in rows}
            added, replaced, undecided = 0, 0, None
            for row in rows:
                kept = self._rows[row.entity_id].get(row.seq)
                if kept is not None and kept.value == row.value:
                    continue
                if kept is None and not self._clashes(row):
                    added += 1
                else:
                    replaced += 1
                    for dropped in self._cut(partition, row, logged):
                        undecided = min(
                            dropped.cause_offset, dropped.cause_offset if undecided is None else undecided
                        )
                self._insert(partition, [row])
            return Adoption(added, replaced, undecided)

    def unpublished(self, partition: int, after_position: int) -> Sequence[Row]:
        with self._lock:
            rows = [row for row in self._committed[partition] if row.position > after_position]
            return sorted(rows, key=lambda row: (row.position, row.cause_offset, row.cause_index))

    def last_marked(self, partition: int, mark: str) -> Sequence[str]:
        last: dict[str, Row] = {}
        with self._lock:
            for row in self._committed[partition]:
                if row.mark is not None and row.seq >= last.get(row.entity_id, row).seq:
                    last[row.entity_id] = row
        return [entity_id for entity_id, row in last.items() if row.mark == mark]

    def settle(self, partition: int, epoch: int, position: int, events_position: int) -> None:
        with self._lock:
            self._checkpoints[partition] = replace(
                self._own(partition, epoch),
                position=position,
                published_position=position,
                events_position=events_position,
                events_epoch=epoch,
            )

    def stop(self) -> None:
        """Nobody waits here."""

    def close(self) -> None:
        """Nothing to let go of."""

    def _own(self, partition: int, epoch: int) -> Checkpoint:
        held = self._checkpoints.get(partition)
        if held is None or held.epoch != epoch:
            raise Fenced(f"partition {partition} isn't held under epoch {epoch}")
        return held

    def _insert(self, partition: int, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.seq in self._rows[row.entity_id] or self._clashes(row):
                raise Fenced(f"the journal has {row.entity_id} {row.seq} already")
        for row in rows:
            self._rows[row.entity_id][row.seq] = row
            self._committed[partition].append(row)

    def _clashes(self, row: Row) -> bool:
        held = self._rows[row.entity_id].values()
        return any(h.cause_id == row.cause_id and h.cause_index == row.cause_index for h in held)

    def _cut(self, partition: int, row: Row, logged: set[tuple[str, int]]) -> list[Row]:
        """Remove what stands in a logged row's place, and later rows of its entity that aren't on the log."""
        history = self._rows[row.entity_id]
        dropped = [
            held
            for seq, held in history.items()
            if seq == row.seq
            or (held.cause_id == row.cause_id and held.cause_index == row.cause_index)
            or (seq > row.seq and (row.entity_id, seq) not in logged)
        ]
        self._snapshots.pop(row.entity_id, None)
        for held in dropped:
            del history[held.seq]
            self._committed[partition].remove(held)
        return dropped
