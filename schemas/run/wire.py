"""The run records in Avro's binary form. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from penstock.schemas.binary import (
    Malformed,
    read_array,
    read_int,
    read_long,
    read_size,
    read_text,
    setters,
    symbols,
    write_array,
    write_int,
    write_long,
    write_text,
)
from penstock.schemas.envelope.wire import read_failure, read_payload, write_failure, write_payload
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    CancelRun,
    CastVote,
    CompleteToolCall,
    ContinueRun,
    DeferToolCall,
    DelegateApproval,
    EscalateApproval,
    FailToolCall,
    FeedbackGiven,
    FireTimer,
    GiveFeedback,
    LateAnswer,
    MigrateRun,
    PauseRun,
    ReportLostLease,
    ResumeRun,
    RunCancelled,
    RunCompleted,
    RunContinued,
    RunEnding,
    RunFailed,
    RunMigrated,
    RunPaused,
    RunResumed,
    RunStalled,
    RunStarted,
    SettleToolCall,
    SignalReceived,
    SignalRun,
    StartRun,
    StartToolCall,
    TimerArmed,
    TimerFired,
    TimerRearmed,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
    VoteCounted,
    VoteRefused,
)

_new = object.__new__
_effect_of, _effect_bytes = symbols("unknown", "read", "idempotent", "unsafe")
_end_outcome_of, _end_outcome_bytes = symbols("unknown", "cancelled", "failed")
_settle_basis_of, _settle_basis_bytes = symbols(
    "unknown", "person", "target_journal", "key_voided", "deadline_passed"
)
_stall_kind_of, _stall_kind_bytes = symbols(
    "unknown", "nondeterminism", "missing_version", "exception", "blocked"
)
_timer_purpose_of, _timer_purpose_bytes = symbols(
    "unknown", "sleep", "deadline", "approval_expiry", "approval_escalation"
)
_vote_decision_of, _vote_decision_bytes = symbols("unknown", "grant", "refuse")
(_set_cancel_run_reason,) = setters(CancelRun)
(
    _set_cast_vote_approval_id,
    _set_cast_vote_decision,
    _set_cast_vote_args_sha256,
    _set_cast_vote_reason,
) = setters(CastVote)
(
    _set_complete_tool_call_call_id,
    _set_complete_tool_call_attempt,
    _set_complete_tool_call_lease_id,
    _set_complete_tool_call_result,
    _set_complete_tool_call_duration_ms,
) = setters(CompleteToolCall)
(_set_continue_run_reason,) = setters(ContinueRun)
(
    _set_defer_tool_call_call_id,
    _set_defer_tool_call_attempt,
    _set_defer_tool_call_lease_id,
    _set_defer_tool_call_expires_at_ms,
) = setters(DeferToolCall)
(
    _set_delegate_approval_approval_id,
    _set_delegate_approval_delegate,
    _set_delegate_approval_reason,
) = setters(DelegateApproval)
(
    _set_escalate_approval_approval_id,
    _set_escalate_approval_reason,
) = setters(EscalateApproval)
(
    _set_fail_tool_call_call_id,
    _set_fail_tool_call_attempt,
    _set_fail_tool_call_lease_id,
    _set_fail_tool_call_error,
    _set_fail_tool_call_not_done,
    _set_fail_tool_call_duration_ms,
) = setters(FailToolCall)
(_set_fire_timer_timer_id,) = setters(FireTimer)
(
    _set_give_feedback_call_id,
    _set_give_feedback_about_seq,
    _set_give_feedback_score_thousandths,
    _set_give_feedback_label,
    _set_give_feedback_tags,
    _set_give_feedback_comment,
) = setters(GiveFeedback)
(
    _set_migrate_run_to_version,
    _set_migrate_run_reason,
    _set_migrate_run_trial,
) = setters(MigrateRun)
(_set_pause_run_reason,) = setters(PauseRun)
(
    _set_report_lost_lease_call_id,
    _set_report_lost_lease_attempt,
    _set_report_lost_lease_lease_id,
) = setters(ReportLostLease)
(_set_resume_run_code_hash,) = setters(ResumeRun)
(
    _set_settle_tool_call_call_id,
    _set_settle_tool_call_attempt,
    _set_settle_tool_call_happened,
    _set_settle_tool_call_result,
    _set_settle_tool_call_basis,
    _set_settle_tool_call_evidence,
) = setters(SettleToolCall)
(
    _set_signal_run_name,
    _set_signal_run_signal_id,
    _set_signal_run_payload,
) = setters(SignalRun)
(
    _set_start_run_workflow,
    _set_start_run_workflow_version,
    _set_start_run_input,
    _set_start_run_body_sha256,
    _set_start_run_priority,
    _set_start_run_search_attributes,
    _set_start_run_retry_of,
    _set_start_run_requesters_before,
) = setters(StartRun)
(
    _set_start_tool_call_call_id,
    _set_start_tool_call_attempt,
    _set_start_tool_call_lease_id,
    _set_start_tool_call_worker,
) = setters(StartToolCall)
(
    _set_approval_delegated_approval_id,
    _set_approval_delegated_delegated_by,
    _set_approval_delegated_delegate,
    _set_approval_delegated_reason,
) = setters(ApprovalDelegated)
(
    _set_approval_escalated_approval_id,
    _set_approval_escalated_from_role,
    _set_approval_escalated_role,
    _set_approval_escalated_escalated_by,
    _set_approval_escalated_by_time,
    _set_approval_escalated_reason,
    _set_approval_escalated_votes_dropped,
) = setters(ApprovalEscalated)
(_set_approval_expired_approval_id,) = setters(ApprovalExpired)
(
    _set_approval_granted_approval_id,
    _set_approval_granted_grant_id,
    _set_approval_granted_tool,
    _set_approval_granted_tool_version,
    _set_approval_granted_args_sha256,
    _set_approval_granted_granted_by,
    _set_approval_granted_rule,
    _set_approval_granted_rule_version,
    _set_approval_granted_expires_at_ms,
    _set_approval_granted_role,
    _set_approval_granted_quorum,
    _set_approval_granted_delegated_by,
) = setters(ApprovalGranted)
(
    _set_approval_refused_approval_id,
    _set_approval_refused_refused_by,
    _set_approval_refused_reason,
    _set_approval_refused_delegated_by,
) = setters(ApprovalRefused)
(
    _set_approval_requested_approval_id,
    _set_approval_requested_step,
    _set_approval_requested_tool,
    _set_approval_requested_tool_version,
    _set_approval_requested_arguments,
    _set_approval_requested_role,
    _set_approval_requested_quorum,
    _set_approval_requested_expires_at_ms,
    _set_approval_requested_rule_version,
    _set_approval_requested_escalate_to,
    _set_approval_requested_escalate_at_ms,
) = setters(ApprovalRequested)
(
    _set_feedback_given_call_id,
    _set_feedback_given_about_seq,
    _set_feedback_given_score_thousandths,
    _set_feedback_given_label,
    _set_feedback_given_tags,
    _set_feedback_given_comment,
) = setters(FeedbackGiven)
(
    _set_late_answer_call_id,
    _set_late_answer_attempt,
    _set_late_answer_input_type,
    _set_late_answer_detail,
) = setters(LateAnswer)
(_set_run_cancelled_reason,) = setters(RunCancelled)
(_set_run_completed_result,) = setters(RunCompleted)
(
    _set_run_continued_continued_by,
    _set_run_continued_reason,
) = setters(RunContinued)
(
    _set_run_ending_outcome,
    _set_run_ending_reason,
    _set_run_ending_detail,
) = setters(RunEnding)
(_set_run_failed_error,) = setters(RunFailed)
(
    _set_run_migrated_from_version,
    _set_run_migrated_to_version,
    _set_run_migrated_code_hash,
    _set_run_migrated_max_steps,
    _set_run_migrated_migrated_by,
    _set_run_migrated_reason,
) = setters(RunMigrated)
(
    _set_run_paused_paused_by,
    _set_run_paused_reason,
) = setters(RunPaused)
(_set_run_resumed_code_hash,) = setters(RunResumed)
(
    _set_run_stalled_kind,
    _set_run_stalled_detail,
    _set_run_stalled_code_hash,
) = setters(RunStalled)
(
    _set_run_started_workflow,
    _set_run_started_workflow_version,
    _set_run_started_input,
    _set_run_started_body_sha256,
    _set_run_started_requester,
    _set_run_started_requester_roles,
    _set_run_started_deadline_ms,
    _set_run_started_max_steps,
    _set_run_started_code_hash,
    _set_run_started_priority,
    _set_run_started_search_attributes,
    _set_run_started_retry_of,
    _set_run_started_requesters_before,
) = setters(RunStarted)
(
    _set_signal_received_name,
    _set_signal_received_signal_id,
    _set_signal_received_payload,
) = setters(SignalReceived)
(
    _set_timer_armed_timer_id,
    _set_timer_armed_step,
    _set_timer_armed_purpose,
    _set_timer_armed_due_ms,
) = setters(TimerArmed)
(_set_timer_fired_timer_id,) = setters(TimerFired)
(
    _set_timer_rearmed_timer_id,
    _set_timer_rearmed_due_ms,
) = setters(TimerRearmed)
(
    _set_tool_call_completed_call_id,
    _set_tool_call_completed_attempt,
    _set_tool_call_completed_result,
    _set_tool_call_completed_duration_ms,
    _set_tool_call_completed_settled_by,
) = setters(ToolCallCompleted)
(
    _set_tool_call_deferred_call_id,
    _set_tool_call_deferred_attempt,
    _set_tool_call_deferred_lease_id,
    _set_tool_call_deferred_expires_at_ms,
) = setters(ToolCallDeferred)
(
    _set_tool_call_failed_call_id,
    _set_tool_call_failed_attempt,
    _set_tool_call_failed_error,
    _set_tool_call_failed_final,
    _set_tool_call_failed_duration_ms,
    _set_tool_call_failed_settled_by,
) = setters(ToolCallFailed)
(
    _set_tool_call_held_call_id,
    _set_tool_call_held_attempt,
    _set_tool_call_held_began,
) = setters(ToolCallHeld)
(
    _set_tool_call_in_doubt_call_id,
    _set_tool_call_in_doubt_attempt,
    _set_tool_call_in_doubt_lease_id,
    _set_tool_call_in_doubt_reason,
) = setters(ToolCallInDoubt)
(
    _set_tool_call_refused_call_id,
    _set_tool_call_refused_step,
    _set_tool_call_refused_tool,
    _set_tool_call_refused_tool_version,
    _set_tool_call_refused_args_sha256,
    _set_tool_call_refused_reason,
    _set_tool_call_refused_detail,
) = setters(ToolCallRefused)
(
    _set_tool_call_requested_call_id,
    _set_tool_call_requested_step,
    _set_tool_call_requested_attempt,
    _set_tool_call_requested_tool,
    _set_tool_call_requested_tool_version,
    _set_tool_call_requested_effect,
    _set_tool_call_requested_arguments,
    _set_tool_call_requested_grant_id,
    _set_tool_call_requested_timeout_ms,
    _set_tool_call_requested_not_before_ms,
    _set_tool_call_requested_priority,
) = setters(ToolCallRequested)
(
    _set_tool_call_started_call_id,
    _set_tool_call_started_attempt,
    _set_tool_call_started_lease_id,
    _set_tool_call_started_worker,
) = setters(ToolCallStarted)
(
    _set_vote_counted_approval_id,
    _set_vote_counted_voter,
    _set_vote_counted_votes,
    _set_vote_counted_quorum,
    _set_vote_counted_reason,
    _set_vote_counted_delegated_by,
) = setters(VoteCounted)
(
    _set_vote_refused_approval_id,
    _set_vote_refused_voter,
    _set_vote_refused_reason,
    _set_vote_refused_detail,
) = setters(VoteRefused)


def read_cancel_run(value: bytes, at: int) -> tuple[CancelRun, int]:
    """The CancelRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(CancelRun)
    _set_cancel_run_reason(made, reason_)
    return made, at


