"""What the comparison asks of each side, and how a stretch of it is measured: the same way for all.

Reads: /proc, for CPU by process and for what others use of the machine meanwhile.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from bench import cpu
from bench.peers.counting import Stretch

GENERATOR: Final = "generator"
# Where a kill test's steps leave their lines, for all three sides; empty: no effects.
EFFECTS: Final = "PEERS_EFFECTS"


class Side(Protocol):
    """One of those compared. Its servers stand from when it is made until its block is left."""

    @property
    def name(self) -> str:
        """What its figures are called."""
        ...

    def begin(self, effects: Path | None = None) -> None:
        """Start the workers, and wait until they work; with a file, they leave their effects there."""
        ...

    def end(self) -> None:
        """Stop the workers, so that they take nothing from whoever comes next."""
        ...

    def load(self, reviews: int, in_flight: int, seconds: float) -> Stretch:
        """So many reviews from start to end, so many at a time; none is started after so many seconds."""
        ...

    def hold(self, reviews: int) -> None:
        """Start so many, and wait until each wants its person, who doesn't answer yet."""
        ...

    def release(self, meanwhile: Callable[[], None]) -> None:
        """Answer all of those and wait until they have ended, calling `meanwhile` every few milliseconds."""
        ...

    def kill(self) -> None:
        """SIGKILL to every worker process at once; then start them again."""
        ...

    def settings(self) -> dict[str, object]:
        """How it was run."""
        ...


def measured(
    pids: Mapping[str, int], run: Callable[[], tuple[Sequence[float], float]], mine: str = ""
) -> Stretch:
    """A stretch: `run` gives latencies and seconds. `mine`: the name of this process, if it has a part in it."""
    before, own_s = cpu.by_name(pids), time.process_time()
    busy, whole = cpu.machine_s()
    latencies_ms, seconds = run()
    after = cpu.by_name(pids)
    busy_after, whole_after = cpu.machine_s()
    used = cpu.used(before, after) | ({mine: time.process_time() - own_s} if mine else {})
    others_s = busy_after - busy - sum(used.values())
    return Stretch(latencies_ms, seconds, used, others_s / max(whole_after - whole, 1e-9))


def name_effects(effects: Path | None) -> None:
    """Let the processes that are started from now on know the file of effects."""
    if effects is None:
        os.environ.pop(EFFECTS, None)
    else:
        os.environ[EFFECTS] = str(effects)
