"""Who posts: one thread with an event loop, which takes deliveries that are due and posts some of them at once.

Guarantees: at most POSTS_MAX posts at once, and of one subscription as many as streams/webhooks/rows.py gives out; a
delivery that is under way when the process dies is taken again when its lease ends, and one that was cut off by closing
at once. While the database is away nothing is taken, and what came of posts is kept until it can be recorded.
"""

import asyncio
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeVar

from penstock.runtime import metric_names as names
from penstock.runtime.meters import PROCESS, Meters
from penstock.runtime.points import reach
from penstock.streams.background import Background
from penstock.streams.transactions import AWAY, Session, Transactions
from penstock.streams.webhooks import rows
from penstock.streams.webhooks.daemons import in_a_thread
from penstock.streams.webhooks.outcomes import Answer, Outcome, outcome
from penstock.streams.webhooks.rows import Due

log = logging.getLogger("penstock.streams.webhooks")
T = TypeVar("T")

POSTS_MAX: Final = 64
LOOK_EVERY_S: Final = 1.0
AGAIN_S: Final = 1.0
TIDY_EVERY_S: Final = 30.0
# What closing keeps of its time for recording what came of posts.
RECORD_S: Final = 1.0


class Posts(Protocol):
    """Whoever posts one delivery; the Poster is one."""

    async def post(self, due: Due) -> Answer:
        """What came of it."""
        ...

    async def close(self) -> None:
        """Let go of what is left."""
        ...


class Senders:
    """Begins with `start`, ends with `close`. `poster` is called in the thread that posts."""

    def __init__(
        self,
        transactions: Transactions,
        background: Background,
        poster: Callable[[], Posts],
        *,
        posts_max: int = POSTS_MAX,
        look_every_s: float = LOOK_EVERY_S,
        chance: Callable[[], float] = random.random,
        meters: Meters = PROCESS,
    ) -> None:
        self._transactions = transactions
        self._background = background
        self._make_poster = poster
        self._posts_max = posts_max
        self._look_every_s = look_every_s
        self._chance = chance
        self._counted = meters.total(names.WEBHOOK_POSTS)
        self._defect: BaseException | None = None
        self._posting: dict[asyncio.Task[Answer], Due] = {}
        self._ended: list[tuple[Due, Outcome]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake: asyncio.Event | None = None
        self._close_by_s: float | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> "Senders":
        """Take and post from now on."""
        self._thread = self._background.start("webhooks", lambda: asyncio.run(self._run()))
        return self

    def wake(self) -> None:
        """Something may be due. From any thread."""
        loop, awake = self._loop, self._awake
        if loop is not None and awake is not None:
            with suppress(RuntimeError):  # It has just ended.
                loop.call_soon_threadsafe(awake.set)

    def close(self, deadline_s: float) -> None:
        """Take nothing more, wait so long for what is under way, give back the rest."""
        self._close_by_s = time.monotonic() + deadline_s
        self.wake()
        if self._thread is not None:
            self._thread.join(deadline_s)
        self._transactions.close()

    async def _run(self) -> None:
        self._loop, self._awake = asyncio.get_running_loop(), asyncio.Event()
        poster, tidy_at_s = self._make_poster(), 0.0
        try:
            while self._close_by_s is None:
                self._awake.clear()
                if self._defect is not None:
                    raise self._defect
                await self._record()
                if time.monotonic() >= tidy_at_s:
                    tidy_at_s = time.monotonic() + TIDY_EVERY_S
                    await self._ask(rows.tidy)
                taken = await self._take()
                for due in taken:
                    task = asyncio.create_task(poster.post(due))
                    self._posting[task] = due
                    task.add_done_callback(self._note)
                if not taken:
                    await self._pause()
            await self._finish()
        finally:
            await poster.close()

    def _note(self, task: "asyncio.Task[Answer]") -> None:
        """A post is over. One that was cut off is given back; a defect of ours ends the worker, as everywhere."""
        due = self._posting.pop(task)
        reach("webhook-posted")
        if task.cancelled():
            return
        self._defect = self._defect or task.exception()
        if self._defect is None:
            came = outcome(task.result(), due.attempt, due.failures, self._chance(), datetime.now(UTC))
            self._ended.append((due, came))
        assert self._awake is not None
        self._awake.set()

    async def _take(self) -> list[Due]:
        free = self._posts_max - len(self._posting) - len(self._ended)
        if free <= 0 or self._close_by_s is not None:
            return []
        busy = Counter(due.webhook_id for due in self._posting.values())
        return await self._ask(lambda session: rows.take(session, busy, free)) or []

    async def _record(self) -> None:
        ended = sorted(self._ended, key=lambda one: one[0].name)
        if not ended:
            return
        said = await self._ask(lambda session: rows.record(session, ended))
        if said is None:
            return
        done = {due.name for due, _ in ended}
        self._ended = [one for one in self._ended if one[0].name not in done]
        for each in said:
            self._counted.add(1, each)

    async def _ask(self, work: Callable[[Session], T]) -> T | None:
        """In the thread that has the connection; None, after a pause, if the database is away."""
        try:
            return await in_a_thread(partial(self._transactions.once, work))
        except AWAY as error:
            if self._close_by_s is None:
                log.warning("webhooks wait: the database is away (%s)", str(error).strip())
                await asyncio.sleep(AGAIN_S)
            return None

    async def _pause(self) -> None:
        assert self._awake is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_every_s):
                await self._awake.wait()

    async def _finish(self) -> None:
        """Within the deadline: what is under way may end and is recorded, the rest is due again at once."""
        assert self._close_by_s is not None
        left_s = self._close_by_s - time.monotonic() - RECORD_S
        if self._posting and left_s > 0:
            await asyncio.wait(list(self._posting), timeout=left_s)
        cut_off, tasks = list(self._posting.values()), list(self._posting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._record()
        if cut_off:
            log.info("%d posts were cut off and come again", len(cut_off))
            await self._ask(lambda session: rows.give_back(session, cut_off))
