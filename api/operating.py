"""What operators do beside runs: one router of the resources that share a desk."""

from fastapi import APIRouter

from penstock.api import dead_letters, dead_letters_bulk, operator_actions
from penstock.api.dead_letter_desk import Desk
from penstock.api.door import Door


def routes(door: Door) -> APIRouter:
    """The routes of operators' actions and of dead letters."""
    router = APIRouter()
    desk = Desk(door)
    router.include_router(operator_actions.routes(door))
    # The bulk paths first: to the others `redrive` would be an id.
    router.include_router(dead_letters_bulk.routes(door, desk))
    router.include_router(dead_letters.routes(door, desk))
    return router
