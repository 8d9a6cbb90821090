"""What every harm shares: how healing looks, and harm that goes on in a thread until it is healed."""

import threading
from collections.abc import Callable
from typing import Final, TypeAlias

# What came of it; None: it can't be healed yet, ask again.
Heal: TypeAlias = Callable[[], str | None]
END_S: Final = 60.0
# What is told of a worker that was armed to die at a point.
FIRED: Final = "fired"
NEVER_FIRED: Final = "NEVER FIRED"


class HarmFailed(Exception):
    """A fault couldn't be done, or undone: the round says nothing about the product."""


def healed() -> str:
    """There is nothing to heal."""
    return ""


def told(step: Callable[[], object]) -> str:
    """Heal by that step; nothing came of it that is worth telling."""
    step()
    return ""


def meanwhile(harm: Callable[[], None], done: threading.Event) -> Heal:
    """Do harm in a thread until `done` is set by the healing."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            harm()
        except Exception as error:  # noqa: BLE001 told by the healing
            failed.append(error)

    thread = threading.Thread(target=guarded, name="harm", daemon=True)
    thread.start()

    def heal() -> str:
        done.set()
        thread.join(END_S)
        if failed or thread.is_alive():
            raise HarmFailed(f"the harm didn't end well: {failed}")
        return ""

    return heal
