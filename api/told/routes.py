"""Which shape each route's successes have."""

from typing import Final

from penstock.api.told import (
    approvals,
    bulk,
    catalogue,
    events,
    keys,
    operating,
    reviews,
    runs,
    schedules,
    serving,
    webhooks,
)
from penstock.api.told.parts import Shapes

SHAPES: Final[Shapes] = {
    **approvals.SHAPES,
    **bulk.SHAPES,
    **catalogue.SHAPES,
    **events.SHAPES,
    **keys.SHAPES,
    **operating.SHAPES,
    **reviews.SHAPES,
    **runs.SHAPES,
    **schedules.SHAPES,
    **serving.SHAPES,
    **webhooks.SHAPES,
}


def shape_of(route: str, status: str) -> type | None:
    """What a success of that status looks like, where the route's own declaration doesn't say it."""
    found = SHAPES.get(route)
    return found if found is None or isinstance(found, type) else found.get(status)