def write_cancel_run(record: CancelRun) -> bytes:
    """The CancelRun in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_cast_vote(value: bytes, at: int) -> tuple[CastVote, int]:
    """The CastVote whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    decision_ = _vote_decision_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    args_sha256_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{args_sha256_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(CastVote)
    _set_cast_vote_approval_id(made, approval_id_)
    _set_cast_vote_decision(made, decision_)
    _set_cast_vote_args_sha256(made, args_sha256_)
    _set_cast_vote_reason(made, reason_)
    return made, at


def write_cast_vote(record: CastVote) -> bytes:
    """The CastVote in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            _vote_decision_bytes[record.decision],
            write_text(record.args_sha256),
            write_text(record.reason),
        )
    )


def read_complete_tool_call(value: bytes, at: int) -> tuple[CompleteToolCall, int]:
    """The CompleteToolCall whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    result_, at = read_payload(value, at)
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    duration_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{call_id_}{lease_id_}":
        raise Malformed("text with U+0000")
    made = _new(CompleteToolCall)
    _set_complete_tool_call_call_id(made, call_id_)
    _set_complete_tool_call_attempt(made, attempt_)
    _set_complete_tool_call_lease_id(made, lease_id_)
    _set_complete_tool_call_result(made, result_)
    _set_complete_tool_call_duration_ms(made, duration_ms_)
    return made, at


def write_complete_tool_call(record: CompleteToolCall) -> bytes:
    """The CompleteToolCall in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_payload(record.result),
            write_long(record.duration_ms),
        )
    )


def read_continue_run(value: bytes, at: int) -> tuple[ContinueRun, int]:
    """The ContinueRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ContinueRun)
    _set_continue_run_reason(made, reason_)
    return made, at


def write_continue_run(record: ContinueRun) -> bytes:
    """The ContinueRun in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_defer_tool_call(value: bytes, at: int) -> tuple[DeferToolCall, int]:
    """The DeferToolCall whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    expires_at_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{call_id_}{lease_id_}":
        raise Malformed("text with U+0000")
    made = _new(DeferToolCall)
    _set_defer_tool_call_call_id(made, call_id_)
    _set_defer_tool_call_attempt(made, attempt_)
    _set_defer_tool_call_lease_id(made, lease_id_)
    _set_defer_tool_call_expires_at_ms(made, expires_at_ms_)
    return made, at


