"""Have entities in memory: their histories folded, from a snapshot on where their decider keeps some (ADR 20)."""

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from penstock.schemas.codec import Codec, Undecodable
from penstock.schemas.log.records import ReleaseInput
from penstock.streams.decider import Decider, Input, LastingDecider
from penstock.streams.entity import Entity, fresh, go_on, load
from penstock.streams.journal import Journal, Snapshot
from penstock.streams.tenure import Tenure

log = logging.getLogger("penstock.streams.loading")
S = TypeVar("S")

SNAPSHOT_EVERY: Final = 1_000
# Of long histories so many events are read at once, over all entities; of each at least a few.
STRETCH: Final = 20_000
STRETCH_LEAST: Final = 100


class Loader(Generic[S]):
    """Loads for one runner. Of deciders whose entities don't last it reads whole histories, and keeps nothing."""

    def __init__(
        self, decider: Decider[S], codec: Codec, journal: Journal, snapshot_every: int = SNAPSHOT_EVERY
    ) -> None:
        self._decider = decider
        self._lasting: LastingDecider[S] | None = decider if isinstance(decider, LastingDecider) else None
        self._codec = codec
        self._journal = journal
        self._snapshot_every = snapshot_every

    def load(self, tenants: Mapping[str, str]) -> dict[str, Entity[S]]:
        """These entities; each one's tenant is given for the case that it has no history."""
        if not tenants:
            return {}
        if self._lasting is not None:
            return self._load_lasting(self._lasting, tenants)
        histories = self._journal.histories(list(tenants))
        return {
            entity_id: load(self._decider, self._codec, tenant, entity_id, histories[entity_id])
            if histories.get(entity_id)
            else fresh(self._decider, tenant, entity_id)
            for entity_id, tenant in tenants.items()
        }

    def recall(self, spoken_to: Iterable[tuple[Entity[S], Input]]) -> None:
        """Learn which of these inputs have been done before the snapshots of their entities."""
        if self._lasting is None:
            return
        asked = {
            (entity.entity_id, input_id): entity
            for entity, given in spoken_to
            if entity.snapshot_seq
            for input_id in self._to_be_done(given)
        }
        for entity_id, input_id in self._journal.decided(asked) if asked else ():
            entity = asked[entity_id, input_id]
            # Of an input that isn't done yet, the first events stand in the journal too.
            if not any(meta.cause.id == input_id for meta, _ in entity.prefix):
                entity.causes.add(input_id)

    def keep(self, tenure: Tenure[S], changed: Iterable[str]) -> None:
        """Make snapshots of what has gone on far enough since the last one. All of it has just been committed."""
        if self._lasting is None:
            return
        due = [entity for entity_id in set(changed) if self._is_due(entity := tenure.entities[entity_id])]
        if not due:
            return
        snapshots = [self._snapshot(self._lasting, entity) for entity in due]
        self._journal.keep(tenure.partition, tenure.epoch, tenure.position, snapshots)
        for entity in due:
            entity.snapshot_seq = entity.seq
            entity.causes = set(entity.replacements)

    def _is_due(self, entity: Entity[S]) -> bool:
        if entity.seq - entity.snapshot_seq < self._snapshot_every:
            return False
        return entity.settled and not (entity.parked or entity.prefix or entity.broken)

    def _snapshot(self, lasting: LastingDecider[S], entity: Entity[S]) -> Snapshot:
        return Snapshot(
            entity.entity_id,
            entity.seq,
            entity.time_ms,
            entity.tenant,
            sorted(entity.replacements),
            lasting.fold_version,
            lasting.pack(entity.state),
        )

    def _load_lasting(self, lasting: LastingDecider[S], tenants: Mapping[str, str]) -> dict[str, Entity[S]]:
        snapshots = self._journal.snapshots(list(tenants), lasting.fold_version)
        loaded = {
            entity_id: self._begin(lasting, tenant, entity_id, snapshots.get(entity_id))
            for entity_id, tenant in tenants.items()
        }
        count = max(STRETCH_LEAST, STRETCH // len(loaded))
        unread = list(loaded)
        while unread:
            found = self._journal.stretches({each: loaded[each].known_seq for each in unread}, count)
            for entity_id, values in found.items():
                if values:
                    go_on(self._decider, self._codec, loaded[entity_id], values)
            unread = [each for each in unread if len(found.get(each, ())) == count]
        return loaded

    def _begin(
        self, lasting: LastingDecider[S], tenant: str, entity_id: str, snapshot: Snapshot | None
    ) -> Entity[S]:
        entity = fresh(self._decider, tenant, entity_id)
        if snapshot is None:
            return entity
        try:
            state = lasting.unpack(snapshot.state)
        except (ValueError, TypeError, KeyError) as error:
            log.warning("the snapshot of %s can't be read, so all its events are: %r", entity_id, error)
            return entity
        entity.tenant, entity.state, entity.settled = snapshot.tenant, state, True
        entity.seq = entity.snapshot_seq = snapshot.seq
        entity.time_ms = snapshot.time_ms
        entity.replacements = set(snapshot.replacements)
        entity.causes = set(snapshot.replacements)
        return entity

    def _to_be_done(self, given: Input) -> Sequence[str]:
        """The input itself, and what it would have decided in its place."""
        ids = [given.meta.id]
        if isinstance(given.body, ReleaseInput) and given.body.replacement is not None:
            with contextlib.suppress(Undecodable):
                ids.append(self._codec.decode_input(given.body.replacement)[0].id)
        return ids
