"""A run as folded from its events: what the workflow needs to replay, and what later inputs are judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from penstock.declare.grants import Grant, GrantOutcome
from penstock.schemas.envelope.records import Effect, Failure, Payload
from penstock.schemas.run.records import (
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    RunStalled,
    RunStarted,
    TimerPurpose,
)

StepKind = Literal["tool", "approval", "sleep"]
CallStatus = Literal["requested", "started", "in_doubt", "completed", "failed", "refused"]
Terminal = RunCompleted | RunFailed | RunCancelled


@dataclass(frozen=True, slots=True)
class Step:
    """A request as the history has it; `fingerprint` is the arguments' hash, or a sleep's milliseconds.

    `subject_id` is the call, approval or timer that it made.
    """

    kind: StepKind
    name: str
    fingerprint: str
    subject_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A call worked. `known` is False where it was settled as happened and nobody knows its result."""

    payload: Payload
    known: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A call failed for good."""

    tool: str
    error: Failure


@dataclass(frozen=True, slots=True)
class Refused:
    """A call wasn't allowed."""

    tool: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Slept:
    """A sleep is over."""


Outcome = Answer | Failed | Refused | Grant | Slept


@dataclass(frozen=True, slots=True)
class Settled:
    """What the workflow is told about its step, in the order and at the time it was told."""

    step: int
    time_ms: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CallState:
    """One call. `leases[n - 1]` is the lease that attempt n was started under, empty where it wasn't.

    `attempts_not_made` counts failed attempts that never took place.
    """

    call_id: str
    step: int
    tool: str
    tool_version: int
    effect: Effect
    args_sha256: str
    arguments: Payload | None
    grant_id: str | None
    timeout_ms: int
    attempt: int
    status: CallStatus
    leases: tuple[str, ...]
    attempts_not_made: int = 0

    @property
    def settled(self) -> bool:
        """True if nothing more can follow from it."""
        return self.status in ("completed", "failed", "refused")

    @property
    def unsafe(self) -> bool:
        """True if a second execution does harm. An effect that we don't know counts as unsafe."""
        return self.effect not in ("read", "idempotent")

    @property
    def lease_id(self) -> str:
        """The lease that the current attempt was started under, empty if it wasn't."""
        return self.leases[-1] if self.leases else ""

    @property
    def at_large(self) -> bool:
        """True if it may be happening, or have happened, and nobody knows yet (law L13)."""
        return self.unsafe and self.status in ("started", "in_doubt")


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """A question to a person; `outcome` is None while it is open."""

    approval_id: str
    step: int
    tool: str
    tool_version: int
    arguments: Payload
    role: str
    rule_version: int
    expires_at_ms: int
    outcome: GrantOutcome | None = None


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


@dataclass(frozen=True, slots=True)
class TimerState:
    """A timer, armed or fired."""

    timer_id: str
    step: int
    purpose: TimerPurpose
    due_ms: int
    fired: bool = False


@dataclass(frozen=True, slots=True)
class RunState:
    """The whole of a run. `started` is None until it began; `terminal` is None until it ended."""

    tenant: str
    run_id: str
    seq: int = 0
    time_ms: int = 0
    started: RunStarted | None = None
    started_ms: int = 0
    steps: tuple[Step, ...] = ()
    history: tuple[Settled, ...] = ()
    calls: Mapping[str, CallState] = field(default_factory=dict)
    approvals: Mapping[str, ApprovalState] = field(default_factory=dict)
    grants: Mapping[str, GrantState] = field(default_factory=dict)
    timers: Mapping[str, TimerState] = field(default_factory=dict)
    stalled: RunStalled | None = None
    ending: RunEnding | None = None
    terminal: Terminal | None = None

    @property
    def priority(self) -> int:
        """Of the run's calls: higher goes first."""
        return self.started.priority if self.started else 0

    @property
    def open_calls(self) -> tuple[CallState, ...]:
        """Calls that aren't settled, oldest first."""
        return tuple(call for call in self.calls.values() if not call.settled)
