"""How a command waits for what it has asked for, and with which code it ends then."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import typer

from penstock.runtime.effects import PENDING

T = TypeVar("T")

DONE: Final = 0
NOT_DONE: Final = 1
NOT_YET: Final = 3
LOOK_EVERY_S: Final = 0.2


def until(look: Callable[[], T | None], wait_s: float) -> T | None:
    """What `look` finds, as soon as it finds something; None if it doesn't within `wait_s`."""
    end_s = time.monotonic() + wait_s
    while True:
        found = look()
        if found is not None or time.monotonic() >= end_s:
            return found
        time.sleep(LOOK_EVERY_S)


def leave(outcome: str) -> None:
    """typer.Exit with 1 for what wasn't taken, with 3 for what nobody has decided yet; otherwise nothing."""
    if outcome == PENDING:
        raise typer.Exit(NOT_YET)
    if outcome in ("refused", "parked", "dead_letter"):
        raise typer.Exit(NOT_DONE)