def write_defer_tool_call(record: DeferToolCall) -> bytes:
    """The DeferToolCall in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_long(record.expires_at_ms),
        )
    )


def read_delegate_approval(value: bytes, at: int) -> tuple[DelegateApproval, int]:
    """The DelegateApproval whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    delegate_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{delegate_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(DelegateApproval)
    _set_delegate_approval_approval_id(made, approval_id_)
    _set_delegate_approval_delegate(made, delegate_)
    _set_delegate_approval_reason(made, reason_)
    return made, at


def write_delegate_approval(record: DelegateApproval) -> bytes:
    """The DelegateApproval in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.delegate),
            write_text(record.reason),
        )
    )


def read_escalate_approval(value: bytes, at: int) -> tuple[EscalateApproval, int]:
    """The EscalateApproval whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(EscalateApproval)
    _set_escalate_approval_approval_id(made, approval_id_)
    _set_escalate_approval_reason(made, reason_)
    return made, at


def write_escalate_approval(record: EscalateApproval) -> bytes:
    """The EscalateApproval in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.reason),
        )
    )


def read_fail_tool_call(value: bytes, at: int) -> tuple[FailToolCall, int]:
    """The FailToolCall whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    error_, at = read_failure(value, at)
    not_done_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    duration_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{call_id_}{lease_id_}":
        raise Malformed("text with U+0000")
    made = _new(FailToolCall)
    _set_fail_tool_call_call_id(made, call_id_)
    _set_fail_tool_call_attempt(made, attempt_)
    _set_fail_tool_call_lease_id(made, lease_id_)
    _set_fail_tool_call_error(made, error_)
    _set_fail_tool_call_not_done(made, not_done_)
    _set_fail_tool_call_duration_ms(made, duration_ms_)
    return made, at


def write_fail_tool_call(record: FailToolCall) -> bytes:
    """The FailToolCall in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_failure(record.error),
            b"\1" if record.not_done else b"\0",
            write_long(record.duration_ms),
        )
    )


def read_fire_timer(value: bytes, at: int) -> tuple[FireTimer, int]:
    """The FireTimer whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    timer_id_ = value[start:at].decode()
    if "\0" in f"{timer_id_}":
        raise Malformed("text with U+0000")
    made = _new(FireTimer)
    _set_fire_timer_timer_id(made, timer_id_)
    return made, at


def write_fire_timer(record: FireTimer) -> bytes:
    """The FireTimer in Avro's binary form, without meta."""
    return write_text(record.timer_id)


def read_give_feedback(value: bytes, at: int) -> tuple[GiveFeedback, int]:
    """The GiveFeedback whose meta ends at that position, and the position behind it."""
    call_id_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        call_id_ = value[start:at].decode()
        if "\0" in call_id_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    about_seq_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        about_seq_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    score_thousandths_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        score_thousandths_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    label_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        label_ = value[start:at].decode()
        if "\0" in label_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    tags_, at = read_array(value, at, read_text)
    comment_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        comment_, at = read_payload(value, at)
    elif branch:
        raise Malformed("a branch that the union has not")
    made = _new(GiveFeedback)
    _set_give_feedback_call_id(made, call_id_)
    _set_give_feedback_about_seq(made, about_seq_)
    _set_give_feedback_score_thousandths(made, score_thousandths_)
    _set_give_feedback_label(made, label_)
    _set_give_feedback_tags(made, tags_)
    _set_give_feedback_comment(made, comment_)
    return made, at


def write_give_feedback(record: GiveFeedback) -> bytes:
    """The GiveFeedback in Avro's binary form, without meta."""
    return b"".join(
        (
            b"\0" if record.call_id is None else b"\2" + (write_text(record.call_id)),
            b"\0" if record.about_seq is None else b"\2" + (write_int(record.about_seq)),
            b"\0" if record.score_thousandths is None else b"\2" + (write_int(record.score_thousandths)),
            b"\0" if record.label is None else b"\2" + (write_text(record.label)),
            write_array(record.tags, write_text),
            b"\0" if record.comment is None else b"\2" + (write_payload(record.comment)),
        )
    )


def read_migrate_run(value: bytes, at: int) -> tuple[MigrateRun, int]:
    """The MigrateRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    to_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    trial_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(MigrateRun)
    _set_migrate_run_to_version(made, to_version_)
    _set_migrate_run_reason(made, reason_)
    _set_migrate_run_trial(made, trial_)
    return made, at


def write_migrate_run(record: MigrateRun) -> bytes:
    """The MigrateRun in Avro's binary form, without meta."""
    return b"".join(
        (
            write_int(record.to_version),
            write_text(record.reason),
            b"\1" if record.trial else b"\0",
        )
    )


def read_pause_run(value: bytes, at: int) -> tuple[PauseRun, int]:
    """The PauseRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(PauseRun)
    _set_pause_run_reason(made, reason_)
    return made, at


def write_pause_run(record: PauseRun) -> bytes:
    """The PauseRun in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_report_lost_lease(value: bytes, at: int) -> tuple[ReportLostLease, int]:
    """The ReportLostLease whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    if "\0" in f"{call_id_}{lease_id_}":
        raise Malformed("text with U+0000")
    made = _new(ReportLostLease)
    _set_report_lost_lease_call_id(made, call_id_)
    _set_report_lost_lease_attempt(made, attempt_)
    _set_report_lost_lease_lease_id(made, lease_id_)
    return made, at


def write_report_lost_lease(record: ReportLostLease) -> bytes:
    """The ReportLostLease in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
        )
    )


def read_resume_run(value: bytes, at: int) -> tuple[ResumeRun, int]:
    """The ResumeRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    code_hash_ = value[start:at].decode()
    if "\0" in f"{code_hash_}":
        raise Malformed("text with U+0000")
    made = _new(ResumeRun)
    _set_resume_run_code_hash(made, code_hash_)
    return made, at


def write_resume_run(record: ResumeRun) -> bytes:
    """The ResumeRun in Avro's binary form, without meta."""
    return write_text(record.code_hash)


def read_settle_tool_call(value: bytes, at: int) -> tuple[SettleToolCall, int]:
    """The SettleToolCall whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    happened_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    result_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        result_, at = read_payload(value, at)
    elif branch:
        raise Malformed("a branch that the union has not")
    basis_ = _settle_basis_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    evidence_ = value[start:at].decode()
    if "\0" in f"{call_id_}{evidence_}":
        raise Malformed("text with U+0000")
    made = _new(SettleToolCall)
    _set_settle_tool_call_call_id(made, call_id_)
    _set_settle_tool_call_attempt(made, attempt_)
    _set_settle_tool_call_happened(made, happened_)
    _set_settle_tool_call_result(made, result_)
    _set_settle_tool_call_basis(made, basis_)
    _set_settle_tool_call_evidence(made, evidence_)
    return made, at


def write_settle_tool_call(record: SettleToolCall) -> bytes:
    """The SettleToolCall in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            b"\1" if record.happened else b"\0",
            b"\0" if record.result is None else b"\2" + (write_payload(record.result)),
            _settle_basis_bytes[record.basis],
            write_text(record.evidence),
        )
    )


def read_signal_run(value: bytes, at: int) -> tuple[SignalRun, int]:
    """The SignalRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    name_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    signal_id_ = value[start:at].decode()
    payload_, at = read_payload(value, at)
    if "\0" in f"{name_}{signal_id_}":
        raise Malformed("text with U+0000")
    made = _new(SignalRun)
    _set_signal_run_name(made, name_)
    _set_signal_run_signal_id(made, signal_id_)
    _set_signal_run_payload(made, payload_)
    return made, at


def write_signal_run(record: SignalRun) -> bytes:
    """The SignalRun in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.name),
            write_text(record.signal_id),
            write_payload(record.payload),
        )
    )


