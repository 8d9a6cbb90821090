"""The schedule records as Python types. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from penstock.schemas.envelope.records import Payload
from penstock.schemas.frozen import quick

# What becomes of due times that passed while nothing ran: none is made up for (skip), only the latest
# (last), each within the window, the latest so many (all).
CatchUp: TypeAlias = Literal["unknown", "skip", "last", "all"]

# Why a schedule fired: its time, a time that had passed, or somebody who asked for it.
FiredBy: TypeAlias = Literal["unknown", "time", "catch_up", "trigger"]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a schedule starts, and when. Either cron or every_ms is given.

    workflow: Registered name.
    workflow_version: Version to run; null is the newest registered when it starts.
    input: The workflow's input, the same each time.
    priority: Higher goes first, -100 to 100; null is the workflow's own.
    search_attributes: What its runs are looked for by: a flat object of strings, numbers and booleans as
        canonical JSON text.
    cron: Five fields: minute, hour, day of month, month, day of week.
    time_zone: IANA name of the zone in which the cron expression is read.
    every_ms: Interval, counted from starts_at_ms, or from the Unix epoch.
    starts_at_ms: No time before this is due, ms since the Unix epoch.
    ends_at_ms: No time after this is due, ms since the Unix epoch.
    catch_up: What becomes of times that passed while nothing ran.
    catch_up_window_ms: Times that passed longer ago than this are never made up for.
    catch_up_max: How many times are made up for at most, the latest ones.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.Plan"
    KIND: ClassVar[Literal["part"]] = "part"

    workflow: str
    workflow_version: int | None = None
    input: Payload
    priority: int | None = None
    search_attributes: str | None = None
    cron: str | None = None
    time_zone: str = "UTC"
    every_ms: int | None = None
    starts_at_ms: int | None = None
    ends_at_ms: int | None = None
    catch_up: CatchUp = "unknown"
    catch_up_window_ms: int = 86400000
    catch_up_max: int = 100

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "workflow": self.workflow,
            "workflow_version": self.workflow_version,
            "input": self.input.to_avro(),
            "priority": self.priority,
            "search_attributes": self.search_attributes,
            "cron": self.cron,
            "time_zone": self.time_zone,
            "every_ms": self.every_ms,
            "starts_at_ms": self.starts_at_ms,
            "ends_at_ms": self.ends_at_ms,
            "catch_up": self.catch_up,
            "catch_up_window_ms": self.catch_up_window_ms,
            "catch_up_max": self.catch_up_max,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "Plan":
        """From the fields as Avro libraries read them."""
        return cls(
            workflow=fields["workflow"],
            workflow_version=fields["workflow_version"],
            input=Payload.from_avro(fields["input"]),
            priority=fields["priority"],
            search_attributes=fields["search_attributes"],
            cron=fields["cron"],
            time_zone=fields["time_zone"],
            every_ms=fields["every_ms"],
            starts_at_ms=fields["starts_at_ms"],
            ends_at_ms=fields["ends_at_ms"],
            catch_up=fields["catch_up"],
            catch_up_window_ms=fields["catch_up_window_ms"],
            catch_up_max=fields["catch_up_max"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchedule:
    """Make a schedule.

    name: Its name in its tenant; the entity's id follows from both.
    plan: What it starts, and when.
    paused: Whether it begins paused.
    body_sha256: Hash of what the client sent: the same name with another body is a conflict.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.CreateSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    name: str
    plan: Plan
    paused: bool = False
    body_sha256: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "name": self.name,
            "plan": self.plan.to_avro(),
            "paused": self.paused,
            "body_sha256": self.body_sha256,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "CreateSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            name=fields["name"],
            plan=Plan.from_avro(fields["plan"]),
            paused=fields["paused"],
            body_sha256=fields["body_sha256"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSchedule:
    """End a schedule. What it has started goes on.

    reason: For the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.DeleteSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "DeleteSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class FireSchedule:
    """A due time of a schedule has come, by the sender's clock.

    due_ms: The nominal time, ms since the Unix epoch.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.FireSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    due_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "due_ms": self.due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "FireSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            due_ms=fields["due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSchedule:
    """Have a schedule start nothing by itself until it is resumed.

    reason: For the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.PauseSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "PauseSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRunRequested:
    """The request to start a run that a schedule fired stands in the runs' inbox.

    run_id: The run.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ReportRunRequested"
    KIND: ClassVar[Literal["input"]] = "input"

    run_id: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "run_id": self.run_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ReportRunRequested":
        """From the fields as Avro libraries read them."""
        return cls(
            run_id=fields["run_id"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSchedule:
    """Have a paused schedule go on from now. What was due meanwhile isn't made up for.

    reason: For the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ResumeSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ResumeSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseSchedule:
    """Give a schedule another plan, whole.

    plan: What it starts from now on, and when.
    expected_revision: The revision that the sender looked at; null: whichever it has.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ReviseSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    plan: Plan
    expected_revision: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "plan": self.plan.to_avro(),
            "expected_revision": self.expected_revision,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ReviseSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            plan=Plan.from_avro(fields["plan"]),
            expected_revision=fields["expected_revision"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSchedule:
    """Have a schedule start a run now, beside those at its times, also while it is paused.

    reason: For the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.TriggerSchedule"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "TriggerSchedule":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCreated:
    """A schedule was made.

    name: Its name in its tenant.
    plan: What it starts, and when.
    revision: Counts its plans, from 1.
    paused: Whether it began paused.
    body_sha256: Hash of what the client sent.
    requester: Who made it: a requester of every run that it starts by this plan, and never votes on them.
    requester_roles: Roles with which its runs act: those of who made it.
    next_due_ms: When it is due next, ms since the Unix epoch; null: never again, or not while it is
        paused.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleCreated"
    KIND: ClassVar[Literal["event"]] = "event"

    name: str
    plan: Plan
    revision: int
    paused: bool = False
    body_sha256: str
    requester: str
    requester_roles: tuple[str, ...] = ()
    next_due_ms: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "name": self.name,
            "plan": self.plan.to_avro(),
            "revision": self.revision,
            "paused": self.paused,
            "body_sha256": self.body_sha256,
            "requester": self.requester,
            "requester_roles": list(self.requester_roles),
            "next_due_ms": self.next_due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleCreated":
        """From the fields as Avro libraries read them."""
        return cls(
            name=fields["name"],
            plan=Plan.from_avro(fields["plan"]),
            revision=fields["revision"],
            paused=fields["paused"],
            body_sha256=fields["body_sha256"],
            requester=fields["requester"],
            requester_roles=tuple(fields["requester_roles"]),
            next_due_ms=fields["next_due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDeleted:
    """A schedule ended; one of the same name may be made again.

    reason: For the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleDeleted"
    KIND: ClassVar[Literal["event"]] = "event"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleDeleted":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFired:
    """A run is to be started: everything that it takes is here.

    name: The schedule's name.
    due_ms: The nominal time; of a trigger its log time. Ms since the Unix epoch.
    fired_by: Why it fired.
    run_id: The run: its id follows from the schedule's and the nominal time, or of a trigger from the
        input.
    revision: The plan by which it fired.
    workflow: Registered name.
    workflow_version: Version to run; null is the newest registered when it starts.
    input: The workflow's input.
    priority: Higher goes first, -100 to 100; null is the workflow's own.
    search_attributes: What the run is looked for by, as in the plan.
    requesters: Who made the schedule, who changed it last, who triggered it: none of them votes on the
        run.
    requester_roles: Roles with which the run acts.
    next_due_ms: When it is due next, ms since the Unix epoch; null: never again, or not while it is
        paused.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleFired"
    KIND: ClassVar[Literal["event"]] = "event"

    name: str
    due_ms: int
    fired_by: FiredBy = "unknown"
    run_id: str
    revision: int
    workflow: str
    workflow_version: int | None = None
    input: Payload
    priority: int | None = None
    search_attributes: str | None = None
    requesters: tuple[str, ...] = ()
    requester_roles: tuple[str, ...] = ()
    next_due_ms: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "name": self.name,
            "due_ms": self.due_ms,
            "fired_by": self.fired_by,
            "run_id": self.run_id,
            "revision": self.revision,
            "workflow": self.workflow,
            "workflow_version": self.workflow_version,
            "input": self.input.to_avro(),
            "priority": self.priority,
            "search_attributes": self.search_attributes,
            "requesters": list(self.requesters),
            "requester_roles": list(self.requester_roles),
            "next_due_ms": self.next_due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleFired":
        """From the fields as Avro libraries read them."""
        return cls(
            name=fields["name"],
            due_ms=fields["due_ms"],
            fired_by=fields["fired_by"],
            run_id=fields["run_id"],
            revision=fields["revision"],
            workflow=fields["workflow"],
            workflow_version=fields["workflow_version"],
            input=Payload.from_avro(fields["input"]),
            priority=fields["priority"],
            search_attributes=fields["search_attributes"],
            requesters=tuple(fields["requesters"]),
            requester_roles=tuple(fields["requester_roles"]),
            next_due_ms=fields["next_due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleMissed:
    """Due times passed while nothing ran, and aren't made up for.

    from_ms: The first of them, ms since the Unix epoch.
    until_ms: The first due time after them, ms since the Unix epoch; null if there is none.
    count: How many they are, counted up to 1,000.
    more: Whether they are more than were counted.
    next_due_ms: When it is due next, ms since the Unix epoch; null: never again, or not while it is
        paused.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleMissed"
    KIND: ClassVar[Literal["event"]] = "event"

    from_ms: int
    until_ms: int | None = None
    count: int
    more: bool = False
    next_due_ms: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "from_ms": self.from_ms,
            "until_ms": self.until_ms,
            "count": self.count,
            "more": self.more,
            "next_due_ms": self.next_due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleMissed":
        """From the fields as Avro libraries read them."""
        return cls(
            from_ms=fields["from_ms"],
            until_ms=fields["until_ms"],
            count=fields["count"],
            more=fields["more"],
            next_due_ms=fields["next_due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePaused:
    """A schedule starts nothing by itself until it is resumed.

    reason: For the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.SchedulePaused"
    KIND: ClassVar[Literal["event"]] = "event"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "SchedulePaused":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRearmed:
    """It was told too early that a due time has come: it comes again.

    due_ms: The nominal time, ms since the Unix epoch.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleRearmed"
    KIND: ClassVar[Literal["event"]] = "event"

    due_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "due_ms": self.due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleRearmed":
        """From the fields as Avro libraries read them."""
        return cls(
            due_ms=fields["due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResumed:
    """A paused schedule goes on.

    reason: For the audit.
    next_due_ms: When it is due next, ms since the Unix epoch; null: never again, or not while it is
        paused.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleResumed"
    KIND: ClassVar[Literal["event"]] = "event"

    reason: str = ""
    next_due_ms: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
            "next_due_ms": self.next_due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleResumed":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
            next_due_ms=fields["next_due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRevised:
    """A schedule got another plan.

    plan: What it starts from now on, and when.
    revision: Counts its plans, from 1.
    requester: Who changed it: a requester of every run that it starts by this plan, and never votes on
        them.
    requester_roles: Roles with which its runs act: those of who changed it.
    next_due_ms: When it is due next, ms since the Unix epoch; null: never again, or not while it is
        paused.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleRevised"
    KIND: ClassVar[Literal["event"]] = "event"

    plan: Plan
    revision: int
    requester: str
    requester_roles: tuple[str, ...] = ()
    next_due_ms: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "plan": self.plan.to_avro(),
            "revision": self.revision,
            "requester": self.requester,
            "requester_roles": list(self.requester_roles),
            "next_due_ms": self.next_due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleRevised":
        """From the fields as Avro libraries read them."""
        return cls(
            plan=Plan.from_avro(fields["plan"]),
            revision=fields["revision"],
            requester=fields["requester"],
            requester_roles=tuple(fields["requester_roles"]),
            next_due_ms=fields["next_due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRunRequested:
    """The request to start a run stands in the runs' inbox; what came of it is the run's own history.

    run_id: The run.
    """

    FULL_NAME: ClassVar[str] = "penstock.schedule.ScheduleRunRequested"
    KIND: ClassVar[Literal["event"]] = "event"

    run_id: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "run_id": self.run_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ScheduleRunRequested":
        """From the fields as Avro libraries read them."""
        return cls(
            run_id=fields["run_id"],
        )


__all__ = [
    "CatchUp",
    "CreateSchedule",
    "DeleteSchedule",
    "FireSchedule",
    "FiredBy",
    "PauseSchedule",
    "Plan",
    "ReportRunRequested",
    "ResumeSchedule",
    "ReviseSchedule",
    "ScheduleCreated",
    "ScheduleDeleted",
    "ScheduleFired",
    "ScheduleMissed",
    "SchedulePaused",
    "ScheduleRearmed",
    "ScheduleResumed",
    "ScheduleRevised",
    "ScheduleRunRequested",
    "TriggerSchedule",
]
