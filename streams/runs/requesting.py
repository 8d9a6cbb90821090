"""From what the workflow asks for to events: requested, refused, or a question to a person."""

from penstock.schemas.canonical import JSON
from penstock.schemas.envelope.records import Payload
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    ApprovalGranted,
    ApprovalRequested,
    TimerArmed,
    ToolCallRefused,
    ToolCallRequested,
)
from penstock.streams.runs.asks import ApprovalAsk, Ask, CallAsk, SleepAsk
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.differences import trace
from penstock.streams.runs.loop import Stall
from penstock.streams.runs.policy import Denial, Wanted, grant_denial, tool_denial


def request(c: Consequences, ask: Ask) -> None:
    """Put one ask on the log."""
    match ask:
        case CallAsk():
            _call(c, ask)
        case ApprovalAsk():
            _approval(c, ask)
        case SleepAsk(step=step, delay_ms=delay_ms):
            timer_id = derived_id(c.state.run_id, f"timer:{step}")
            due_ms = c.time_ms + delay_ms
            c.emit(TimerArmed(timer_id=timer_id, step=step, purpose="sleep", due_ms=due_ms))


def _call(c: Consequences, ask: CallAsk) -> None:
    call_id = derived_id(c.state.run_id, f"call:{ask.step}")
    wanted = Wanted(call_id, ask.tool.name, ask.tool.version, ask.fingerprint, ask.grant_id)
    refused = tool_denial(c.application, c.state, wanted)
    if refused is None and ask.granted and ask.grant_id is None:
        refused = Denial("grant_missing", "the approval was refused or expired: there is no grant to spend")
    grant_id = ask.grant_id
    if refused is None and ask.tool.writes and grant_id is None:
        grant_id = _grant_by_rule(c, ask)
        wanted = Wanted(call_id, ask.tool.name, ask.tool.version, ask.fingerprint, grant_id)
    refused = refused or grant_denial(c.application, c.state, wanted, c.time_ms)
    if refused is not None:
        refuse_call(c, wanted, ask.step, refused)
        return
    c.emit(
        ToolCallRequested(
            call_id=call_id,
            step=ask.step,
            attempt=1,
            tool=ask.tool.name,
            tool_version=ask.tool.version,
            effect=ask.tool.effect,
            arguments=_payload(ask),
            grant_id=grant_id,
            timeout_ms=ask.tool.timeout_ms,
            priority=c.state.priority,
        )
    )


def _payload(ask: CallAsk | ApprovalAsk) -> Payload:
    """The arguments, of which asking has checked the size and made the hash."""
    return Payload(content_type=JSON, content=ask.content, sha256=ask.fingerprint)


def refuse_call(c: Consequences, wanted: Wanted, step: int, refused: Denial) -> None:
    """The call isn't allowed, for good: the workflow is told."""
    c.emit(
        ToolCallRefused(
            call_id=wanted.call_id,
            step=step,
            tool=wanted.tool,
            tool_version=wanted.tool_version,
            args_sha256=wanted.args_sha256,
            reason=refused.reason,
            detail=refused.detail,
        )
    )


def _grant_by_rule(c: Consequences, ask: CallAsk) -> str | None:
    """The grant that the tool's rule gives just before the request, or None (law L12)."""
    rule = c.application.rule(ask.tool.name)
    if rule is None:
        return None
    try:
        granted = rule.grants(ask.tool.decode_arguments(ask.content))
    except Exception as error:  # a rule is user code: whatever it raises stalls the run
        raise Stall("exception", f"Approval rule {rule.name} raised.\n{trace(error)}") from error
    if not granted:
        return None
    grant_id = derived_id(c.state.run_id, f"grant:{ask.step}")
    c.emit(
        ApprovalGranted(
            approval_id=derived_id(c.state.run_id, f"rule:{ask.step}"),
            grant_id=grant_id,
            tool=ask.tool.name,
            tool_version=ask.tool.version,
            args_sha256=ask.fingerprint,
            granted_by=(rule.name,),
            rule=rule.name,
            rule_version=rule.version,
            expires_at_ms=c.time_ms + rule.grant_ms,
        )
    )
    return grant_id


def _approval(c: Consequences, ask: ApprovalAsk) -> None:
    escalation = ask.escalation
    timed = escalation is not None and escalation.after_ms is not None
    c.emit(
        ApprovalRequested(
            approval_id=derived_id(c.state.run_id, f"approval:{ask.step}"),
            step=ask.step,
            tool=ask.tool.name,
            tool_version=ask.tool.version,
            arguments=_payload(ask),
            role=ask.role,
            quorum=ask.quorum,
            expires_at_ms=c.time_ms + ask.expires_ms,
            rule_version=c.application.rule_version(ask.tool.name),
            escalate_to=escalation.role if escalation else None,
            escalate_at_ms=c.time_ms + (escalation.after_ms or 0) if escalation and timed else None,
        )
    )