def read_start_run(value: bytes, at: int) -> tuple[StartRun, int]:
    """The StartRun whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    workflow_ = value[start:at].decode()
    workflow_version_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        workflow_version_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    input_, at = read_payload(value, at)
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    body_sha256_ = value[start:at].decode()
    priority_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        priority_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    search_attributes_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        search_attributes_ = value[start:at].decode()
        if "\0" in search_attributes_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    retry_of_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        retry_of_ = value[start:at].decode()
        if "\0" in retry_of_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    requesters_before_, at = read_array(value, at, read_text)
    if "\0" in f"{workflow_}{body_sha256_}":
        raise Malformed("text with U+0000")
    made = _new(StartRun)
    _set_start_run_workflow(made, workflow_)
    _set_start_run_workflow_version(made, workflow_version_)
    _set_start_run_input(made, input_)
    _set_start_run_body_sha256(made, body_sha256_)
    _set_start_run_priority(made, priority_)
    _set_start_run_search_attributes(made, search_attributes_)
    _set_start_run_retry_of(made, retry_of_)
    _set_start_run_requesters_before(made, requesters_before_)
    return made, at


def write_start_run(record: StartRun) -> bytes:
    """The StartRun in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.workflow),
            b"\0" if record.workflow_version is None else b"\2" + (write_int(record.workflow_version)),
            write_payload(record.input),
            write_text(record.body_sha256),
            b"\0" if record.priority is None else b"\2" + (write_int(record.priority)),
            b"\0" if record.search_attributes is None else b"\2" + (write_text(record.search_attributes)),
            b"\0" if record.retry_of is None else b"\2" + (write_text(record.retry_of)),
            write_array(record.requesters_before, write_text),
        )
    )


def read_start_tool_call(value: bytes, at: int) -> tuple[StartToolCall, int]:
    """The StartToolCall whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    worker_ = value[start:at].decode()
    if "\0" in f"{call_id_}{lease_id_}{worker_}":
        raise Malformed("text with U+0000")
    made = _new(StartToolCall)
    _set_start_tool_call_call_id(made, call_id_)
    _set_start_tool_call_attempt(made, attempt_)
    _set_start_tool_call_lease_id(made, lease_id_)
    _set_start_tool_call_worker(made, worker_)
    return made, at


def write_start_tool_call(record: StartToolCall) -> bytes:
    """The StartToolCall in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_text(record.worker),
        )
    )


def read_approval_delegated(value: bytes, at: int) -> tuple[ApprovalDelegated, int]:
    """The ApprovalDelegated whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    delegated_by_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    delegate_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{delegated_by_}{delegate_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ApprovalDelegated)
    _set_approval_delegated_approval_id(made, approval_id_)
    _set_approval_delegated_delegated_by(made, delegated_by_)
    _set_approval_delegated_delegate(made, delegate_)
    _set_approval_delegated_reason(made, reason_)
    return made, at


def write_approval_delegated(record: ApprovalDelegated) -> bytes:
    """The ApprovalDelegated in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.delegated_by),
            write_text(record.delegate),
            write_text(record.reason),
        )
    )


def read_approval_escalated(value: bytes, at: int) -> tuple[ApprovalEscalated, int]:
    """The ApprovalEscalated whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    from_role_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    role_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    escalated_by_ = value[start:at].decode()
    by_time_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    votes_dropped_, at = read_array(value, at, read_text)
    if "\0" in f"{approval_id_}{from_role_}{role_}{escalated_by_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ApprovalEscalated)
    _set_approval_escalated_approval_id(made, approval_id_)
    _set_approval_escalated_from_role(made, from_role_)
    _set_approval_escalated_role(made, role_)
    _set_approval_escalated_escalated_by(made, escalated_by_)
    _set_approval_escalated_by_time(made, by_time_)
    _set_approval_escalated_reason(made, reason_)
    _set_approval_escalated_votes_dropped(made, votes_dropped_)
    return made, at


def write_approval_escalated(record: ApprovalEscalated) -> bytes:
    """The ApprovalEscalated in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.from_role),
            write_text(record.role),
            write_text(record.escalated_by),
            b"\1" if record.by_time else b"\0",
            write_text(record.reason),
            write_array(record.votes_dropped, write_text),
        )
    )


def read_approval_expired(value: bytes, at: int) -> tuple[ApprovalExpired, int]:
    """The ApprovalExpired whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    if "\0" in f"{approval_id_}":
        raise Malformed("text with U+0000")
    made = _new(ApprovalExpired)
    _set_approval_expired_approval_id(made, approval_id_)
    return made, at


def write_approval_expired(record: ApprovalExpired) -> bytes:
    """The ApprovalExpired in Avro's binary form, without meta."""
    return write_text(record.approval_id)


def read_approval_granted(value: bytes, at: int) -> tuple[ApprovalGranted, int]:
    """The ApprovalGranted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    grant_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    tool_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    tool_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    args_sha256_ = value[start:at].decode()
    granted_by_, at = read_array(value, at, read_text)
    rule_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        rule_ = value[start:at].decode()
        if "\0" in rule_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    rule_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    expires_at_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    role_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    quorum_ = raw >> 1 ^ -(raw & 1)
    at += 1
    delegated_by_, at = read_array(value, at, read_text)
    if "\0" in f"{approval_id_}{grant_id_}{tool_}{args_sha256_}{role_}":
        raise Malformed("text with U+0000")
    made = _new(ApprovalGranted)
    _set_approval_granted_approval_id(made, approval_id_)
    _set_approval_granted_grant_id(made, grant_id_)
    _set_approval_granted_tool(made, tool_)
    _set_approval_granted_tool_version(made, tool_version_)
    _set_approval_granted_args_sha256(made, args_sha256_)
    _set_approval_granted_granted_by(made, granted_by_)
    _set_approval_granted_rule(made, rule_)
    _set_approval_granted_rule_version(made, rule_version_)
    _set_approval_granted_expires_at_ms(made, expires_at_ms_)
    _set_approval_granted_role(made, role_)
    _set_approval_granted_quorum(made, quorum_)
    _set_approval_granted_delegated_by(made, delegated_by_)
    return made, at


def write_approval_granted(record: ApprovalGranted) -> bytes:
    """The ApprovalGranted in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.grant_id),
            write_text(record.tool),
            write_int(record.tool_version),
            write_text(record.args_sha256),
            write_array(record.granted_by, write_text),
            b"\0" if record.rule is None else b"\2" + (write_text(record.rule)),
            write_int(record.rule_version),
            write_long(record.expires_at_ms),
            write_text(record.role),
            write_int(record.quorum),
            write_array(record.delegated_by, write_text),
        )
    )


def read_approval_refused(value: bytes, at: int) -> tuple[ApprovalRefused, int]:
    """The ApprovalRefused whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    refused_by_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    delegated_by_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{refused_by_}{reason_}{delegated_by_}":
        raise Malformed("text with U+0000")
    made = _new(ApprovalRefused)
    _set_approval_refused_approval_id(made, approval_id_)
    _set_approval_refused_refused_by(made, refused_by_)
    _set_approval_refused_reason(made, reason_)
    _set_approval_refused_delegated_by(made, delegated_by_)
    return made, at


def write_approval_refused(record: ApprovalRefused) -> bytes:
    """The ApprovalRefused in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.refused_by),
            write_text(record.reason),
            write_text(record.delegated_by),
        )
    )


