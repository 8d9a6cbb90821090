"""Filing what is noticed at once, and letting go of what is saved.

Notices are filed with the position, which may be seconds later; people shouldn't wait for that. So those of partitions
that have been read up to their end are filed right away as well, in a thread of its own. It may lose them: filing again
is harmless, and the position's transaction does it in any case.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from penstock.streams.background import Background
from penstock.streams.snapshots import Holding, Snapshots
from penstock.streams.transactions import AWAY, Transactions
from penstock.streams.webhooks.ports import Known, Notice, file
from penstock.streams.webhooks.senders import Senders

log = logging.getLogger("penstock.streams.webhooks")

# Under load so many statements a second, each for all that has come meanwhile; fewer while nobody wants to know.
PACE_S: Final = 0.05
UNWANTED_PACE_S: Final = 0.25
AGAIN_S: Final = 1.0
AHEAD_MAX: Final = 10_000


class NoticeSnapshots(Snapshots[Known]):
    """What a snapshot has taken in of notices needn't be kept: it is saved, or sent again as it was."""

    def save(self, holdings: Iterable[Holding[Known]]) -> set[int]:
        holdings = list(holdings)
        passing = [
            (held, key)
            for held in holdings
            if held.position > held.saved
            for key in held.unsaved
            if isinstance(held.open_work.get(key), Notice)
        ]
        try:
            return super().save(holdings)
        finally:
            for held, key in passing:
                # Unless it failed before it came to these.
                if key not in held.unsaved:
                    held.open_work.forget(key)


class Notifying:
    """The act of the webhooks effector: files, and owns who posts."""

    def __init__(
        self,
        transactions: Transactions,
        background: Background,
        senders: Senders,
        on_filed: Callable[[], None],
    ) -> None:
        self._transactions = transactions
        self._senders = senders
        self._on_filed = on_filed
        self._changed = threading.Condition()
        # The oldest go first: what is lost here is filed with the position.
        self._waiting: deque[Notice] = deque(maxlen=AHEAD_MAX)
        self._closed = False
        self._thread = background.start("filing", self._run)

    def open(self, partition: int, work: Known) -> None:
        if isinstance(work, Notice):
            with self._changed:
                self._waiting.append(work)
                self._changed.notify()

    def settled(self, key: str) -> None:
        """Nothing settles a notice: an event that stands has happened."""

    def drop(self, partition: int) -> None:
        """What was noticed is true whoever owns the partition."""

    def close(self, deadline_s: float) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._senders.close(deadline_s)
        self._thread.join(1.0)
        self._transactions.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                notices = list(self._waiting)
                self._waiting.clear()
            try:
                filed = self._transactions.once(lambda session: file(session, notices))  # noqa: B023 called at once
                if filed:
                    self._on_filed()
                time.sleep(PACE_S if filed else UNWANTED_PACE_S)
            except AWAY as error:
                log.info("%d notices are filed with the position: %s", len(notices), str(error).strip())
                time.sleep(AGAIN_S)
