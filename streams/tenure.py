"""A partition while one runner owns it: its place, its epoch, and the entities it has in memory."""

from collections.abc import Iterable
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

    def forget_the_longest_unused(self, used: Iterable[str]) -> None:
        """Keep memory bounded: what isn't here is read from the journal when it is needed."""
        for entity_id in used:
            self.entities[entity_id] = self.entities.pop(entity_id)
        for entity_id in list(self.entities)[: max(0, len(self.entities) - ENTITIES_MAX)]:
            del self.entities[entity_id]