def read_approval_requested(value: bytes, at: int) -> tuple[ApprovalRequested, int]:
    """The ApprovalRequested whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    step_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    tool_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    tool_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    arguments_, at = read_payload(value, at)
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    role_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    quorum_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    expires_at_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    rule_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    escalate_to_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        escalate_to_ = value[start:at].decode()
        if "\0" in escalate_to_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    escalate_at_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        escalate_at_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{approval_id_}{tool_}{role_}":
        raise Malformed("text with U+0000")
    made = _new(ApprovalRequested)
    _set_approval_requested_approval_id(made, approval_id_)
    _set_approval_requested_step(made, step_)
    _set_approval_requested_tool(made, tool_)
    _set_approval_requested_tool_version(made, tool_version_)
    _set_approval_requested_arguments(made, arguments_)
    _set_approval_requested_role(made, role_)
    _set_approval_requested_quorum(made, quorum_)
    _set_approval_requested_expires_at_ms(made, expires_at_ms_)
    _set_approval_requested_rule_version(made, rule_version_)
    _set_approval_requested_escalate_to(made, escalate_to_)
    _set_approval_requested_escalate_at_ms(made, escalate_at_ms_)
    return made, at


def write_approval_requested(record: ApprovalRequested) -> bytes:
    """The ApprovalRequested in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_int(record.step),
            write_text(record.tool),
            write_int(record.tool_version),
            write_payload(record.arguments),
            write_text(record.role),
            write_int(record.quorum),
            write_long(record.expires_at_ms),
            write_int(record.rule_version),
            b"\0" if record.escalate_to is None else b"\2" + (write_text(record.escalate_to)),
            b"\0" if record.escalate_at_ms is None else b"\2" + (write_long(record.escalate_at_ms)),
        )
    )


def read_feedback_given(value: bytes, at: int) -> tuple[FeedbackGiven, int]:
    """The FeedbackGiven whose meta ends at that position, and the position behind it."""
    call_id_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        call_id_ = value[start:at].decode()
        if "\0" in call_id_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    about_seq_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        about_seq_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    score_thousandths_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        score_thousandths_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    label_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        label_ = value[start:at].decode()
        if "\0" in label_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    tags_, at = read_array(value, at, read_text)
    comment_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        comment_, at = read_payload(value, at)
    elif branch:
        raise Malformed("a branch that the union has not")
    made = _new(FeedbackGiven)
    _set_feedback_given_call_id(made, call_id_)
    _set_feedback_given_about_seq(made, about_seq_)
    _set_feedback_given_score_thousandths(made, score_thousandths_)
    _set_feedback_given_label(made, label_)
    _set_feedback_given_tags(made, tags_)
    _set_feedback_given_comment(made, comment_)
    return made, at


def write_feedback_given(record: FeedbackGiven) -> bytes:
    """The FeedbackGiven in Avro's binary form, without meta."""
    return b"".join(
        (
            b"\0" if record.call_id is None else b"\2" + (write_text(record.call_id)),
            b"\0" if record.about_seq is None else b"\2" + (write_int(record.about_seq)),
            b"\0" if record.score_thousandths is None else b"\2" + (write_int(record.score_thousandths)),
            b"\0" if record.label is None else b"\2" + (write_text(record.label)),
            write_array(record.tags, write_text),
            b"\0" if record.comment is None else b"\2" + (write_payload(record.comment)),
        )
    )


def read_late_answer(value: bytes, at: int) -> tuple[LateAnswer, int]:
    """The LateAnswer whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_type_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    detail_ = value[start:at].decode()
    if "\0" in f"{call_id_}{input_type_}{detail_}":
        raise Malformed("text with U+0000")
    made = _new(LateAnswer)
    _set_late_answer_call_id(made, call_id_)
    _set_late_answer_attempt(made, attempt_)
    _set_late_answer_input_type(made, input_type_)
    _set_late_answer_detail(made, detail_)
    return made, at


def write_late_answer(record: LateAnswer) -> bytes:
    """The LateAnswer in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.input_type),
            write_text(record.detail),
        )
    )


def read_run_cancelled(value: bytes, at: int) -> tuple[RunCancelled, int]:
    """The RunCancelled whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(RunCancelled)
    _set_run_cancelled_reason(made, reason_)
    return made, at


def write_run_cancelled(record: RunCancelled) -> bytes:
    """The RunCancelled in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_run_completed(value: bytes, at: int) -> tuple[RunCompleted, int]:
    """The RunCompleted whose meta ends at that position, and the position behind it."""
    result_, at = read_payload(value, at)
    made = _new(RunCompleted)
    _set_run_completed_result(made, result_)
    return made, at


def write_run_completed(record: RunCompleted) -> bytes:
    """The RunCompleted in Avro's binary form, without meta."""
    return write_payload(record.result)


def read_run_continued(value: bytes, at: int) -> tuple[RunContinued, int]:
    """The RunContinued whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    continued_by_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{continued_by_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(RunContinued)
    _set_run_continued_continued_by(made, continued_by_)
    _set_run_continued_reason(made, reason_)
    return made, at


def write_run_continued(record: RunContinued) -> bytes:
    """The RunContinued in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.continued_by),
            write_text(record.reason),
        )
    )


def read_run_ending(value: bytes, at: int) -> tuple[RunEnding, int]:
    """The RunEnding whose meta ends at that position, and the position behind it."""
    outcome_ = _end_outcome_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    detail_ = value[start:at].decode()
    if "\0" in f"{reason_}{detail_}":
        raise Malformed("text with U+0000")
    made = _new(RunEnding)
    _set_run_ending_outcome(made, outcome_)
    _set_run_ending_reason(made, reason_)
    _set_run_ending_detail(made, detail_)
    return made, at


def write_run_ending(record: RunEnding) -> bytes:
    """The RunEnding in Avro's binary form, without meta."""
    return b"".join(
        (
            _end_outcome_bytes[record.outcome],
            write_text(record.reason),
            write_text(record.detail),
        )
    )


def read_run_failed(value: bytes, at: int) -> tuple[RunFailed, int]:
    """The RunFailed whose meta ends at that position, and the position behind it."""
    error_, at = read_failure(value, at)
    made = _new(RunFailed)
    _set_run_failed_error(made, error_)
    return made, at


def write_run_failed(record: RunFailed) -> bytes:
    """The RunFailed in Avro's binary form, without meta."""
    return write_failure(record.error)


def read_run_migrated(value: bytes, at: int) -> tuple[RunMigrated, int]:
    """The RunMigrated whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    from_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    to_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    code_hash_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    max_steps_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    migrated_by_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{code_hash_}{migrated_by_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(RunMigrated)
    _set_run_migrated_from_version(made, from_version_)
    _set_run_migrated_to_version(made, to_version_)
    _set_run_migrated_code_hash(made, code_hash_)
    _set_run_migrated_max_steps(made, max_steps_)
    _set_run_migrated_migrated_by(made, migrated_by_)
    _set_run_migrated_reason(made, reason_)
    return made, at


def write_run_migrated(record: RunMigrated) -> bytes:
    """The RunMigrated in Avro's binary form, without meta."""
    return b"".join(
        (
            write_int(record.from_version),
            write_int(record.to_version),
            write_text(record.code_hash),
            write_int(record.max_steps),
            write_text(record.migrated_by),
            write_text(record.reason),
        )
    )


