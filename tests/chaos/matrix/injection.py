"""Faults done and healed at their times, and what came of each."""

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from tests.chaos.matrix.harm import Heal
from tests.chaos.matrix.schedule import Fault, in_each_others_way

S = TypeVar("S")

AGAIN_S: Final = 0.5


def inject(
    site: S,
    faults: Sequence[Fault],
    harms: Mapping[str, Callable[[S, Fault], Heal]],
    tell: Callable[[str], None],
) -> tuple[str, ...]:
    """Do harm and heal it; a line a fault. Raises whatever a harm raises.

    The schedule's clock stands still while harm is being done or undone: a broker that takes long to start
    shortens no other fault. What can't be healed yet is asked again while the others go on, and who would be in
    its way waits for it.
    """
    began = since = time.monotonic()
    notes: dict[Fault, str] = {}
    heals: dict[Fault, Heal] = {}
    todo = [(fault.at_s, number, fault) for number, fault in enumerate(faults)]
    heapq.heapify(todo)
    while todo:
        at_s, number, fault = heapq.heappop(todo)
        time.sleep(max(0.0, since + at_s - time.monotonic()))
        now_s, acting = time.monotonic() - began, time.monotonic()
        if fault in heals:
            note = heals[fault]()
            if note is None:
                heapq.heappush(todo, (at_s + AGAIN_S, number, fault))
                continue
            del heals[fault]
            notes[fault] = note
            tell(f"{now_s:5.1f} s  healed  {fault} {note}")
        elif any(in_each_others_way(fault, other) for other in heals):
            heapq.heappush(todo, (at_s + AGAIN_S, number, fault))
            continue
        else:
            tell(f"{now_s:5.1f} s  {fault}")
            heals[fault] = harms[fault.kind](site, fault)
            heapq.heappush(todo, (at_s + fault.lasts_s, number, fault))
        since += time.monotonic() - acting
    return tuple(f"{fault} {notes[fault]}".strip() for fault in faults)
