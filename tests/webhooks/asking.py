"""Runs that ask, on the log of a test's world."""

import uuid

from tests.views.histories import approval_of, asked, started
from tests.webhooks.conftest import World


def new_run() -> str:
    return str(uuid.uuid4())


def ask(world: World, run: str | None = None, *, step: int = 1) -> str:
    """A run asks a question; the question's id."""
    run = run or new_run()
    world.emit(started(), asked(run, step), run=run)
    return approval_of(run, step)
