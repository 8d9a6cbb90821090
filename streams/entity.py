"""One entity as a runner holds it: the decider's state, and what the runner itself must know of the history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from penstock.schemas.codec import Codec, EventBody
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.log.records import InputDiscarded, InputParked, InputRefused, InputReleased
from penstock.streams.decider import Decider, Happened

S = TypeVar("S")


@dataclass(slots=True)
class Entity(Generic[S]):
    """`causes` are the inputs done; those up to `snapshot_seq` are in the journal only, but for `replacements`, which
    were done in the place of parked ones. `prefix` are the logged events of an input that isn't done yet (law L4)."""

    tenant: str
    entity_id: str
    state: S
    seq: int = 0
    time_ms: int = 0
    settled: bool = False
    broken: str | None = None
    causes: set[str] = field(default_factory=set)
    parked: dict[str, InputParked] = field(default_factory=dict)
    prefix: tuple[tuple[EventMeta, EventBody], ...] = ()
    snapshot_seq: int = 0
    replacements: set[str] = field(default_factory=set)

    @property
    def known_seq(self) -> int:
        """Of the last event that is known, also if its input isn't done yet."""
        return self.prefix[-1][0].entity_seq if self.prefix else self.seq

    def note(self, meta: EventMeta, body: EventBody) -> None:
        """Take an event into account, but for the decider's state."""
        self.seq = meta.entity_seq
        self.time_ms = meta.time_ms
        self.causes.add(meta.cause.id)
        # Refusals settle nothing: a stranger's input to an id that isn't taken must not give it a tenant.
        self.settled = self.settled or not isinstance(body, InputRefused)
        if isinstance(body, InputParked):
            self.parked[body.input_id] = body
        elif isinstance(body, InputReleased | InputDiscarded):
            self.parked.pop(body.parked_input_id, None)
            if isinstance(body, InputReleased) and body.replacement_id is not None:
                # It is done: sent to the inbox as well, it is a repetition.
                self.causes.add(body.replacement_id)
                self.replacements.add(body.replacement_id)


def fresh(decider: Decider[S], tenant: str, entity_id: str) -> Entity[S]:
    """An entity without a history."""
    return Entity(tenant, entity_id, decider.initial(tenant, entity_id))


def load(
    decider: Decider[S], codec: Codec, tenant: str, entity_id: str, values: Sequence[bytes]
) -> Entity[S]:
    """Fold a history. One that can't be folded gives a broken entity, whose inputs will be parked."""
    entity = fresh(decider, tenant, entity_id)
    go_on(decider, codec, entity, values)
    return entity


def go_on(decider: Decider[S], codec: Codec, entity: Entity[S], values: Sequence[bytes]) -> None:
    """Fold what comes next in the entity's history."""
    history = [*entity.prefix, *(codec.decode_event(value) for value in values)]
    if not entity.settled and (tenant := _settled_tenant(history)) is not None:
        entity.tenant, entity.state = tenant, decider.initial(tenant, entity.entity_id)
    last = history[-1][0].cause
    present = sum(1 for meta, _ in history if meta.cause.id == last.id)
    whole = history if present == last.count else history[: len(history) - present]
    entity.prefix = tuple(history[len(whole) :])
    for meta, body in whole:
        entity.note(meta, body)
        if entity.broken:
            continue
        try:
            entity.state = decider.evolve(entity.state, Happened(body, meta.entity_seq, meta.time_ms))
        except Exception as error:  # noqa: BLE001 a history that can't be folded must not stop other keys
            entity.broken = f"the history can't be folded at seq {meta.entity_seq}: {error!r}"


def _settled_tenant(history: Sequence[tuple[EventMeta, EventBody]]) -> str | None:
    return next((meta.tenant for meta, body in history if not isinstance(body, InputRefused)), None)
