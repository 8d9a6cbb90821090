"""What a publisher gives for a record: the means to learn what became of it."""

import asyncio
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_all
from typing import Any

from penstock.producers.errors import LogError, NotYetAcknowledged
from penstock.producers.log import Record
from penstock.schemas.envelope.records import InputMeta


class Receipt:
    """The answer to come for one published input. Wait for it, or `await` it."""

    __slots__ = ("_future", "meta")

    def __init__(self, meta: InputMeta) -> None:
        self.meta = meta
        self._future: Future[Record] = Future()
        # As running it can't be cancelled: a caller who stops waiting doesn't undo what was handed over.
        self._future.set_running_or_notify_cancel()

    @property
    def is_done(self) -> bool:
        """Whether the log has answered, either way."""
        return self._future.done()

    def wait(self, timeout_s: float | None = None) -> Record:
        """Block until the log has answered; the record as it stands there.

        Raises NotYetAcknowledged after `timeout_s` seconds (None: wait as long as it takes), LogRefused when
        the log refused for good.
        """
        try:
            return self._future.result(timeout_s)
        except TimeoutError:
            raise NotYetAcknowledged(
                f"{self.meta.type} {self.meta.id} was not acknowledged in {timeout_s:g} s: it may stand on "
                "the log, now or later; wait again, or publish it again under the same id"
            ) from None

    def __await__(self) -> Generator[Any, None, Record]:
        """As `wait` without a limit; put it under `asyncio.timeout` for one."""
        return asyncio.wrap_future(self._future).__await__()

    def answer(self, outcome: Record | LogError) -> None:
        """What became of it; called once, by the publisher."""
        if isinstance(outcome, LogError):
            self._future.set_exception(outcome)
        else:
            self._future.set_result(outcome)


def count_unanswered(receipts: Iterable[Receipt], timeout_s: float | None) -> int:
    """Wait until all are answered, up to `timeout_s` seconds (None: without limit); how many still aren't."""
    return len(wait_for_all([receipt._future for receipt in receipts], timeout_s).not_done)
