"""What hosts tell whoever counts: stages of a batch, calls that begin and end, leases. By default nobody.

An observer is called from many threads, also while locks are held: it returns at once and never raises.
`streams.observed` has the ones that count for OpenTelemetry.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, Protocol

COMPLETED: Final = "completed"
DEFERRED: Final = "deferred"

Stage = Literal["commit", "publish"]


class CallObserver(Protocol):
    """Told of each thing once, when it has happened."""

    def call_began(self, tool: str, tenant: str, attempt: int, run_id: str) -> None:
        """This thread, or task, begins to run the tool. `attempt` counts from 1: a later one is a retry."""
        ...

    def call_ended(self, tool: str, tenant: str, outcome: str, duration_s: float) -> None:
        """The same one is through with it. `outcome`: COMPLETED, DEFERRED or the failure's kind."""
        ...

    def lease_held(self) -> None:
        """This process holds a lease from now on: its first, or another after one that was lost."""
        ...

    def lease_lost(self) -> None:
        """The lease expired before it was renewed."""
        ...

    def lease_released(self) -> None:
        """The lease was given back."""
        ...


class Unobserved:
    """Nobody counts."""

    def call_began(self, tool: str, tenant: str, attempt: int, run_id: str) -> None: ...

    def call_ended(self, tool: str, tenant: str, outcome: str, duration_s: float) -> None: ...

    def lease_held(self) -> None: ...

    def lease_lost(self) -> None: ...

    def lease_released(self) -> None: ...


NOBODY: Final = Unobserved()


class _Stages(threading.local):
    """Seconds by stage of the batch that this thread is in; None where nobody asks."""

    seconds: dict[str, float] | None = None


_STAGES: Final = _Stages()


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """What happens here belongs to that stage of the batch in hand; the rest of the batch is `decide`."""
    seconds = _STAGES.seconds
    if seconds is None:
        yield
        return
    began_s = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began_s


@contextmanager
def staged() -> Iterator[dict[str, float]]:
    """Collects, in this thread, what `stage` measures in the meantime."""
    seconds: dict[str, float] = {}
    _STAGES.seconds = seconds
    try:
        yield seconds
    finally:
        _STAGES.seconds = None
