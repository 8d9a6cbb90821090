"""Which runs are meant: the filters of lists, and the place in a list that a cursor stands for."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import Query

from penstock.api import places
from penstock.api.problems import Problem
from penstock.schemas.attributes import InvalidAttributes, pair

ATTRIBUTES_ASKED_MAX: Final = 8
INT4_MAX: Final = 2**31 - 1
Status = Literal[
    "accepted", "running", "waiting_approval", "in_doubt", "stalled", "parked", "paused", "ending",
    "completed", "failed", "cancelled", "refused", "open",
]  # fmt: skip
Text = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Moment = Annotated[datetime | None, Query(description="RFC 3339; UTC where it names no zone.")]
Attributes = Annotated[
    list[str] | None,
    Query(
        max_length=ATTRIBUTES_ASKED_MAX,
        description="name:value, as desk:disputes; the value is a number, true or false if it looks like one, "
        'else a string; "7" is a string too. Several: all of them.',
    ),
]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What all runs of a list have in common. Times are ms since the Unix epoch: `after` is that or later, `before`
    earlier. `pairs` are search attributes as penstock.schemas.attributes.pair gives them."""

    workflow: str | None = None
    version: int | None = None
    status: str | None = None
    requester: str | None = None
    created_after_ms: int | None = None
    created_before_ms: int | None = None
    ended_after_ms: int | None = None
    ended_before_ms: int | None = None
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: below this run, in the order newest first."""

    created_at_ms: int
    run_id: str


def filter_of(
    workflow: Text = None,
    version: Annotated[int | None, Query(ge=1, le=INT4_MAX)] = None,
    status: Annotated[Status | None, Query(description="`open`: any that hasn't ended.")] = None,
    requester: Text = None,
    started_after: Moment = None,
    started_before: Moment = None,
    ended_after: Moment = None,
    ended_before: Moment = None,
    attribute: Attributes = None,
) -> RunFilter:
    """The filter of a request, as a dependency of its route. Raises a 422 problem."""
    return RunFilter(
        workflow,
        version,
        status,
        requester,
        _ms("started_after", started_after),
        _ms("started_before", started_before),
        _ms("ended_after", ended_after),
        _ms("ended_before", ended_before),
        tuple(sorted({_pair(given) for given in attribute or ()})),
    )


def cursor_of(place: Place, tenant: str, chosen: RunFilter) -> str:
    """A place as text that says nothing to anybody else."""
    return places.cursor_of(place.created_at_ms, place.run_id, [tenant, asdict(chosen)])


def place_of(cursor: str | None, tenant: str, chosen: RunFilter) -> Place | None:
    """What cursor_of was given. Raises a 422 problem for what it never gave, or gave for another list."""
    found = places.place_of(cursor, [tenant, asdict(chosen)])
    return None if found is None else Place(*found)


def _ms(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return round(aware.timestamp() * 1000)
    except (OverflowError, ValueError) as error:
        raise Problem(422, "invalid-request", "Invalid request", f"Correct `{name}`: {error}.") from error


def _pair(given: str) -> str:
    name, separator, text = given.partition(":")
    try:
        if not separator:
            raise InvalidAttributes("write name:value")
        return pair(name, _value(text))
    except InvalidAttributes as error:
        raise Problem(422, "invalid-request", "Invalid request", f"Correct `attribute`: {error}.") from error


def _value(text: str) -> str | int | float | bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    plain = isinstance(found, str | int) or (isinstance(found, float) and math.isfinite(found))
    return found if plain else text
