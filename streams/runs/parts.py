"""What a run's state is made of: steps and what the workflow is told of them, calls, timers."""

from dataclasses import dataclass
from typing import Literal

from penstock.declare.grants import Grant
from penstock.schemas.envelope.records import Effect, Failure, Payload
from penstock.schemas.frozen import quick
from penstock.schemas.run.records import (
    RunCancelled,
    RunCompleted,
    RunFailed,
    TimerPurpose,
    ToolCallRefused,
    ToolCallRequested,
)

StepKind = Literal["tool", "approval", "sleep"]
CallStatus = Literal["requested", "started", "deferred", "in_doubt", "held", "completed", "failed", "refused"]
TimerFor = TimerPurpose | Literal["callback_expiry"]
Terminal = RunCompleted | RunFailed | RunCancelled


@quick
@dataclass(frozen=True, slots=True)
class Step:
    """A request as the history has it; `fingerprint` is the arguments' hash, or a sleep's milliseconds.

    `subject_id` is the call, approval or timer that it made.
    """

    kind: StepKind
    name: str
    fingerprint: str
    subject_id: str


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """A call worked. `known` is False where it was settled as happened and nobody knows its result."""

    payload: Payload
    known: bool


@quick
@dataclass(frozen=True, slots=True)
class Failed:
    """A call failed for good."""

    tool: str
    error: Failure


@quick
@dataclass(frozen=True, slots=True)
class Refused:
    """A call wasn't allowed."""

    tool: str
    reason: str
    detail: str


@quick
@dataclass(frozen=True, slots=True)
class Slept:
    """A sleep is over."""


@quick
@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal came; it belongs to no step."""

    name: str
    content: bytes


Outcome = Answer | Failed | Refused | Grant | Slept | Signalled


@quick
@dataclass(frozen=True, slots=True)
class Settled:
    """What the workflow is told about its step, in the order and at the time it was told. 0 is none of its steps."""

    step: int
    time_ms: int
    outcome: Outcome


@quick
@dataclass(frozen=True, slots=True)
class CallState:
    """One call. `asked` is the request of its latest attempt, or the refusal if it was never requested.

    `leases[n - 1]` is the lease that attempt n was started under, empty where it wasn't. `attempts_not_made`
    counts failed attempts that never took place. Held: its latest attempt is over, and the next one is requested
    when the paused run is continued. Deferred: an outside system has it, and answers by a callback.
    """

    asked: ToolCallRequested | ToolCallRefused
    status: CallStatus
    leases: tuple[str, ...] = ()
    attempts_not_made: int = 0

    @property
    def call_id(self) -> str:
        """Its id."""
        return self.asked.call_id

    @property
    def step(self) -> int:
        """The step that asked for it."""
        return self.asked.step

    @property
    def tool(self) -> str:
        """The tool's name."""
        return self.asked.tool

    @property
    def tool_version(self) -> int:
        """The tool's pinned version."""
        return self.asked.tool_version

    @property
    def effect(self) -> Effect:
        """The tool's class as it was requested."""
        return self.asked.effect if isinstance(self.asked, ToolCallRequested) else "unknown"

    @property
    def args_sha256(self) -> str:
        """Hash of the canonical argument bytes."""
        asked = self.asked
        return asked.arguments.sha256 if isinstance(asked, ToolCallRequested) else asked.args_sha256

    @property
    def arguments(self) -> Payload | None:
        """The arguments, None if it was never requested."""
        return self.asked.arguments if isinstance(self.asked, ToolCallRequested) else None

    @property
    def grant_id(self) -> str | None:
        """The grant that it spent."""
        return self.asked.grant_id if isinstance(self.asked, ToolCallRequested) else None

    @property
    def attempt(self) -> int:
        """The latest attempt, 0 if it was never requested."""
        return self.asked.attempt if isinstance(self.asked, ToolCallRequested) else 0

    def became(self, status: CallStatus) -> "CallState":
        """The same call in another status."""
        return CallState(self.asked, status, self.leases, self.attempts_not_made)

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
        return self.unsafe and self.status in ("started", "deferred", "in_doubt")


@quick
@dataclass(frozen=True, slots=True)
class TimerState:
    """A timer, armed or fired."""

    timer_id: str
    step: int
    purpose: TimerFor
    due_ms: int
    fired: bool = False
