"""Every resource of the API, in the order in which paths are looked up."""

from collections.abc import Iterator

from fastapi import APIRouter

from penstock.api import (
    approval_control,
    approvals,
    calls,
    cancellations,
    case_reviews,
    dead_letters,
    dead_letters_bulk,
    event_streams,
    health,
    keys,
    metrics,
    operator_actions,
    retries,
    run_commands,
    run_control,
    run_resources,
    run_results,
    runs,
    workflows,
)
from penstock.api.dead_letter_desk import Desk
from penstock.api.door import Door
from penstock.api.key_ring import KeyRing
from penstock.api.sending import Streams
from penstock.runtime.telemetry import Telemetry

_OF_THE_DOOR = (
    case_reviews,
    cancellations,
    workflows,
    run_resources,
    run_commands,
    run_results,
    runs,
    run_control,
    retries,
    approvals,
    approval_control,
    calls,
    operator_actions,
    health,
)


def routers(door: Door, streams: Streams, ring: KeyRing, counted: Telemetry) -> Iterator[APIRouter]:
    """One router a resource."""
    # Before the pages of the same paths.
    yield from event_streams.routers(door, streams)
    for resource in _OF_THE_DOOR:
        yield resource.routes(door)
    desk = Desk(door)
    # The bulk paths first: to the others `redrive` would be an id.
    for letters in (dead_letters_bulk, dead_letters):
        yield letters.routes(door, desk)
    yield metrics.routes(door, counted)
    yield keys.routes(door, ring)
