"""Threads beside a host's own: what fails in one of them ends the worker instead of being lost.

A host that goes on with a dead thread would look alive and do nothing, so the first error is kept for `check`
and told to `on_fault` at once.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable

log = logging.getLogger("penstock.streams.background")


def _keep_quiet(error: BaseException) -> None:
    """For tests and small programs, which call `check` themselves."""


class Background:
    """The daemon threads of one host, and the first error that one of them met."""

    def __init__(self, on_fault: Callable[[BaseException], None] = _keep_quiet) -> None:
        self.stopping = threading.Event()
        self._on_fault = on_fault
        self._fault: BaseException | None = None
        self._lock = threading.Lock()

    def start(self, name: str, body: Callable[[], None]) -> threading.Thread:
        """Run `body` in a daemon thread of that name."""
        thread = threading.Thread(target=self.guarded, args=(body,), name=name, daemon=True)
        thread.start()
        return thread

    def guarded(self, body: Callable[[], None]) -> None:
        """Run `body` here; its error ends the worker, not just this thread."""
        try:
            body()
        except Exception as error:  # noqa: BLE001 whatever it is, a thread must not die unseen
            self._report(error)

    @property
    def fault(self) -> BaseException | None:
        """What a thread met first."""
        return self._fault

    def check(self) -> None:
        """Raise what a thread met."""
        if self._fault is not None:
            raise self._fault

    def _report(self, error: BaseException) -> None:
        with self._lock:
            if self._fault is not None:
                return
            self._fault = error
        log.critical("a thread of this worker failed, so the worker must end", exc_info=error)
        self._on_fault(error)


def end_this_process(error: BaseException) -> None:
    """Ask this process to end as an operator would, so that it stops in order and is started again."""
    os.kill(os.getpid(), signal.SIGTERM)
