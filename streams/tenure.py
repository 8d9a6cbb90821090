"""A partition while one runner owns it: its place, its epoch, and the entities it has in memory."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from penstock.streams.entity import Entity

S = TypeVar("S")

ENTITIES_MAX: Final = 5_000


@dataclass(slots=True)
class Tenure(Generic[S]):
    """Positions are offsets: `position` of the next input, `events_position` of the next event to adopt."""

    partition: int
    epoch: int
    position: int
    events_position: int
    failed_in_a_row: int
    entities: dict[str, Entity[S]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def keep(self, entity: Entity[S], state: S, *, ended: bool) -> None:
        """The entity's state after a decision; one that has ended is forgotten when the next turn begins."""
        entity.state = state
        if ended:
            self.ended.add(entity.entity_id)

    def turn(self, used: Collection[str]) -> list[str]:
        """A turn begins that speaks to these entities: those of them that must be read from the journal. Memory
        stays bounded: what has ended is forgotten, and so is what was unused for the longest time."""
        for entity_id in self.ended:
            self.entities.pop(entity_id, None)
        self.ended.clear()
        known = [entity_id for entity_id in used if entity_id in self.entities]
        for entity_id in known:
            self.entities[entity_id] = self.entities.pop(entity_id)
        while len(self.entities) > max(ENTITIES_MAX, len(known)):
            del self.entities[next(iter(self.entities))]
        return [entity_id for entity_id in used if entity_id not in self.entities]
