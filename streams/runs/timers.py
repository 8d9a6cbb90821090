"""Timers: due by log time; an early firing is re-armed (law L6)."""

from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import ApprovalExpired, FireTimer, TimerFired, TimerRearmed
from penstock.streams.runs import ending
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.deferring import expired
from penstock.streams.runs.driving import advance
from penstock.streams.runs.handing import overdue
from penstock.streams.runs.parts import TimerState
from penstock.streams.runs.questions import ApprovalState


def fire(c: Consequences, body: FireTimer) -> None:
    """A timer is said to be due."""
    timer = c.state.timers.get(body.timer_id)
    if c.state.terminal is not None:
        c.accept("the run has ended")
    elif timer is None:
        c.refuse("unknown_timer", body.timer_id)
    elif timer.fired:
        c.accept("it has fired before")
    elif c.time_ms < timer.due_ms:
        c.emit(TimerRearmed(timer_id=timer.timer_id, due_ms=timer.due_ms))
    else:
        c.emit(TimerFired(timer_id=timer.timer_id))
        _fired(c, timer)


def _fired(c: Consequences, timer: TimerState) -> None:
    if timer.purpose == "callback_expiry":
        expired(c, timer)
        return
    if c.state.ending is not None:
        return
    match timer.purpose:
        case "deadline":
            ending.begin(c, "failed", "deadline", "the run's deadline has passed")
        case "approval_expiry":
            approval = _question_of(c, timer)
            if approval is not None and approval.outcome is None:
                c.emit(ApprovalExpired(approval_id=approval.approval_id))
                advance(c)
        case "approval_escalation":
            approval = _question_of(c, timer)
            if approval is not None and c.time_ms < approval.expires_at_ms:
                overdue(c, approval)
        case "sleep":
            advance(c)
        case "unknown":
            return


def _question_of(c: Consequences, timer: TimerState) -> ApprovalState | None:
    return c.state.approvals.get(derived_id(c.state.run_id, f"approval:{timer.step}"))
