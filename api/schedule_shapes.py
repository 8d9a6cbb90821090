"""What callers send of schedules, and the plan that it comes to."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from penstock.api.door import Door
from penstock.api.inbox import too_large
from penstock.api.problems import Problem
from penstock.api.run_filters import INT4_MAX
from penstock.api.starting import input_of
from penstock.declare.due_times import EVERY_MS_MIN, TIME_MS_MAX, next_due
from penstock.declare.schedules import (
    CATCH_UP_MAX_DEFAULT,
    CATCH_UP_MAX_MAX,
    CATCH_UP_WINDOW_MS_DEFAULT,
    CATCH_UP_WINDOW_MS_MAX,
    CATCH_UP_WINDOW_MS_MIN,
    NAME_PATTERN,
    InvalidPlan,
    check_plan,
    times_of,
)
from penstock.declare.workflows import PRIORITY_MAX, PRIORITY_MIN
from penstock.schemas.attributes import InvalidAttributes, encode_attributes
from penstock.schemas.canonical import NotCanonical, PayloadTooLarge, canonical_json, payload_of
from penstock.schemas.schedule.records import Plan

REASON_CHARACTERS_MAX: Final = 2_000

# Of a path, whatever it is: what no schedule can be called isn't there.
ScheduleName = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


_EXAMPLE: Final[dict[str, Any]] = {
    "workflow": "case-review",
    "input": {"case_id": "C-2025-0117"},
    "cron": "30 6 * * MON-FRI",
    "time_zone": "Europe/Berlin",
    "catch_up": "last",
}


class PlanBody(BaseModel):
    """What a schedule starts, and when: by `cron` in `time_zone`, or `every_s`. Catching up: docs/schedules.md."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    workflow: str = Field(min_length=1, max_length=200)
    version: int | None = Field(
        default=None,
        ge=1,
        le=INT4_MAX,
        strict=True,
        description="The newest at each start, unless it is given.",
    )
    input: Any = Field(default=None, description="What each run gets.")
    search_attributes: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat] = Field(
        default_factory=dict, description="What its runs are looked for by: at most 16 plain values by name."
    )
    priority: int | None = Field(default=None, ge=PRIORITY_MIN, le=PRIORITY_MAX, strict=True)
    cron: str | None = Field(
        default=None, max_length=200, description="Minute, hour, day of month, month, day of week."
    )
    time_zone: str = Field(default="UTC", max_length=100, description="IANA name, as Europe/Berlin.")
    every_s: int | None = Field(
        default=None,
        ge=EVERY_MS_MIN // 1000,
        le=TIME_MS_MAX // 1000,
        strict=True,
        description="Counted from `starts_at`, or from 1970.",
    )
    starts_at: datetime | None = Field(default=None, description="RFC 3339. Nothing is due before.")
    ends_at: datetime | None = Field(default=None, description="RFC 3339. Nothing is due after.")
    catch_up: Literal["skip", "last", "all"] = Field(
        default="last", description="What becomes of times that passed while nothing ran."
    )
    catch_up_window_s: int = Field(
        default=CATCH_UP_WINDOW_MS_DEFAULT // 1000,
        ge=CATCH_UP_WINDOW_MS_MIN // 1000,
        le=CATCH_UP_WINDOW_MS_MAX // 1000,
        strict=True,
        description="What passed longer ago is never made up for.",
    )
    catch_up_max: int = Field(
        default=CATCH_UP_MAX_DEFAULT,
        ge=1,
        le=CATCH_UP_MAX_MAX,
        strict=True,
        description="With `all`: at most so many, the latest.",
    )


class NewSchedule(PlanBody):
    """A schedule to be made. Its name is for good, and free again once it is deleted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "nightly-review", **_EXAMPLE}]}
    )

    name: str = Field(min_length=1, max_length=100, pattern=NAME_PATTERN)
    paused: bool = Field(default=False, strict=True, description="Whether it begins paused.")


class SchedulePause(BaseModel):
    """Why a schedule is paused."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)


class ScheduleReason(BaseModel):
    """Why; it stays on the log."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=REASON_CHARACTERS_MAX)


def plan_of(door: Door, body: PlanBody) -> Plan:
    """The plan that a body comes to. Raises problems: 413, and 422 for what no schedule can have."""
    workflow = door.application.workflow(body.workflow, body.version)
    if workflow is None:
        detail = "Correct `workflow` or `version`: GET /v1/workflows lists those that are registered."
        raise Problem(422, "unknown-workflow", "Unknown workflow", detail)
    try:
        plan = Plan(
            workflow=body.workflow,
            workflow_version=body.version,
            input=payload_of(canonical_json(input_of(workflow, body.input))),
            priority=body.priority,
            search_attributes=encode_attributes(body.search_attributes),
            cron=None if body.cron is None else " ".join(body.cron.split()),
            time_zone=body.time_zone,
            every_ms=None if body.every_s is None else body.every_s * 1000,
            starts_at_ms=_ms("starts_at", body.starts_at),
            ends_at_ms=_ms("ends_at", body.ends_at),
            catch_up=body.catch_up,
            catch_up_window_ms=body.catch_up_window_s * 1000,
            catch_up_max=body.catch_up_max,
        )
        check_plan(plan)
    except PayloadTooLarge as error:
        raise too_large(error) from error
    except (InvalidPlan, InvalidAttributes, NotCanonical) as error:
        raise incorrect(str(error)) from error
    if next_due(times_of(plan), round(time.time() * 1000)) is None:
        raise incorrect("nothing will be due any more: look at `ends_at`")
    return plan


def incorrect(what: str) -> Problem:
    """A request that no schedule can have."""
    return Problem(422, "invalid-request", "Invalid request", f"Correct this: {what}.")


def _ms(name: str, at: datetime | None) -> int | None:
    if at is None:
        return None
    try:
        return round((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (OverflowError, ValueError) as error:
        raise incorrect(f"`{name}`: {error}") from error
