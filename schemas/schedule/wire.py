"""The schedule records in Avro's binary form. Generated from the .avsc files: never edited, made anew by
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
from penstock.schemas.envelope.wire import read_payload, write_payload
from penstock.schemas.schedule.records import (
    CreateSchedule,
    DeleteSchedule,
    FireSchedule,
    PauseSchedule,
    Plan,
    ReportRunRequested,
    ResumeSchedule,
    ReviseSchedule,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleRearmed,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
    TriggerSchedule,
)

_new = object.__new__
_catch_up_of, _catch_up_bytes = symbols("unknown", "skip", "last", "all")
_fired_by_of, _fired_by_bytes = symbols("unknown", "time", "catch_up", "trigger")
(
    _set_plan_workflow,
    _set_plan_workflow_version,
    _set_plan_input,
    _set_plan_priority,
    _set_plan_search_attributes,
    _set_plan_cron,
    _set_plan_time_zone,
    _set_plan_every_ms,
    _set_plan_starts_at_ms,
    _set_plan_ends_at_ms,
    _set_plan_catch_up,
    _set_plan_catch_up_window_ms,
    _set_plan_catch_up_max,
) = setters(Plan)
(
    _set_create_schedule_name,
    _set_create_schedule_plan,
    _set_create_schedule_paused,
    _set_create_schedule_body_sha256,
) = setters(CreateSchedule)
(_set_delete_schedule_reason,) = setters(DeleteSchedule)
(_set_fire_schedule_due_ms,) = setters(FireSchedule)
(_set_pause_schedule_reason,) = setters(PauseSchedule)
(_set_report_run_requested_run_id,) = setters(ReportRunRequested)
(_set_resume_schedule_reason,) = setters(ResumeSchedule)
(
    _set_revise_schedule_plan,
    _set_revise_schedule_expected_revision,
) = setters(ReviseSchedule)
(_set_trigger_schedule_reason,) = setters(TriggerSchedule)
(
    _set_schedule_created_name,
    _set_schedule_created_plan,
    _set_schedule_created_revision,
    _set_schedule_created_paused,
    _set_schedule_created_body_sha256,
    _set_schedule_created_requester,
    _set_schedule_created_requester_roles,
    _set_schedule_created_next_due_ms,
) = setters(ScheduleCreated)
(_set_schedule_deleted_reason,) = setters(ScheduleDeleted)
(
    _set_schedule_fired_name,
    _set_schedule_fired_due_ms,
    _set_schedule_fired_fired_by,
    _set_schedule_fired_run_id,
    _set_schedule_fired_revision,
    _set_schedule_fired_workflow,
    _set_schedule_fired_workflow_version,
    _set_schedule_fired_input,
    _set_schedule_fired_priority,
    _set_schedule_fired_search_attributes,
    _set_schedule_fired_requesters,
    _set_schedule_fired_requester_roles,
    _set_schedule_fired_next_due_ms,
) = setters(ScheduleFired)
(
    _set_schedule_missed_from_ms,
    _set_schedule_missed_until_ms,
    _set_schedule_missed_count,
    _set_schedule_missed_more,
    _set_schedule_missed_next_due_ms,
) = setters(ScheduleMissed)
(_set_schedule_paused_reason,) = setters(SchedulePaused)
(_set_schedule_rearmed_due_ms,) = setters(ScheduleRearmed)
(
    _set_schedule_resumed_reason,
    _set_schedule_resumed_next_due_ms,
) = setters(ScheduleResumed)
(
    _set_schedule_revised_plan,
    _set_schedule_revised_revision,
    _set_schedule_revised_requester,
    _set_schedule_revised_requester_roles,
    _set_schedule_revised_next_due_ms,
) = setters(ScheduleRevised)
(_set_schedule_run_requested_run_id,) = setters(ScheduleRunRequested)


def read_plan(value: bytes, at: int) -> tuple[Plan, int]:
    """The Plan at that position, and the position behind it."""
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
    cron_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        cron_ = value[start:at].decode()
        if "\0" in cron_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    time_zone_ = value[start:at].decode()
    every_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        every_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    starts_at_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        starts_at_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    ends_at_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        ends_at_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    catch_up_ = _catch_up_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    catch_up_window_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    catch_up_max_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{workflow_}{time_zone_}":
        raise Malformed("text with U+0000")
    made = _new(Plan)
    _set_plan_workflow(made, workflow_)
    _set_plan_workflow_version(made, workflow_version_)
    _set_plan_input(made, input_)
    _set_plan_priority(made, priority_)
    _set_plan_search_attributes(made, search_attributes_)
    _set_plan_cron(made, cron_)
    _set_plan_time_zone(made, time_zone_)
    _set_plan_every_ms(made, every_ms_)
    _set_plan_starts_at_ms(made, starts_at_ms_)
    _set_plan_ends_at_ms(made, ends_at_ms_)
    _set_plan_catch_up(made, catch_up_)
    _set_plan_catch_up_window_ms(made, catch_up_window_ms_)
    _set_plan_catch_up_max(made, catch_up_max_)
    return made, at


def write_plan(record: Plan) -> bytes:
    """The Plan in Avro's binary form."""
    return b"".join(
        (
            write_text(record.workflow),
            b"\0" if record.workflow_version is None else b"\2" + (write_int(record.workflow_version)),
            write_payload(record.input),
            b"\0" if record.priority is None else b"\2" + (write_int(record.priority)),
            b"\0" if record.search_attributes is None else b"\2" + (write_text(record.search_attributes)),
            b"\0" if record.cron is None else b"\2" + (write_text(record.cron)),
            write_text(record.time_zone),
            b"\0" if record.every_ms is None else b"\2" + (write_long(record.every_ms)),
            b"\0" if record.starts_at_ms is None else b"\2" + (write_long(record.starts_at_ms)),
            b"\0" if record.ends_at_ms is None else b"\2" + (write_long(record.ends_at_ms)),
            _catch_up_bytes[record.catch_up],
            write_long(record.catch_up_window_ms),
            write_int(record.catch_up_max),
        )
    )


