"""What a schedule may be: its name, its plan and the limits of both, for the door and the decider alike."""

import re
from typing import Final

from penstock.declare.due_times import InvalidTimes, Times, check_times
from penstock.declare.workflows import PRIORITY_MAX, PRIORITY_MIN
from penstock.schemas.attributes import InvalidAttributes, decode_attributes
from penstock.schemas.canonical import INLINE_BYTES_MAX, PayloadUnreadable, read_payload
from penstock.schemas.schedule.records import Plan

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
# A time that is found later than this has been missed; sooner it was merely under way.
ON_TIME_MS: Final = 60_000
CATCH_UP_WINDOW_MS_MIN: Final = ON_TIME_MS
CATCH_UP_WINDOW_MS_MAX: Final = 31 * 86_400_000
CATCH_UP_WINDOW_MS_DEFAULT: Final = 86_400_000
CATCH_UP_MAX_MAX: Final = 1_000
CATCH_UP_MAX_DEFAULT: Final = 100
# What a plan holds goes on into each start of a run, beside who asked for it, and must fit there.
WORKFLOW_CHARACTERS_MAX: Final = 500

_NAME: Final = re.compile(NAME_PATTERN.removesuffix("$"))


class InvalidPlan(ValueError):
    """No schedule can have this plan, or this name; the message says what would do."""


def check_name(name: str) -> None:
    """Raises InvalidPlan unless a schedule may be called that."""
    if not _NAME.fullmatch(name):
        raise InvalidPlan(
            "a schedule's name has up to 100 letters, digits, dots, dashes and underscores, and begins with a letter "
            "or a digit"
        )


def times_of(plan: Plan) -> Times:
    """When the plan is due."""
    return Times(plan.cron, plan.time_zone, plan.every_ms, plan.starts_at_ms, plan.ends_at_ms)


def check_plan(plan: Plan) -> None:
    """Raises InvalidPlan unless a schedule may have that plan. Whether there is such a workflow isn't asked."""
    try:
        check_times(times_of(plan))
        decode_attributes(plan.search_attributes)
        if len(read_payload(plan.input)) > INLINE_BYTES_MAX:
            raise InvalidPlan(f"its input takes {INLINE_BYTES_MAX} bytes at most: pass a reference instead")
    except (InvalidTimes, InvalidAttributes, PayloadUnreadable) as error:
        raise InvalidPlan(str(error)) from error
    if len(plan.workflow) > WORKFLOW_CHARACTERS_MAX:
        raise InvalidPlan(f"a workflow's name has {WORKFLOW_CHARACTERS_MAX} characters at most")
    if plan.priority is not None and not PRIORITY_MIN <= plan.priority <= PRIORITY_MAX:
        raise InvalidPlan(f"a priority is from {PRIORITY_MIN} to {PRIORITY_MAX}")
    if plan.catch_up not in ("skip", "last", "all"):
        raise InvalidPlan("catch_up is skip, last or all")
    if not CATCH_UP_WINDOW_MS_MIN <= plan.catch_up_window_ms <= CATCH_UP_WINDOW_MS_MAX:
        raise InvalidPlan("the window of catching up is from 60 s to 31 days")
    if not 1 <= plan.catch_up_max <= CATCH_UP_MAX_MAX:
        raise InvalidPlan(f"at most {CATCH_UP_MAX_MAX} times are made up for, and at least 1")
