"""Notices a partition that a consumer no longer brings, although the broker has more of it.

librdkafka gives up on a partition now and then and says nothing: one that waits for its leader's epoch, one that was
unknown while its broker came back, a look-up that lost a race. Its records then wait until the process is started
again. So the broker is asked now and then where the partitions end, and what stands still between two answers is read
anew, and if that doesn't help, by a new consumer.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Final

from penstock.producers.kafka_backlog import Place
from penstock.runtime import metric_names as names
from penstock.runtime.meters import PROCESS, Meters

log = logging.getLogger("penstock.stalls")

LOOK_EVERY_S: Final = 10.0
# Turns in which all that was fetched was handed out, between two looks: a process that was frozen has had none.
TURNS_MIN: Final = 3
TELL_EVERY_S: Final = 60.0


class Remedy(StrEnum):
    """What is to be done with the consumer: in the order in which they are tried."""

    READ_ANEW = "assigning its partitions anew"
    NEW_CONSUMER = "making a new consumer"


REMEDIES: Final = tuple(Remedy)


class Stalls:
    """One consumer's, called by its thread."""

    def __init__(
        self,
        ends: Callable[[Collection[Place]], Mapping[Place, int]],
        group: str,
        meters: Meters = PROCESS,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ends` says where partitions end, as far as anybody answers. `group` is named where a stall is told."""
        self._ends = ends
        self._group = group
        self._stalls = meters.total(names.FETCH_STALLS)
        self._now_s = now_s
        self._due_s = now_s() + LOOK_EVERY_S
        self._turns = 0
        self._behind: dict[Place, int] = {}
        # By partition: where it stood still, how often that was found, and when it was told last.
        self._known: dict[Place, tuple[int, int, float]] = {}

    def look(self, positions: Mapping[Place, int]) -> Remedy | None:
        """`positions`: the offset that the consumer brings next of each partition that it reads. Call it after each
        turn that has handed out all that had been fetched; what it returns is to be done now."""
        self._turns += 1
        if not positions or self._now_s() < self._due_s:
            return None
        self._due_s = self._now_s() + LOOK_EVERY_S
        return self._judge(positions, self._ends(positions))

    def _judge(self, positions: Mapping[Place, int], ends: Mapping[Place, int]) -> Remedy | None:
        before, self._behind = self._behind, {p: at for p, at in positions.items() if ends.get(p, 0) > at}
        turns, self._turns = self._turns, 0
        if turns < TURNS_MIN:
            return None
        stalled = [place for place, at in self._behind.items() if before.get(place) == at]
        self._known = {place: known for place, known in self._known.items() if place in stalled}
        found = [self._found(place, self._behind[place], ends[place]) for place in stalled]
        return max((remedy for remedy in found if remedy), key=REMEDIES.index, default=None)

    def _found(self, place: Place, at: int, end: int) -> Remedy | None:
        """Each remedy is tried once: a partition whose records can't be read at all mustn't disturb the others."""
        known_at, times, told_s = self._known.get(place, (at, 0, -TELL_EVERY_S))
        times = times if known_at == at else 0
        remedy = REMEDIES[times] if times < len(REMEDIES) else None
        if times == 0:
            self._stalls.add(1, self._group, place[0])
        if remedy or self._now_s() >= told_s + TELL_EVERY_S:
            told_s = self._now_s()
            doing = remedy or "nothing helped: look at the broker's log, then start this process again"
            log.warning("%s: %s/%d stands at %d and ends at %d: %s", self._group, *place, at, end, doing)
        self._known[place] = (at, times + 1, told_s)
        return remedy