def read_create_schedule(value: bytes, at: int) -> tuple[CreateSchedule, int]:
    """The CreateSchedule whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    name_ = value[start:at].decode()
    plan_, at = read_plan(value, at)
    paused_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    body_sha256_ = value[start:at].decode()
    if "\0" in f"{name_}{body_sha256_}":
        raise Malformed("text with U+0000")
    made = _new(CreateSchedule)
    _set_create_schedule_name(made, name_)
    _set_create_schedule_plan(made, plan_)
    _set_create_schedule_paused(made, paused_)
    _set_create_schedule_body_sha256(made, body_sha256_)
    return made, at


def write_create_schedule(record: CreateSchedule) -> bytes:
    """The CreateSchedule in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.name),
            write_plan(record.plan),
            b"\1" if record.paused else b"\0",
            write_text(record.body_sha256),
        )
    )


def read_delete_schedule(value: bytes, at: int) -> tuple[DeleteSchedule, int]:
    """The DeleteSchedule whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(DeleteSchedule)
    _set_delete_schedule_reason(made, reason_)
    return made, at


def write_delete_schedule(record: DeleteSchedule) -> bytes:
    """The DeleteSchedule in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_fire_schedule(value: bytes, at: int) -> tuple[FireSchedule, int]:
    """The FireSchedule whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    due_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    made = _new(FireSchedule)
    _set_fire_schedule_due_ms(made, due_ms_)
    return made, at


def write_fire_schedule(record: FireSchedule) -> bytes:
    """The FireSchedule in Avro's binary form, without meta."""
    return write_long(record.due_ms)


def read_pause_schedule(value: bytes, at: int) -> tuple[PauseSchedule, int]:
    """The PauseSchedule whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(PauseSchedule)
    _set_pause_schedule_reason(made, reason_)
    return made, at


def write_pause_schedule(record: PauseSchedule) -> bytes:
    """The PauseSchedule in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_report_run_requested(value: bytes, at: int) -> tuple[ReportRunRequested, int]:
    """The ReportRunRequested whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    run_id_ = value[start:at].decode()
    if "\0" in f"{run_id_}":
        raise Malformed("text with U+0000")
    made = _new(ReportRunRequested)
    _set_report_run_requested_run_id(made, run_id_)
    return made, at


def write_report_run_requested(record: ReportRunRequested) -> bytes:
    """The ReportRunRequested in Avro's binary form, without meta."""
    return write_text(record.run_id)


