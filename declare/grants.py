"""What may become of the question of `run.approval`: where it may go, and its answer."""

from dataclasses import dataclass
from typing import Literal

from penstock.declare.errors import DeclarationError

GrantOutcome = Literal["granted", "refused", "expired"]


@dataclass(frozen=True, slots=True)
class Escalation:
    """To which role a question goes if it is escalated; by itself after so long, None: only if a person says so."""

    role: str
    after_ms: int | None = None


def escalation_of(role: str, expires_ms: int, to: str | None, after_ms: int | None) -> Escalation | None:
    """What `escalate_to` and `escalate_after` of a question to `role` mean. Raises DeclarationError."""
    if to is None:
        if after_ms is not None:
            raise DeclarationError(
                "Name the role with it: run.approval(..., escalate_to=..., escalate_after=...)."
            )
        return None
    if not to or to == role:
        raise DeclarationError(f"escalate_to names another role than {role!r}, which is asked first.")
    if after_ms is not None and after_ms >= expires_ms:
        raise DeclarationError("escalate_after is shorter than expires: nobody could decide it after that.")
    return Escalation(to, after_ms)


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
