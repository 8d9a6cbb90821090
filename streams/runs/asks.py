"""What a workflow asks for, before anybody has decided whether it may."""

from dataclasses import dataclass
from typing import Literal

from penstock.declare.grants import Escalation
from penstock.declare.tools import Tool
from penstock.schemas.frozen import quick


@quick
@dataclass(frozen=True, slots=True)
class CallAsk:
    """`run.tool`: `content` are the canonical argument bytes, `fingerprint` their SHA-256."""

    step: int
    tool: Tool[object]
    content: bytes
    fingerprint: str
    grant_id: str | None
    granted: bool
    kind: Literal["tool"] = "tool"

    @property
    def name(self) -> str:
        """The tool."""
        return self.tool.name


@quick
@dataclass(frozen=True, slots=True)
class ApprovalAsk:
    """`run.approval`."""

    step: int
    tool: Tool[object]
    content: bytes
    fingerprint: str
    role: str
    expires_ms: int
    quorum: int
    escalation: Escalation | None
    kind: Literal["approval"] = "approval"

    @property
    def name(self) -> str:
        """The tool."""
        return self.tool.name


@quick
@dataclass(frozen=True, slots=True)
class SleepAsk:
    """`run.sleep`; the fingerprint is its length in milliseconds."""

    step: int
    delay_ms: int
    fingerprint: str
    kind: Literal["sleep"] = "sleep"
    name: Literal[""] = ""


Ask = CallAsk | ApprovalAsk | SleepAsk
