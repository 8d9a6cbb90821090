"""GET /health/live touches nothing; GET /health/ready asks database, log and configuration (B7)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse

from penstock.api.case_reviews import WORKFLOW
from penstock.api.door import Door
from penstock.api.problems import Problem
from penstock.producers.errors import LogError
from penstock.schemas.topics import RUN_INBOX

LOG_S: Final = 1.0
BELIEVED_S: Final = 1.0
RETRY_AFTER_S: Final = 2


class Probe:
    """Asks one question at a time, and believes a good answer for BELIEVED_S: whoever asks this needs no key, and must
    not be able to flood what is asked."""

    def __init__(
        self, ask: Callable[[], Awaitable[str | None]], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`ask` says what is wrong, None if nothing is."""
        self._ask = ask
        self._clock_s = clock_s
        self._good_until_s = 0.0
        self._asking: asyncio.Task[str | None] | None = None

    async def complaint(self) -> str | None:
        """As `ask`, or what it said a moment ago."""
        if self._clock_s() < self._good_until_s:
            return None
        if self._asking is None:
            self._asking = asyncio.create_task(self._asked())
        return await asyncio.shield(self._asking)

    async def _asked(self) -> str | None:
        try:
            complaint = await self._ask()
        finally:
            self._asking = None
        if complaint is None:
            self._good_until_s = self._clock_s() + BELIEVED_S
        return complaint


class LogProbe:
    """Asks the log for its bounds, with one question open at a time: a log that is away may never answer."""

    def __init__(self, door: Door) -> None:
        self._log = door.log
        self._asked: asyncio.Task[tuple[int, int]] | None = None

    async def complaint(self) -> str | None:
        """What is wrong with the log, None if nothing is."""
        if self._asked is None:
            self._asked = asyncio.create_task(asyncio.to_thread(self._log.bounds, RUN_INBOX, 0))
        done, _ = await asyncio.wait({self._asked}, timeout=LOG_S)
        if not done:
            return f"no answer in {LOG_S:g} s"
        asked, self._asked = self._asked, None
        error = asked.exception()
        if error is None:
            return None
        if not isinstance(error, LogError):
            raise error
        return str(error)


def routes(door: Door) -> APIRouter:
    """The routes of this resource; none needs a key."""
    router = APIRouter(tags=["health"], prefix="/health")
    log = Probe(LogProbe(door).complaint)
    database = Probe(lambda: _database(door))

    @router.get("/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @router.get("/ready")
    async def ready() -> JSONResponse:
        """Whether requests can be served: 200, or 503 with what is wrong."""
        checks: dict[str, str | None] = {
            "database": await database.complaint(),
            "log": await log.complaint(),
            "configuration": _configuration(door),
        }
        wrong = [name for name, complaint in checks.items() if complaint is not None]
        document: dict[str, Any] = {
            "status": "not ready" if wrong else "ready",
            "checks": {name: complaint or "ok" for name, complaint in checks.items()},
        }
        return JSONResponse(
            document, 503 if wrong else 200, {"Retry-After": str(RETRY_AFTER_S)} if wrong else None
        )

    return router


async def _database(door: Door) -> str | None:
    try:
        await door.views.answers()
    except Problem as problem:
        return str(problem.detail)
    return None


def _configuration(door: Door) -> str | None:
    if door.application.workflow(WORKFLOW, None) is None:
        return f"the application {door.application.name} registers no workflow {WORKFLOW}"
    return None
