"""Event streams: GET /v1/runs/{id}/events and GET /v1/events for who accepts text/event-stream; and the latter's page.

docs/streams.md says what a client sees. A browser's EventSource, and whoever does as it does, needs nothing else.
"""

from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Header, Query
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from penstock.api.callers import READ, Caller
from penstock.api.cursors import Cursor, NoCursor
from penstock.api.door import Door
from penstock.api.event_rows import ENDED, document
from penstock.api.limits import EVENT_STREAM
from penstock.api.problems import Problem, unavailable
from penstock.api.sending import Streams
from penstock.api.telling import known
from penstock.api.tracks import RunTrack, TenantTrack, check

NOW: Final = "now"
BEGINNING: Final = "beginning"
SEQ_MAX: Final = 2**53
LIMIT_MAX: Final = 500
NO_CONTENT: Final = 204

Names = Annotated[
    list[str], Query(max_length=50, description="Only of these; give it once for each. All, if none.")
]
LastId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The last id that you got; goes before the query.")
]


class StreamRoute(APIRoute):
    """Answers only who accepts event streams; others find the route after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As Starlette says."""
        accepted = dict(scope.get("headers", ())).get(b"accept", b"").decode("latin-1")
        kinds = {kind.split(";")[0].strip().lower() for kind in accepted.split(",")}
        return super().matches(scope) if EVENT_STREAM in kinds else (Match.NONE, {})


def routers(door: Door, streams: Streams) -> tuple[APIRouter, ...]:
    """The routes of this resource, which come before the pages of the same paths."""
    return _streams(door, streams), _pages(door, streams)


def _streams(door: Door, streams: Streams) -> APIRouter:
    router = APIRouter(tags=["streams"], route_class=StreamRoute, include_in_schema=False)

    @router.get("/v1/runs/{run_id}/events", dependencies=[door.receipts.of_run])
    async def of_run(
        run_id: str,
        caller: Annotated[Caller, Depends(door.keys)],
        from_seq: Annotated[int, Query(ge=1, lt=SEQ_MAX)] = 1,
        last_event_id: LastId = None,
    ) -> Response:
        """The run's events from a seq on, as they come, until it has ended."""
        caller.needs(READ, "read a run")
        begin = from_seq if last_event_id is None else _seq(last_event_id) + 1
        row = await known(door, caller, run_id)
        if row is not None and row["status"] in ENDED and row["last_seq"] < begin:
            # To an EventSource this says that it needn't come back.
            return Response(status_code=NO_CONTENT)
        return streams.open(caller, RunTrack(streams.rows, caller.tenant, run_id, begin), door.keys.counts)

    @router.get("/v1/events")
    async def of_tenant(
        caller: Annotated[Caller, Depends(door.keys)],
        after: str = NOW,
        type: Names = [],  # noqa: B006 FastAPI copies it
        workflow: Names = [],  # noqa: B006
        last_event_id: LastId = None,
    ) -> Response:
        """All events of the tenant's runs after a place, as they come."""
        caller.needs(READ, "read runs")
        cursor = await _cursor(streams, after if last_event_id is None else last_event_id)
        track = TenantTrack(streams.rows, caller.tenant, cursor, type, workflow)
        return streams.open(caller, track, door.keys.counts)

    return router


def _pages(door: Door, streams: Streams) -> APIRouter:
    router = APIRouter(tags=["streams"])

    @router.get("/v1/events", responses={200: {"content": {EVENT_STREAM: {}}}})
    async def events(
        caller: Annotated[Caller, Depends(door.keys)],
        after: str = BEGINNING,
        type: Names = [],  # noqa: B006
        workflow: Names = [],  # noqa: B006
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> Response:
        """Events of the tenant's runs after a place: `beginning`, `now` or a token. Read on with after = next, at
        once if there is more. Each run's are in order. With Accept: text/event-stream they come as they happen."""
        caller.needs(READ, "read runs")
        cursor = await _cursor(streams, after)
        track = TenantTrack(streams.rows, caller.tenant, cursor, type, workflow)
        batch = await streams.rows.since(
            cursor.offsets, tenants=(caller.tenant,), types=type, workflows=workflow, events_max=limit
        )
        passed = {place: max(at, cursor.offsets.get(place, 0)) for place, at in batch.reached.items()}
        shown = {
            "events": [document(event, of_run=False) for event in batch.events if track.wants(event)],
            "next": Cursor(cursor.log, {**cursor.offsets, **passed}).token(),
            "more": not batch.whole,
        }
        return Response(orjson.dumps(shown), media_type="application/json")

    return router


def _seq(last_event_id: str) -> int:
    if last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= 16:
        seq = int(last_event_id)
        if seq < SEQ_MAX:
            return seq
    raise _unusable("a run's ids are its seqs: 0, or the last that you got")


async def _cursor(streams: Streams, after: str) -> Cursor:
    """The place that a caller names, checked against what there is."""
    try:
        cursor = None if after in (NOW, BEGINNING) else Cursor.parse(after)
    except NoCursor:
        raise _unusable("`now`, `beginning`, or an id or a `next` that you got, unchanged") from None
    views = await streams.rows.positions()
    if cursor is not None:
        check(cursor, views.log, views.firsts)
        return cursor
    if views.log is None:
        detail = "The views are empty, so there is no place to begin: start `penstock worker views`, and try again."
        raise unavailable("views-empty", "Views empty", detail)
    return Cursor(views.log, views.positions if after == NOW else views.firsts)


def _unusable(what: str) -> Problem:
    detail = f"The place to go on from can't be read. Correct Last-Event-ID or `after`: {what}."
    return Problem(422, "invalid-place", "Invalid place", detail)
