"""What operators do beside runs: the resources that share a desk."""

from collections.abc import Iterator

from fastapi import APIRouter

from penstock.api import dead_letters, dead_letters_bulk, operator_actions
from penstock.api.dead_letter_desk import Desk
from penstock.api.door import Door


def routers(door: Door) -> Iterator[APIRouter]:
    """The routes of operators' actions and of dead letters."""
    desk = Desk(door)
    yield operator_actions.routes(door)
    # The bulk paths first: to the others `redrive` would be an id.
    yield dead_letters_bulk.routes(door, desk)
    yield dead_letters.routes(door, desk)
