"""The kill test: many reviews at their approval, all granted at once, SIGKILL to the workers amid the effects.

Reads: the file to which each side's two last steps append a line a call, O_APPEND.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.failing import BenchFailed
from bench.peers.counting import Effects, effects
from bench.peers.ours import Ours
from bench.peers.side import Side

# Two of a review's steps have an effect.
EFFECTS_A_REVIEW: Final = 2
# At which share of all effects the kills come, one after the other.
_AT: Final = (0.25, 0.5, 0.75)
_LOOK_S: Final = 0.002


@dataclass(frozen=True, slots=True)
class Killed:
    """One kill: how many effects had happened by then, what the file said in the end, doubts of ours."""

    before: int
    effects: Effects
    in_doubt: int
    seconds: float


def kills(side: Side, count: int, in_flight: int, tell: Callable[[str], None]) -> list[Killed]:
    """So many kills of one side, each with its own workers and file."""
    found: list[Killed] = []
    for turn in range(count):
        with tempfile.TemporaryDirectory(prefix="penstock-peers-") as folder:
            last = kill(side, Path(folder) / "effects", in_flight, _AT[turn % len(_AT)])
        found.append(last)
        tell(
            f"{side.name}: killed after {last.before} of {last.effects.expected} effects; "
            f"{last.effects.repeated} repeated, {last.effects.lost} lost, {last.in_doubt} in doubt and settled"
        )
    return found


def kill(side: Side, path: Path, in_flight: int, share: float) -> Killed:
    """One kill, when that share of the effects has happened. Raises BenchFailed if it never came to it."""
    path.touch()
    expected = EFFECTS_A_REVIEW * in_flight
    when = _Kill(side, path, max(1, int(share * expected)))
    side.begin(path)
    try:
        side.hold(in_flight)
        side.release(when)
        in_doubt = side.in_doubt if isinstance(side, Ours) else 0
    finally:
        side.end()
    if when.before is None:
        raise BenchFailed(f"{side.name}: all ended before anything was killed")
    seconds = time.monotonic() - when.killed_s
    return Killed(when.before, effects(path.read_text().splitlines(), expected), in_doubt, seconds)


class _Kill:
    """Watches the file while reviews go on; kills once."""

    def __init__(self, side: Side, path: Path, after: int) -> None:
        self._side = side
        self._path = path
        self._after = after
        self._looked_s = 0.0
        self.before: int | None = None
        self.killed_s = 0.0

    def __call__(self) -> None:
        if self.before is not None or time.monotonic() - self._looked_s < _LOOK_S:
            return
        self._looked_s = time.monotonic()
        lines = self._path.read_bytes().count(b"\n")
        if lines >= self._after:
            self.before, self.killed_s = lines, time.monotonic()
            self._side.kill()


def repeated(found: Sequence[Killed]) -> float:
    """Calls whose effect was there more than once, a kill."""
    return sum(one.effects.repeated for one in found) / len(found)
