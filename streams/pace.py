"""Pace: under load the next turn begins a little later, and holds more.

A turn costs a transaction, a request to the broker for each partition, and wake-ups of whoever reads, however
little it holds. Where a machine's CPU is what bounds it, short turns keep it busy with that alone: each of them
finds only what came during the last. So a turn that held many records makes the next one wait, by half a
millisecond a record and 20 ms at most. One that held a single record doesn't, so a lone run never waits.
"""

import time
from typing import Final

PACE_S: Final = 0.0005
PACE_S_MAX: Final = 0.02


class Pace:
    """One thread's. `record_s` is how long each record of a turn but the first holds back the next, in seconds
    from the turn's beginning; 0: not at all."""

    def __init__(self, record_s: float) -> None:
        self._record_s = record_s
        self._until_s = 0.0

    def note(self, records: int) -> None:
        """A turn of so many records begins."""
        self._until_s = time.monotonic() + min((records - 1) * self._record_s, PACE_S_MAX)

    def wait(self) -> None:
        """Until the next turn may begin."""
        wait_s = self._until_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
