"""Snapshots of a fold: what an effector has in memory of its partitions, and how that gets into the database."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from penstock.runtime.epochs import EpochFilter
from penstock.streams.open_work import OpenWork, Work
from penstock.streams.positions import Move, Positions

W = TypeVar("W", bound=Work)


@dataclass(slots=True)
class Holding(Generic[W]):
    """A partition while this process owns it. The snapshot stands at `saved`, the fold at `position`."""

    partition: int
    epoch: int
    saved: int
    position: int
    live_from: int
    epochs: EpochFilter
    open_work: OpenWork[W]
    live: bool = False
    unsaved: set[str] = field(default_factory=set)
    sent: Move[W] | None = None
    saved_at_s: float = field(default_factory=time.monotonic)


class Snapshots(Generic[W]):
    """Saves the holdings of one host, all partitions in one transaction."""

    def __init__(self, positions: Positions[W], topic: str) -> None:
        self._positions = positions
        self._topic = topic

    def save(self, holdings: Iterable[Holding[W]]) -> set[int]:
        """Which partitions aren't ours to save. A step that was sent and whose outcome isn't known is sent again as
        it was, then the rest. Raises one of AWAY."""
        holdings = list(holdings)
        lost = self._send([held for held in holdings if held.sent is not None])
        moved = [held for held in holdings if held.position > held.saved and held.partition not in lost]
        for held in moved:
            works = {key: held.open_work.get(key) for key in held.unsaved}
            held.unsaved = set()
            seen_epoch = held.epochs.state().get((self._topic, held.partition), 0)
            place = (held.partition, held.epoch, held.saved, held.position, seen_epoch)
            held.sent = Move(*place, works)
        return lost | self._send(moved)

    def _send(self, holdings: Sequence[Holding[W]]) -> set[int]:
        steps = [held.sent for held in holdings if held.sent is not None]
        lost = self._positions.move(steps) if steps else set()
        for held in holdings:
            if held.sent is not None and held.partition not in lost:
                held.saved = held.sent.new_position
            held.sent = None
        return lost
