"""The answer to `run.approval`."""

from dataclasses import dataclass
from typing import Literal

GrantOutcome = Literal["granted", "refused", "expired"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What became of a question. Pass it to `run.tool(tool, grant=...)`: the first request spends it.

    `arguments` are the exact canonical bytes that were shown and approved; `by` are the voters' subjects.
    Holding this object proves nothing: each request is checked against the run's own history.
    """

    outcome: GrantOutcome
    approval_id: str
    tool: str
    tool_version: int
    arguments: bytes
    grant_id: str | None = None
    by: tuple[str, ...] = ()
    reason: str = ""

    @property
    def refused(self) -> bool:
        """True unless it was granted: a refusal and an expiry both mean no."""
        return self.outcome != "granted"
