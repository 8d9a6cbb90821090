"""What is new in the views, read once for all event streams of this process, and handed to those it concerns.

Reads: the views, with one question a look, and only while there are streams. Guarantees: a subscription gets every
event that it wants from the places on at which it began, in the order of each partition, or is told that it missed
some; then it reads them itself. What waits for a stream is bounded, whatever its client does.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from penstock.api.event_rows import Batch, Event, EventRows
from penstock.api.problems import Problem

log = logging.getLogger("penstock.api.streams")

# A look takes under 1 ms of each core while nothing is new (docs/adr/0012-streams-from-the-views.md).
PACE_S_MIN: Final = 0.02
PACE_S_MAX: Final = 0.1
AWAY_S: Final = 1.0
# What may wait for one stream. A client that is slower reads from the database, at its own pace.
WAITING_EVENTS_MAX: Final = 200
WAITING_BYTES_MAX: Final = 512 * 1024


class Closed(Exception):
    """The process ends, or can't go on: say goodbye."""


class Subscription:
    """What one stream waits for. `wants` says which of the events of its run or its tenant."""

    def __init__(self, key: tuple[str, str], wants: Callable[[Event], bool]) -> None:
        self.key = key
        self.wants = wants
        self.missed = True
        self.began: Mapping[int, int] = {}
        self.closed = False
        self._waiting: deque[Event] = deque()
        self._bytes = 0
        self._woken = asyncio.Event()

    def begin(self, positions: Mapping[int, int]) -> None:
        """Take everything from these places on."""
        self._drop()
        self.missed = False
        self.began = dict(positions)

    def push(self, event: Event) -> None:
        """Keep it until it is taken, if there is room."""
        if self.missed:
            return
        full = len(self._waiting) >= WAITING_EVENTS_MAX or self._bytes + event.size > WAITING_BYTES_MAX
        # One that is too large by itself is kept all the same: reading would find nothing smaller.
        if full and self._waiting:
            self.miss()
            return
        self._waiting.append(event)
        self._bytes += event.size
        self._woken.set()

    def miss(self) -> None:
        """What comes now isn't kept: it must be read."""
        self._drop()
        self.missed = True
        self._woken.set()

    def close(self) -> None:
        """Whoever waits is told."""
        self.closed = True
        self._woken.set()

    async def take(self, seconds: float) -> Sequence[Event]:
        """What has come, waiting so long for the first; nothing after that, or if some was missed. Raises Closed."""
        if not (self._waiting or self.missed or self.closed):
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
        if self.closed:
            raise Closed
        taken = tuple(self._waiting)
        self._drop()
        return taken

    @property
    def idle(self) -> bool:
        """It has all that the hub has looked at."""
        return not self._waiting and not self.missed

    def _drop(self) -> None:
        self._waiting.clear()
        self._bytes = 0
        self._woken.clear()


class Hub:
    """One a process; everything happens on its event loop."""

    def __init__(self, rows: EventRows) -> None:
        self._rows = rows
        self._streams: dict[tuple[str, str], set[Subscription]] = defaultdict(set)
        self._positions: dict[int, int] | None = None
        # Nothing had moved when it looked last: then it asks only whether anything has.
        self._still = False
        self._looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def positions(self) -> Mapping[int, int] | None:
        """All before these was looked at; None before the first look."""
        return self._positions

    def add(self, subscription: Subscription) -> None:
        """Look for it too. Raises Closed."""
        if self._closed:
            raise Closed
        self._streams[subscription.key].add(subscription)
        if self._task is None:
            self._positions = None
            self._task = asyncio.create_task(self._look_again_and_again(), name="streams")
            self._task.add_done_callback(self._ended)

    def remove(self, subscription: Subscription) -> None:
        """It is gone; so is the hub, with the last one."""
        own = self._streams.get(subscription.key)
        if own is not None:
            own.discard(subscription)
            if not own:
                del self._streams[subscription.key]
        if not self._streams and self._task is not None:
            self._task.cancel()
            self._task = None

    async def look(self, subscription: Subscription, seconds: float) -> None:
        """Wait for the next look, so long at most. Raises Closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._looked.wait()
        if subscription.closed:
            raise Closed

    def close(self) -> None:
        """Every stream is told to end, and no other begins."""
        self._closed = True
        self._tell_all(Subscription.close)
        self._told()

    async def _look_again_and_again(self) -> None:
        pace_s = PACE_S_MIN
        while True:
            try:
                moved = await self._look()
            except Problem as problem:
                log.warning("streams wait: %s", problem.detail)
                await asyncio.sleep(AWAY_S)
                continue
            self._told()
            pace_s = PACE_S_MIN if moved else min(PACE_S_MAX, pace_s * 1.5)
            await asyncio.sleep(pace_s)

    async def _look(self) -> bool:
        """Read what is new and hand it out; whether anything had moved."""
        before = self._positions
        if before is None:
            self._positions = dict((await self._rows.positions()).positions)
            return True
        if self._still and dict((await self._rows.positions()).positions) == before:
            return False
        tenants = [name for kind, name in self._streams if kind == "tenant"]
        run_ids = [name for kind, name in self._streams if kind == "run"]
        batch = await self._rows.since(before, tenants=tenants, run_ids=run_ids)
        self._hand_out(batch)
        # Views that are made anew, or lost what wasn't on the disk, take it back: streams know what they have.
        self._positions = {**before, **batch.reached}
        self._still = self._positions == before
        return not self._still

    def _hand_out(self, batch: Batch) -> None:
        for event in batch.events:
            for key in (("run", event.run_id), ("tenant", event.tenant)):
                for subscription in self._streams.get(key, ()):
                    if subscription.wants(event):
                        subscription.push(event)

    def _tell_all(self, what: Callable[[Subscription], None]) -> None:
        for own in self._streams.values():
            for subscription in own:
                what(subscription)

    def _told(self) -> None:
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A defect ends the streams, not the process: clients come back."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("streams end", exc_info=error)
            self._task = None if self._task is task else self._task
            self._tell_all(Subscription.close)
