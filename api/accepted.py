"""The runs that this process has accepted and the views may not show yet; a bounded number of them."""

import asyncio
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

RUNS_MAX_DEFAULT: Final = 10_000


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """A run whose start the log has acknowledged."""

    tenant: str
    body_sha256: str
    # Where the log has its start: see api/receipts.py.
    receipt: str


class AcceptedRuns:
    """The latest accepted runs by id. Thread-safe."""

    def __init__(self, runs_max: int = RUNS_MAX_DEFAULT) -> None:
        self._runs_max = runs_max
        self._runs: OrderedDict[str, AcceptedRun] = OrderedDict()
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, run_id: str) -> asyncio.Lock:
        """Held while a start of this run is said, so that of two at once the second knows of the first. For the one
        event loop of the API's process, unlike the rest."""
        return self._turns.setdefault(run_id, asyncio.Lock())

    def note(self, run_id: str, run: AcceptedRun) -> None:
        """The log has acknowledged its start. The first body stays: it is the one that counts."""
        with self._lock:
            self._runs.setdefault(run_id, run)
            while len(self._runs) > self._runs_max:
                self._runs.popitem(last=False)

    def get(self, run_id: str, tenant: str) -> AcceptedRun | None:
        """The run, if it is this tenant's and still remembered."""
        with self._lock:
            run = self._runs.get(run_id)
        return run if run is not None and run.tenant == tenant else None

    def receipt(self, run_id: str, tenant: str) -> str | None:
        """That of its start, if this process knows the run."""
        run = self.get(run_id, tenant)
        return None if run is None else run.receipt
