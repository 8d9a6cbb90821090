"""How long a log waits for its broker: for ever, until it is closed or told to hope no more."""

import time

from penstock.producers.errors import LogRefused


class Stop:
    """When a log gives up waiting for the broker: some time after it was closed, or was told to."""

    def __init__(self) -> None:
        self._at: float | None = None

    def after(self, seconds: float) -> None:
        """Give up so many seconds from now, or when it was to be done anyway."""
        at = time.monotonic() + seconds
        self._at = at if self._at is None else min(self._at, at)

    @property
    def is_due(self) -> bool:
        """Whether the time has come."""
        return self._at is not None and time.monotonic() >= self._at

    def refuse_if_due(self) -> None:
        """Raise LogRefused to who would wait on."""
        if self.is_due:
            raise LogRefused("this log was told to wait for its broker no more")
