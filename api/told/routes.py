"""Which shape each route's successes have."""

from collections.abc import Mapping
from typing import Final

from penstock.api.told.serving import Live, Me, Ready

# By route: one for all its successes, or by status.
SHAPES: Final[Mapping[str, type | Mapping[str, type]]] = {
    "GET /health/live": Live,
    "GET /health/ready": Ready,
    "GET /v1/me": Me,
}


def shape_of(route: str, status: str) -> type | None:
    """What a success of that status looks like, where the route's own declaration doesn't say it."""
    found = SHAPES.get(route)
    return found.get(status) if isinstance(found, Mapping) else found
