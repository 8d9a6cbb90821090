"""The parts of a run's state that are about leave to act: questions to people, and grants."""

from dataclasses import dataclass

from penstock.declare.grants import GrantOutcome
from penstock.schemas.envelope.records import Payload
from penstock.schemas.frozen import quick


@quick
@dataclass(frozen=True, slots=True)
class ApprovalState:
    """A question to people; `voters` have granted it so far, and `outcome` is None while it is open.

    `role` is who is asked now. `voted_for[n]` is who had handed the question to `voters[n]`, empty for who holds the
    role. `delegate` has it now, and `delegators` handed it on, the latest last.
    """

    approval_id: str
    step: int
    tool: str
    tool_version: int
    arguments: Payload
    role: str
    rule_version: int
    expires_at_ms: int
    quorum: int = 1
    voters: tuple[str, ...] = ()
    outcome: GrantOutcome | None = None
    escalate_to: str | None = None
    voted_for: tuple[str, ...] = ()
    delegate: str | None = None
    delegators: tuple[str, ...] = ()

    @property
    def escalated(self) -> bool:
        """Whether it is with the last role that it can come to."""
        return self.role == self.escalate_to

    def answered(self, outcome: GrantOutcome) -> "ApprovalState":
        """The same question, answered."""
        return ApprovalState(
            self.approval_id,
            self.step,
            self.tool,
            self.tool_version,
            self.arguments,
            self.role,
            self.rule_version,
            self.expires_at_ms,
            self.quorum,
            self.voters,
            outcome,
            self.escalate_to,
            self.voted_for,
            self.delegate,
            self.delegators,
        )


@quick
@dataclass(frozen=True, slots=True)
class GrantState:
    """A grant and the call that spent it, if one did."""

    grant_id: str
    tool: str
    tool_version: int
    args_sha256: str
    rule_version: int
    expires_at_ms: int
    spent_by: str | None = None

    def spent(self, call_id: str) -> "GrantState":
        """The same grant, spent by that call."""
        return GrantState(
            self.grant_id,
            self.tool,
            self.tool_version,
            self.args_sha256,
            self.rule_version,
            self.expires_at_ms,
            call_id,
        )