def read_resume_schedule(value: bytes, at: int) -> tuple[ResumeSchedule, int]:
    """The ResumeSchedule whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ResumeSchedule)
    _set_resume_schedule_reason(made, reason_)
    return made, at


def write_resume_schedule(record: ResumeSchedule) -> bytes:
    """The ResumeSchedule in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_revise_schedule(value: bytes, at: int) -> tuple[ReviseSchedule, int]:
    """The ReviseSchedule whose meta ends at that position, and the position behind it."""
    plan_, at = read_plan(value, at)
    expected_revision_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_int(value, at)
        expected_revision_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    made = _new(ReviseSchedule)
    _set_revise_schedule_plan(made, plan_)
    _set_revise_schedule_expected_revision(made, expected_revision_)
    return made, at


def write_revise_schedule(record: ReviseSchedule) -> bytes:
    """The ReviseSchedule in Avro's binary form, without meta."""
    return b"".join(
        (
            write_plan(record.plan),
            b"\0" if record.expected_revision is None else b"\2" + (write_int(record.expected_revision)),
        )
    )


def read_trigger_schedule(value: bytes, at: int) -> tuple[TriggerSchedule, int]:
    """The TriggerSchedule whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(TriggerSchedule)
    _set_trigger_schedule_reason(made, reason_)
    return made, at


def write_trigger_schedule(record: TriggerSchedule) -> bytes:
    """The TriggerSchedule in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_schedule_created(value: bytes, at: int) -> tuple[ScheduleCreated, int]:
    """The ScheduleCreated whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    name_ = value[start:at].decode()
    plan_, at = read_plan(value, at)
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    revision_ = raw >> 1 ^ -(raw & 1)
    at += 1
    paused_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
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
    next_due_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        next_due_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{name_}{body_sha256_}{requester_}":
        raise Malformed("text with U+0000")
    made = _new(ScheduleCreated)
    _set_schedule_created_name(made, name_)
    _set_schedule_created_plan(made, plan_)
    _set_schedule_created_revision(made, revision_)
    _set_schedule_created_paused(made, paused_)
    _set_schedule_created_body_sha256(made, body_sha256_)
    _set_schedule_created_requester(made, requester_)
    _set_schedule_created_requester_roles(made, requester_roles_)
    _set_schedule_created_next_due_ms(made, next_due_ms_)
    return made, at


def write_schedule_created(record: ScheduleCreated) -> bytes:
    """The ScheduleCreated in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.name),
            write_plan(record.plan),
            write_int(record.revision),
            b"\1" if record.paused else b"\0",
            write_text(record.body_sha256),
            write_text(record.requester),
            write_array(record.requester_roles, write_text),
            b"\0" if record.next_due_ms is None else b"\2" + (write_long(record.next_due_ms)),
        )
    )


