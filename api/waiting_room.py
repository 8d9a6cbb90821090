"""Those who wait for runs to end: a bounded number of them, behind one query that asks for all.

Reads: views.run_row, a few times a second and only while somebody waits. Guarantees: nobody holds a connection while
waiting; who leaves is forgotten at once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from fastapi import Request

from penstock.api.problems import Problem, unavailable
from penstock.api.views import Views

LOOK_EVERY_S: Final = 0.1
_ENDED: Final = """
SELECT run_id FROM views.run_row
WHERE run_id = ANY(%(run_ids)s) AND phase IN ('completed', 'failed', 'cancelled', 'refused')"""


class WaitingRoom:
    """For the one event loop of the API's process. A tenant may have half of the places."""

    def __init__(self, views: Views, places_max: int) -> None:
        self._views = views
        self._places_max = places_max
        self._tenant_max = max(1, places_max // 2)
        self._tenants: Counter[str] = Counter()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def taken(self) -> int:
        """How many wait now."""
        return self._tenants.total()

    async def wait(self, request: Request, tenant: str, run_id: str, wait_s: float) -> None:
        """Until the run has ended, the time is over, or the client has gone. Raises a 503 problem if it is full."""
        with self._place(tenant, run_id) as ended:
            tasks = {asyncio.create_task(ended.wait()), asyncio.create_task(_gone(request))}
            try:
                await asyncio.wait(tasks, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def _place(self, tenant: str, run_id: str) -> Iterator[asyncio.Event]:
        if self.taken >= self._places_max or self._tenants[tenant] >= self._tenant_max:
            raise _full(self._places_max, self._tenant_max)
        ended = asyncio.Event()
        self._tenants[tenant] += 1
        self._waiting.setdefault(run_id, set()).add(ended)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield ended
        finally:
            self._tenants[tenant] -= 1
            if not self._tenants[tenant]:
                del self._tenants[tenant]
            left = self._waiting[run_id]
            left.discard(ended)
            if not left:
                del self._waiting[run_id]

    async def _look(self) -> None:
        while self._waiting:
            began_s = time.monotonic()
            # The database is away for a moment: whoever waits goes on waiting, for as long as was asked.
            with suppress(Problem):
                for row in await self._views.ask(_ENDED, {"run_ids": list(self._waiting)}):
                    for ended in self._waiting.get(row["run_id"], ()):
                        ended.set()
            # A slow database is asked less often.
            await asyncio.sleep(max(LOOK_EVERY_S, 2 * (time.monotonic() - began_s)))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _full(places_max: int, tenant_max: int) -> Problem:
    detail = (
        f"As many wait for results here as may, {places_max}, or {tenant_max} of this tenant. Ask again after "
        "Retry-After seconds, or without wait_s."
    )
    return unavailable("waiting-room-full", "Waiting room full", detail, 5)