def read_run_paused(value: bytes, at: int) -> tuple[RunPaused, int]:
    """The RunPaused whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    paused_by_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{paused_by_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(RunPaused)
    _set_run_paused_paused_by(made, paused_by_)
    _set_run_paused_reason(made, reason_)
    return made, at


def write_run_paused(record: RunPaused) -> bytes:
    """The RunPaused in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.paused_by),
            write_text(record.reason),
        )
    )


def read_run_resumed(value: bytes, at: int) -> tuple[RunResumed, int]:
    """The RunResumed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    code_hash_ = value[start:at].decode()
    if "\0" in f"{code_hash_}":
        raise Malformed("text with U+0000")
    made = _new(RunResumed)
    _set_run_resumed_code_hash(made, code_hash_)
    return made, at


def write_run_resumed(record: RunResumed) -> bytes:
    """The RunResumed in Avro's binary form, without meta."""
    return write_text(record.code_hash)


def read_run_stalled(value: bytes, at: int) -> tuple[RunStalled, int]:
    """The RunStalled whose meta ends at that position, and the position behind it."""
    kind_ = _stall_kind_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    detail_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    code_hash_ = value[start:at].decode()
    if "\0" in f"{detail_}{code_hash_}":
        raise Malformed("text with U+0000")
    made = _new(RunStalled)
    _set_run_stalled_kind(made, kind_)
    _set_run_stalled_detail(made, detail_)
    _set_run_stalled_code_hash(made, code_hash_)
    return made, at


def write_run_stalled(record: RunStalled) -> bytes:
    """The RunStalled in Avro's binary form, without meta."""
    return b"".join(
        (
            _stall_kind_bytes[record.kind],
            write_text(record.detail),
            write_text(record.code_hash),
        )
    )


def read_run_started(value: bytes, at: int) -> tuple[RunStarted, int]:
    """The RunStarted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    workflow_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    workflow_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    input_, at = read_payload(value, at)
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    body_sha256_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    requester_ = value[start:at].decode()
    requester_roles_, at = read_array(value, at, read_text)
    deadline_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        deadline_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    max_steps_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    code_hash_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    priority_ = raw >> 1 ^ -(raw & 1)
    at += 1
    search_attributes_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        search_attributes_ = value[start:at].decode()
        if "\0" in search_attributes_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    retry_of_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        retry_of_ = value[start:at].decode()
        if "\0" in retry_of_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    requesters_before_, at = read_array(value, at, read_text)
    if "\0" in f"{workflow_}{body_sha256_}{requester_}{code_hash_}":
        raise Malformed("text with U+0000")
    made = _new(RunStarted)
    _set_run_started_workflow(made, workflow_)
    _set_run_started_workflow_version(made, workflow_version_)
    _set_run_started_input(made, input_)
    _set_run_started_body_sha256(made, body_sha256_)
    _set_run_started_requester(made, requester_)
    _set_run_started_requester_roles(made, requester_roles_)
    _set_run_started_deadline_ms(made, deadline_ms_)
    _set_run_started_max_steps(made, max_steps_)
    _set_run_started_code_hash(made, code_hash_)
    _set_run_started_priority(made, priority_)
    _set_run_started_search_attributes(made, search_attributes_)
    _set_run_started_retry_of(made, retry_of_)
    _set_run_started_requesters_before(made, requesters_before_)
    return made, at


def write_run_started(record: RunStarted) -> bytes:
    """The RunStarted in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.workflow),
            write_int(record.workflow_version),
            write_payload(record.input),
            write_text(record.body_sha256),
            write_text(record.requester),
            write_array(record.requester_roles, write_text),
            b"\0" if record.deadline_ms is None else b"\2" + (write_long(record.deadline_ms)),
            write_int(record.max_steps),
            write_text(record.code_hash),
            write_int(record.priority),
            b"\0" if record.search_attributes is None else b"\2" + (write_text(record.search_attributes)),
            b"\0" if record.retry_of is None else b"\2" + (write_text(record.retry_of)),
            write_array(record.requesters_before, write_text),
        )
    )


def read_signal_received(value: bytes, at: int) -> tuple[SignalReceived, int]:
    """The SignalReceived whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    name_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    signal_id_ = value[start:at].decode()
    payload_, at = read_payload(value, at)
    if "\0" in f"{name_}{signal_id_}":
        raise Malformed("text with U+0000")
    made = _new(SignalReceived)
    _set_signal_received_name(made, name_)
    _set_signal_received_signal_id(made, signal_id_)
    _set_signal_received_payload(made, payload_)
    return made, at


def write_signal_received(record: SignalReceived) -> bytes:
    """The SignalReceived in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.name),
            write_text(record.signal_id),
            write_payload(record.payload),
        )
    )


def read_timer_armed(value: bytes, at: int) -> tuple[TimerArmed, int]:
    """The TimerArmed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    timer_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    step_ = raw >> 1 ^ -(raw & 1)
    at += 1
    purpose_ = _timer_purpose_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    due_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{timer_id_}":
        raise Malformed("text with U+0000")
    made = _new(TimerArmed)
    _set_timer_armed_timer_id(made, timer_id_)
    _set_timer_armed_step(made, step_)
    _set_timer_armed_purpose(made, purpose_)
    _set_timer_armed_due_ms(made, due_ms_)
    return made, at


def write_timer_armed(record: TimerArmed) -> bytes:
    """The TimerArmed in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.timer_id),
            write_int(record.step),
            _timer_purpose_bytes[record.purpose],
            write_long(record.due_ms),
        )
    )


def read_timer_fired(value: bytes, at: int) -> tuple[TimerFired, int]:
    """The TimerFired whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    timer_id_ = value[start:at].decode()
    if "\0" in f"{timer_id_}":
        raise Malformed("text with U+0000")
    made = _new(TimerFired)
    _set_timer_fired_timer_id(made, timer_id_)
    return made, at


def write_timer_fired(record: TimerFired) -> bytes:
    """The TimerFired in Avro's binary form, without meta."""
    return write_text(record.timer_id)


def read_timer_rearmed(value: bytes, at: int) -> tuple[TimerRearmed, int]:
    """The TimerRearmed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    timer_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    due_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{timer_id_}":
        raise Malformed("text with U+0000")
    made = _new(TimerRearmed)
    _set_timer_rearmed_timer_id(made, timer_id_)
    _set_timer_rearmed_due_ms(made, due_ms_)
    return made, at


def write_timer_rearmed(record: TimerRearmed) -> bytes:
    """The TimerRearmed in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.timer_id),
            write_long(record.due_ms),
        )
    )


