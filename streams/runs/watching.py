"""The seam for steps that block: a decider has no clock, so its host watches while user code runs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from penstock.streams.runs.loop import Stall

# Entered with the run's id around everything that runs user code. It may raise Blocked, inside or on leaving.
Watchdog = Callable[[str], AbstractContextManager[None]]


class Blocked(Stall):
    """User code held the thread for too long; `dump` says where it stood.

    Raised by a watchdog: the decider makes the run RunStalled(blocked) of it. The thread that decides is the
    one that is blocked, so only something outside it (a timer thread that sets an asynchronous exception, or
    a dump and a verdict when the step returns at last) can raise it.
    """

    def __init__(self, dump: str) -> None:
        super().__init__("blocked", f"A step held the worker for too long.\n{dump}")


def interruption(dump: str) -> type[Blocked]:
    """Blocked as the interpreter can raise it in the blocked thread: a class that is made without arguments."""

    class Interrupted(Blocked):
        def __init__(self) -> None:
            super().__init__(dump)

    return Interrupted


@contextmanager
def unwatched(run_id: str) -> Iterator[None]:
    """The watchdog of tests and tools: none."""
    yield