def read_schedule_deleted(value: bytes, at: int) -> tuple[ScheduleDeleted, int]:
    """The ScheduleDeleted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ScheduleDeleted)
    _set_schedule_deleted_reason(made, reason_)
    return made, at


def write_schedule_deleted(record: ScheduleDeleted) -> bytes:
    """The ScheduleDeleted in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_schedule_fired(value: bytes, at: int) -> tuple[ScheduleFired, int]:
    """The ScheduleFired whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    name_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    due_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    fired_by_ = _fired_by_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    run_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    revision_ = raw >> 1 ^ -(raw & 1)
    at += 1
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
    requesters_, at = read_array(value, at, read_text)
    requester_roles_, at = read_array(value, at, read_text)
    next_due_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        next_due_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{name_}{run_id_}{workflow_}":
        raise Malformed("text with U+0000")
    made = _new(ScheduleFired)
    _set_schedule_fired_name(made, name_)
    _set_schedule_fired_due_ms(made, due_ms_)
    _set_schedule_fired_fired_by(made, fired_by_)
    _set_schedule_fired_run_id(made, run_id_)
    _set_schedule_fired_revision(made, revision_)
    _set_schedule_fired_workflow(made, workflow_)
    _set_schedule_fired_workflow_version(made, workflow_version_)
    _set_schedule_fired_input(made, input_)
    _set_schedule_fired_priority(made, priority_)
    _set_schedule_fired_search_attributes(made, search_attributes_)
    _set_schedule_fired_requesters(made, requesters_)
    _set_schedule_fired_requester_roles(made, requester_roles_)
    _set_schedule_fired_next_due_ms(made, next_due_ms_)
    return made, at


def write_schedule_fired(record: ScheduleFired) -> bytes:
    """The ScheduleFired in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.name),
            write_long(record.due_ms),
            _fired_by_bytes[record.fired_by],
            write_text(record.run_id),
            write_int(record.revision),
            write_text(record.workflow),
            b"\0" if record.workflow_version is None else b"\2" + (write_int(record.workflow_version)),
            write_payload(record.input),
            b"\0" if record.priority is None else b"\2" + (write_int(record.priority)),
            b"\0" if record.search_attributes is None else b"\2" + (write_text(record.search_attributes)),
            write_array(record.requesters, write_text),
            write_array(record.requester_roles, write_text),
            b"\0" if record.next_due_ms is None else b"\2" + (write_long(record.next_due_ms)),
        )
    )


def read_schedule_missed(value: bytes, at: int) -> tuple[ScheduleMissed, int]:
    """The ScheduleMissed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    from_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    until_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        until_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    count_ = raw >> 1 ^ -(raw & 1)
    at += 1
    more_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    next_due_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        next_due_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    made = _new(ScheduleMissed)
    _set_schedule_missed_from_ms(made, from_ms_)
    _set_schedule_missed_until_ms(made, until_ms_)
    _set_schedule_missed_count(made, count_)
    _set_schedule_missed_more(made, more_)
    _set_schedule_missed_next_due_ms(made, next_due_ms_)
    return made, at


def write_schedule_missed(record: ScheduleMissed) -> bytes:
    """The ScheduleMissed in Avro's binary form, without meta."""
    return b"".join(
        (
            write_long(record.from_ms),
            b"\0" if record.until_ms is None else b"\2" + (write_long(record.until_ms)),
            write_int(record.count),
            b"\1" if record.more else b"\0",
            b"\0" if record.next_due_ms is None else b"\2" + (write_long(record.next_due_ms)),
        )
    )


def read_schedule_paused(value: bytes, at: int) -> tuple[SchedulePaused, int]:
    """The SchedulePaused whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(SchedulePaused)
    _set_schedule_paused_reason(made, reason_)
    return made, at


def write_schedule_paused(record: SchedulePaused) -> bytes:
    """The SchedulePaused in Avro's binary form, without meta."""
    return write_text(record.reason)


def read_schedule_rearmed(value: bytes, at: int) -> tuple[ScheduleRearmed, int]:
    """The ScheduleRearmed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    due_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    made = _new(ScheduleRearmed)
    _set_schedule_rearmed_due_ms(made, due_ms_)
    return made, at


def write_schedule_rearmed(record: ScheduleRearmed) -> bytes:
    """The ScheduleRearmed in Avro's binary form, without meta."""
    return write_long(record.due_ms)


def read_schedule_resumed(value: bytes, at: int) -> tuple[ScheduleResumed, int]:
    """The ScheduleResumed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    next_due_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        next_due_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{reason_}":
        raise Malformed("text with U+0000")
    made = _new(ScheduleResumed)
    _set_schedule_resumed_reason(made, reason_)
    _set_schedule_resumed_next_due_ms(made, next_due_ms_)
    return made, at


def write_schedule_resumed(record: ScheduleResumed) -> bytes:
    """The ScheduleResumed in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.reason),
            b"\0" if record.next_due_ms is None else b"\2" + (write_long(record.next_due_ms)),
        )
    )