def read_tool_call_completed(value: bytes, at: int) -> tuple[ToolCallCompleted, int]:
    """The ToolCallCompleted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    result_, at = read_payload(value, at)
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    duration_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    settled_by_ = value[start:at].decode()
    if "\0" in f"{call_id_}{settled_by_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallCompleted)
    _set_tool_call_completed_call_id(made, call_id_)
    _set_tool_call_completed_attempt(made, attempt_)
    _set_tool_call_completed_result(made, result_)
    _set_tool_call_completed_duration_ms(made, duration_ms_)
    _set_tool_call_completed_settled_by(made, settled_by_)
    return made, at


def write_tool_call_completed(record: ToolCallCompleted) -> bytes:
    """The ToolCallCompleted in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_payload(record.result),
            write_long(record.duration_ms),
            write_text(record.settled_by),
        )
    )


def read_tool_call_deferred(value: bytes, at: int) -> tuple[ToolCallDeferred, int]:
    """The ToolCallDeferred whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    expires_at_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{call_id_}{lease_id_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallDeferred)
    _set_tool_call_deferred_call_id(made, call_id_)
    _set_tool_call_deferred_attempt(made, attempt_)
    _set_tool_call_deferred_lease_id(made, lease_id_)
    _set_tool_call_deferred_expires_at_ms(made, expires_at_ms_)
    return made, at


def write_tool_call_deferred(record: ToolCallDeferred) -> bytes:
    """The ToolCallDeferred in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_long(record.expires_at_ms),
        )
    )


def read_tool_call_failed(value: bytes, at: int) -> tuple[ToolCallFailed, int]:
    """The ToolCallFailed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    error_, at = read_failure(value, at)
    final_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    duration_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    settled_by_ = value[start:at].decode()
    if "\0" in f"{call_id_}{settled_by_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallFailed)
    _set_tool_call_failed_call_id(made, call_id_)
    _set_tool_call_failed_attempt(made, attempt_)
    _set_tool_call_failed_error(made, error_)
    _set_tool_call_failed_final(made, final_)
    _set_tool_call_failed_duration_ms(made, duration_ms_)
    _set_tool_call_failed_settled_by(made, settled_by_)
    return made, at


def write_tool_call_failed(record: ToolCallFailed) -> bytes:
    """The ToolCallFailed in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_failure(record.error),
            b"\1" if record.final else b"\0",
            write_long(record.duration_ms),
            write_text(record.settled_by),
        )
    )


def read_tool_call_held(value: bytes, at: int) -> tuple[ToolCallHeld, int]:
    """The ToolCallHeld whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    began_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    if "\0" in f"{call_id_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallHeld)
    _set_tool_call_held_call_id(made, call_id_)
    _set_tool_call_held_attempt(made, attempt_)
    _set_tool_call_held_began(made, began_)
    return made, at


def write_tool_call_held(record: ToolCallHeld) -> bytes:
    """The ToolCallHeld in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            b"\1" if record.began else b"\0",
        )
    )


def read_tool_call_in_doubt(value: bytes, at: int) -> tuple[ToolCallInDoubt, int]:
    """The ToolCallInDoubt whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{call_id_}{lease_id_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallInDoubt)
    _set_tool_call_in_doubt_call_id(made, call_id_)
    _set_tool_call_in_doubt_attempt(made, attempt_)
    _set_tool_call_in_doubt_lease_id(made, lease_id_)
    _set_tool_call_in_doubt_reason(made, reason_)
    return made, at


def write_tool_call_in_doubt(record: ToolCallInDoubt) -> bytes:
    """The ToolCallInDoubt in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_text(record.reason),
        )
    )


def read_tool_call_refused(value: bytes, at: int) -> tuple[ToolCallRefused, int]:
    """The ToolCallRefused whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    step_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    tool_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    tool_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    args_sha256_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    detail_ = value[start:at].decode()
    if "\0" in f"{call_id_}{tool_}{args_sha256_}{reason_}{detail_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallRefused)
    _set_tool_call_refused_call_id(made, call_id_)
    _set_tool_call_refused_step(made, step_)
    _set_tool_call_refused_tool(made, tool_)
    _set_tool_call_refused_tool_version(made, tool_version_)
    _set_tool_call_refused_args_sha256(made, args_sha256_)
    _set_tool_call_refused_reason(made, reason_)
    _set_tool_call_refused_detail(made, detail_)
    return made, at


def write_tool_call_refused(record: ToolCallRefused) -> bytes:
    """The ToolCallRefused in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.step),
            write_text(record.tool),
            write_int(record.tool_version),
            write_text(record.args_sha256),
            write_text(record.reason),
            write_text(record.detail),
        )
    )


def read_tool_call_requested(value: bytes, at: int) -> tuple[ToolCallRequested, int]:
    """The ToolCallRequested whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    step_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    tool_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    tool_version_ = raw >> 1 ^ -(raw & 1)
    at += 1
    effect_ = _effect_of[value[at]]
    at += 1
    arguments_, at = read_payload(value, at)
    grant_id_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        grant_id_ = value[start:at].decode()
        if "\0" in grant_id_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    timeout_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    not_before_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    priority_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{call_id_}{tool_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallRequested)
    _set_tool_call_requested_call_id(made, call_id_)
    _set_tool_call_requested_step(made, step_)
    _set_tool_call_requested_attempt(made, attempt_)
    _set_tool_call_requested_tool(made, tool_)
    _set_tool_call_requested_tool_version(made, tool_version_)
    _set_tool_call_requested_effect(made, effect_)
    _set_tool_call_requested_arguments(made, arguments_)
    _set_tool_call_requested_grant_id(made, grant_id_)
    _set_tool_call_requested_timeout_ms(made, timeout_ms_)
    _set_tool_call_requested_not_before_ms(made, not_before_ms_)
    _set_tool_call_requested_priority(made, priority_)
    return made, at


def write_tool_call_requested(record: ToolCallRequested) -> bytes:
    """The ToolCallRequested in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.step),
            write_int(record.attempt),
            write_text(record.tool),
            write_int(record.tool_version),
            _effect_bytes[record.effect],
            write_payload(record.arguments),
            b"\0" if record.grant_id is None else b"\2" + (write_text(record.grant_id)),
            write_long(record.timeout_ms),
            write_long(record.not_before_ms),
            write_int(record.priority),
        )
    )


def read_tool_call_started(value: bytes, at: int) -> tuple[ToolCallStarted, int]:
    """The ToolCallStarted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    call_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    attempt_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    lease_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    worker_ = value[start:at].decode()
    if "\0" in f"{call_id_}{lease_id_}{worker_}":
        raise Malformed("text with U+0000")
    made = _new(ToolCallStarted)
    _set_tool_call_started_call_id(made, call_id_)
    _set_tool_call_started_attempt(made, attempt_)
    _set_tool_call_started_lease_id(made, lease_id_)
    _set_tool_call_started_worker(made, worker_)
    return made, at


def write_tool_call_started(record: ToolCallStarted) -> bytes:
    """The ToolCallStarted in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.call_id),
            write_int(record.attempt),
            write_text(record.lease_id),
            write_text(record.worker),
        )
    )


def read_vote_counted(value: bytes, at: int) -> tuple[VoteCounted, int]:
    """The VoteCounted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    voter_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    votes_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    quorum_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    delegated_by_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{voter_}{reason_}{delegated_by_}":
        raise Malformed("text with U+0000")
    made = _new(VoteCounted)
    _set_vote_counted_approval_id(made, approval_id_)
    _set_vote_counted_voter(made, voter_)
    _set_vote_counted_votes(made, votes_)
    _set_vote_counted_quorum(made, quorum_)
    _set_vote_counted_reason(made, reason_)
    _set_vote_counted_delegated_by(made, delegated_by_)
    return made, at


def write_vote_counted(record: VoteCounted) -> bytes:
    """The VoteCounted in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.voter),
            write_int(record.votes),
            write_int(record.quorum),
            write_text(record.reason),
            write_text(record.delegated_by),
        )
    )


