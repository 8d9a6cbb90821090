"""Every resource of the API, in the order in which paths are looked up."""

from collections.abc import Iterator

from fastapi import APIRouter

from penstock.api import (
    approval_control,
    approvals,
    bulk,
    callbacks,
    calls,
    cancellations,
    case_reviews,
    event_streams,
    feedback,
    health,
    keys,
    me,
    metrics,
    migrations,
    operating,
    retries,
    run_commands,
    run_control,
    run_resources,
    run_results,
    runs,
    schedule_control,
    schedule_mending,
    schedules,
    tools,
    webhooks,
    workflows,
)
from penstock.api.door import Door
from penstock.api.key_ring import KeyRing
from penstock.api.sending import Streams
from penstock.runtime.telemetry import Telemetry

_OF_THE_DOOR = (
    case_reviews,
    cancellations,
    workflows,
    tools,
    run_resources,
    run_commands,
    run_results,
    runs,
    run_control,
    migrations,
    retries,
    approvals,
    approval_control,
    calls,
    schedules,
    schedule_control,
    schedule_mending,
    callbacks,
    feedback,
    bulk,
    me,
    webhooks,
    health,
)


def routers(door: Door, streams: Streams, ring: KeyRing, counted: Telemetry) -> Iterator[APIRouter]:
    """One router a resource."""
    # Before the pages of the same paths.
    yield from event_streams.routers(door, streams)
    for resource in _OF_THE_DOOR:
        yield resource.routes(door)
    yield from operating.routers(door)
    yield metrics.routes(door, counted)
    yield keys.routes(door, ring)