def read_schedule_revised(value: bytes, at: int) -> tuple[ScheduleRevised, int]:
    """The ScheduleRevised whose meta ends at that position, and the position behind it."""
    plan_, at = read_plan(value, at)
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    revision_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    requester_ = value[start:at].decode()
    requester_roles_, at = read_array(value, at, read_text)
    next_due_ms_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x80:
            raw, at = read_long(value, at)
        next_due_ms_ = raw >> 1 ^ -(raw & 1)
        at += 1
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{requester_}":
        raise Malformed("text with U+0000")
    made = _new(ScheduleRevised)
    _set_schedule_revised_plan(made, plan_)
    _set_schedule_revised_revision(made, revision_)
    _set_schedule_revised_requester(made, requester_)
    _set_schedule_revised_requester_roles(made, requester_roles_)
    _set_schedule_revised_next_due_ms(made, next_due_ms_)
    return made, at


def write_schedule_revised(record: ScheduleRevised) -> bytes:
    """The ScheduleRevised in Avro's binary form, without meta."""
    return b"".join(
        (
            write_plan(record.plan),
            write_int(record.revision),
            write_text(record.requester),
            write_array(record.requester_roles, write_text),
            b"\0" if record.next_due_ms is None else b"\2" + (write_long(record.next_due_ms)),
        )
    )


def read_schedule_run_requested(value: bytes, at: int) -> tuple[ScheduleRunRequested, int]:
    """The ScheduleRunRequested whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    run_id_ = value[start:at].decode()
    if "\0" in f"{run_id_}":
        raise Malformed("text with U+0000")
    made = _new(ScheduleRunRequested)
    _set_schedule_run_requested_run_id(made, run_id_)
    return made, at


def write_schedule_run_requested(record: ScheduleRunRequested) -> bytes:
    """The ScheduleRunRequested in Avro's binary form, without meta."""
    return write_text(record.run_id)


READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    "penstock.schedule.Plan": read_plan,
    "penstock.schedule.CreateSchedule": read_create_schedule,
    "penstock.schedule.DeleteSchedule": read_delete_schedule,
    "penstock.schedule.FireSchedule": read_fire_schedule,
    "penstock.schedule.PauseSchedule": read_pause_schedule,
    "penstock.schedule.ReportRunRequested": read_report_run_requested,
    "penstock.schedule.ResumeSchedule": read_resume_schedule,
    "penstock.schedule.ReviseSchedule": read_revise_schedule,
    "penstock.schedule.TriggerSchedule": read_trigger_schedule,
    "penstock.schedule.ScheduleCreated": read_schedule_created,
    "penstock.schedule.ScheduleDeleted": read_schedule_deleted,
    "penstock.schedule.ScheduleFired": read_schedule_fired,
    "penstock.schedule.ScheduleMissed": read_schedule_missed,
    "penstock.schedule.SchedulePaused": read_schedule_paused,
    "penstock.schedule.ScheduleRearmed": read_schedule_rearmed,
    "penstock.schedule.ScheduleResumed": read_schedule_resumed,
    "penstock.schedule.ScheduleRevised": read_schedule_revised,
    "penstock.schedule.ScheduleRunRequested": read_schedule_run_requested,
}
WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "penstock.schedule.Plan": write_plan,
    "penstock.schedule.CreateSchedule": write_create_schedule,
    "penstock.schedule.DeleteSchedule": write_delete_schedule,
    "penstock.schedule.FireSchedule": write_fire_schedule,
    "penstock.schedule.PauseSchedule": write_pause_schedule,
    "penstock.schedule.ReportRunRequested": write_report_run_requested,
    "penstock.schedule.ResumeSchedule": write_resume_schedule,
    "penstock.schedule.ReviseSchedule": write_revise_schedule,
    "penstock.schedule.TriggerSchedule": write_trigger_schedule,
    "penstock.schedule.ScheduleCreated": write_schedule_created,
    "penstock.schedule.ScheduleDeleted": write_schedule_deleted,
    "penstock.schedule.ScheduleFired": write_schedule_fired,
    "penstock.schedule.ScheduleMissed": write_schedule_missed,
    "penstock.schedule.SchedulePaused": write_schedule_paused,
    "penstock.schedule.ScheduleRearmed": write_schedule_rearmed,
    "penstock.schedule.ScheduleResumed": write_schedule_resumed,
    "penstock.schedule.ScheduleRevised": write_schedule_revised,
    "penstock.schedule.ScheduleRunRequested": write_schedule_run_requested,
}
