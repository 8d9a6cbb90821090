"""What the tools effector tells whoever counts: calls that begin and end, answers, leases. By default nobody.

An observer is called from many threads, also while locks are held: it returns at once and never raises.
`streams.observed` has the one that counts for OpenTelemetry.
"""

from typing import Final, Protocol

COMPLETED: Final = "completed"


class CallObserver(Protocol):
    """Told of each thing once, when it has happened."""

    def call_began(self, tool: str, tenant: str, attempt: int, run_id: str) -> None:
        """This thread begins to run the tool. `attempt` counts from 1: a later one is a retry."""
        ...

    def call_ended(self, tool: str, tenant: str, outcome: str, duration_s: float) -> None:
        """This thread is through with it. `outcome` is COMPLETED or the kind of the failure that is answered."""
        ...

    def answer_sent(self, kind: str) -> None:
        """An answer stands on the log. `kind` is its record's name, CompleteToolCall for one."""
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

    def answer_sent(self, kind: str) -> None: ...

    def lease_held(self) -> None: ...

    def lease_lost(self) -> None: ...

    def lease_released(self) -> None: ...


NOBODY: Final = Unobserved()