def read_vote_refused(value: bytes, at: int) -> tuple[VoteRefused, int]:
    """The VoteRefused whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    approval_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    voter_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    detail_ = value[start:at].decode()
    if "\0" in f"{approval_id_}{voter_}{reason_}{detail_}":
        raise Malformed("text with U+0000")
    made = _new(VoteRefused)
    _set_vote_refused_approval_id(made, approval_id_)
    _set_vote_refused_voter(made, voter_)
    _set_vote_refused_reason(made, reason_)
    _set_vote_refused_detail(made, detail_)
    return made, at


def write_vote_refused(record: VoteRefused) -> bytes:
    """The VoteRefused in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.approval_id),
            write_text(record.voter),
            write_text(record.reason),
            write_text(record.detail),
        )
    )


READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    "penstock.run.CancelRun": read_cancel_run,
    "penstock.run.CastVote": read_cast_vote,
    "penstock.run.CompleteToolCall": read_complete_tool_call,
    "penstock.run.ContinueRun": read_continue_run,
    "penstock.run.DeferToolCall": read_defer_tool_call,
    "penstock.run.DelegateApproval": read_delegate_approval,
    "penstock.run.EscalateApproval": read_escalate_approval,
    "penstock.run.FailToolCall": read_fail_tool_call,
    "penstock.run.FireTimer": read_fire_timer,
    "penstock.run.GiveFeedback": read_give_feedback,
    "penstock.run.MigrateRun": read_migrate_run,
    "penstock.run.PauseRun": read_pause_run,
    "penstock.run.ReportLostLease": read_report_lost_lease,
    "penstock.run.ResumeRun": read_resume_run,
    "penstock.run.SettleToolCall": read_settle_tool_call,
    "penstock.run.SignalRun": read_signal_run,
    "penstock.run.StartRun": read_start_run,
    "penstock.run.StartToolCall": read_start_tool_call,
    "penstock.run.ApprovalDelegated": read_approval_delegated,
    "penstock.run.ApprovalEscalated": read_approval_escalated,
    "penstock.run.ApprovalExpired": read_approval_expired,
    "penstock.run.ApprovalGranted": read_approval_granted,
    "penstock.run.ApprovalRefused": read_approval_refused,
    "penstock.run.ApprovalRequested": read_approval_requested,
    "penstock.run.FeedbackGiven": read_feedback_given,
    "penstock.run.LateAnswer": read_late_answer,
    "penstock.run.RunCancelled": read_run_cancelled,
    "penstock.run.RunCompleted": read_run_completed,
    "penstock.run.RunContinued": read_run_continued,
    "penstock.run.RunEnding": read_run_ending,
    "penstock.run.RunFailed": read_run_failed,
    "penstock.run.RunMigrated": read_run_migrated,
    "penstock.run.RunPaused": read_run_paused,
    "penstock.run.RunResumed": read_run_resumed,
    "penstock.run.RunStalled": read_run_stalled,
    "penstock.run.RunStarted": read_run_started,
    "penstock.run.SignalReceived": read_signal_received,
    "penstock.run.TimerArmed": read_timer_armed,
    "penstock.run.TimerFired": read_timer_fired,
    "penstock.run.TimerRearmed": read_timer_rearmed,
    "penstock.run.ToolCallCompleted": read_tool_call_completed,
    "penstock.run.ToolCallDeferred": read_tool_call_deferred,
    "penstock.run.ToolCallFailed": read_tool_call_failed,
    "penstock.run.ToolCallHeld": read_tool_call_held,
    "penstock.run.ToolCallInDoubt": read_tool_call_in_doubt,
    "penstock.run.ToolCallRefused": read_tool_call_refused,
    "penstock.run.ToolCallRequested": read_tool_call_requested,
    "penstock.run.ToolCallStarted": read_tool_call_started,
    "penstock.run.VoteCounted": read_vote_counted,
    "penstock.run.VoteRefused": read_vote_refused,
}
WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "penstock.run.CancelRun": write_cancel_run,
    "penstock.run.CastVote": write_cast_vote,
    "penstock.run.CompleteToolCall": write_complete_tool_call,
    "penstock.run.ContinueRun": write_continue_run,
    "penstock.run.DeferToolCall": write_defer_tool_call,
    "penstock.run.DelegateApproval": write_delegate_approval,
    "penstock.run.EscalateApproval": write_escalate_approval,
    "penstock.run.FailToolCall": write_fail_tool_call,
    "penstock.run.FireTimer": write_fire_timer,
    "penstock.run.GiveFeedback": write_give_feedback,
    "penstock.run.MigrateRun": write_migrate_run,
    "penstock.run.PauseRun": write_pause_run,
    "penstock.run.ReportLostLease": write_report_lost_lease,
    "penstock.run.ResumeRun": write_resume_run,
    "penstock.run.SettleToolCall": write_settle_tool_call,
    "penstock.run.SignalRun": write_signal_run,
    "penstock.run.StartRun": write_start_run,
    "penstock.run.StartToolCall": write_start_tool_call,
    "penstock.run.ApprovalDelegated": write_approval_delegated,
    "penstock.run.ApprovalEscalated": write_approval_escalated,
    "penstock.run.ApprovalExpired": write_approval_expired,
    "penstock.run.ApprovalGranted": write_approval_granted,
    "penstock.run.ApprovalRefused": write_approval_refused,
    "penstock.run.ApprovalRequested": write_approval_requested,
    "penstock.run.FeedbackGiven": write_feedback_given,
    "penstock.run.LateAnswer": write_late_answer,
    "penstock.run.RunCancelled": write_run_cancelled,
    "penstock.run.RunCompleted": write_run_completed,
    "penstock.run.RunContinued": write_run_continued,
    "penstock.run.RunEnding": write_run_ending,
    "penstock.run.RunFailed": write_run_failed,
    "penstock.run.RunMigrated": write_run_migrated,
    "penstock.run.RunPaused": write_run_paused,
    "penstock.run.RunResumed": write_run_resumed,
    "penstock.run.RunStalled": write_run_stalled,
    "penstock.run.RunStarted": write_run_started,
    "penstock.run.SignalReceived": write_signal_received,
    "penstock.run.TimerArmed": write_timer_armed,
    "penstock.run.TimerFired": write_timer_fired,
    "penstock.run.TimerRearmed": write_timer_rearmed,
    "penstock.run.ToolCallCompleted": write_tool_call_completed,
    "penstock.run.ToolCallDeferred": write_tool_call_deferred,
    "penstock.run.ToolCallFailed": write_tool_call_failed,
    "penstock.run.ToolCallHeld": write_tool_call_held,
    "penstock.run.ToolCallInDoubt": write_tool_call_in_doubt,
    "penstock.run.ToolCallRefused": write_tool_call_refused,
    "penstock.run.ToolCallRequested": write_tool_call_requested,
    "penstock.run.ToolCallStarted": write_tool_call_started,
    "penstock.run.VoteCounted": write_vote_counted,
    "penstock.run.VoteRefused": write_vote_refused,
}
