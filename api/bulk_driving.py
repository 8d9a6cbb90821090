"""Drives bulk operations: page by page, each run told once, whoever dies in the middle.

Writes: penstock.run.inbox, penstock.operator.actions. Guarantees: a run's input has an id that follows from operation
and run, so that told again it is the same input; the operation stands on the log before the first run is told; one that
nobody drives any more is taken up by the next process that looks; memory for one page. Leases only save work.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from penstock.api.bulk_rows import Bulk, BulkRows, bulk_of
from penstock.api.bulk_telling import input_id_of, tell, told_run
from penstock.api.door import Door
from penstock.api.problems import Problem
from penstock.api.run_filters import Place
from penstock.api.run_views import page_of
from penstock.api.views import Columns
from penstock.schemas.ids import derived_id

log = logging.getLogger("penstock.api.bulk")

LOOK_EVERY_S: Final = 5.0
AGAIN_S: Final = 1.0
PAGE_RUNS: Final = 100
# So many at once are on their way to the log.
TOLD_AT_ONCE: Final = 20
OPERATIONS_MAX: Final = 2
_AWAY: Final = 503


class BulkDriver:
    """For the one event loop of the API's process."""

    def __init__(self, door: Door, rows: BulkRows) -> None:
        self._door = door
        self._rows = rows
        self._asked = asyncio.Event()
        self._free = asyncio.Semaphore(OPERATIONS_MAX)

    def look(self) -> None:
        """There is a new one."""
        self._asked.set()

    @asynccontextmanager
    async def running(self, app: object) -> AsyncIterator[None]:
        """Drives for as long as the block goes on. What is under way then is taken up once its lease has run out."""
        driving = asyncio.create_task(self._drive_all())
        try:
            yield
        finally:
            driving.cancel()
            with suppress(asyncio.CancelledError):
                await driving

    async def _drive_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._asked.clear()
                await self._free.acquire()
                row = await self._taken()
                if row is not None:
                    group.create_task(self._driven(bulk_of(row), _place(row)))
                    continue
                self._free.release()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._asked.wait()

    async def _taken(self) -> Columns | None:
        with suppress(Problem):
            if await self._rows.there():
                return await self._rows.take()
        return None

    async def _driven(self, bulk: Bulk, place: Place | None) -> None:
        try:
            await self._drive(bulk, place)
        except Problem as problem:
            # Log or database is away. Its row says where it goes on: whoever takes it next begins there.
            log.warning("bulk %s waits: %s", bulk.bulk_id, problem.detail)
            await self._let_go(bulk)
        except Exception:
            # Its lease runs out, and whoever takes it next tries again.
            log.exception("bulk %s can't be driven", bulk.bulk_id)
        finally:
            self._free.release()
            self.look()

    async def _let_go(self, bulk: Bulk) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            with suppress(Problem):
                await self._rows.let_go(bulk.bulk_id)
                return

    async def _drive(self, bulk: Bulk, place: Place | None) -> None:
        await self._recorded(
            bulk, f"run.bulk_{bulk.kind}", bulk.words | {"filter": _words(bulk)}, bulk.bulk_id
        )
        await self._say_what_is_left(bulk)
        while True:
            page = await page_of(
                self._door.views, bulk.caller.tenant, bulk.chosen, place, PAGE_RUNS, waiting=False
            )
            if not page.rows and page.next is None:
                break
            place = page.next or Place(page.rows[-1]["created_at_ms"], page.rows[-1]["run_id"])
            run_ids = [row["run_id"] for row in page.rows]
            input_ids = [input_id_of(bulk.bulk_id, run_id) for run_id in run_ids]
            tells = [told_run(bulk, run_id) for run_id in run_ids]
            if not await self._rows.plan(bulk.bulk_id, place, run_ids, input_ids, tells):
                return
            await self._say_what_is_left(bulk)
        row = await self._rows.one(bulk.caller.tenant, bulk.bulk_id)
        if row is not None and row["status"] == "running":
            # On the log first: who dies here says it again, under the same id.
            ended = derived_id(bulk.bulk_id, "ended")
            await self._recorded(bulk, f"run.bulk_{bulk.kind}_done", {"runs": row["runs"]}, ended)
            await self._rows.end(bulk.bulk_id, time.time_ns() // 1_000_000)

    async def _say_what_is_left(self, bulk: Bulk) -> None:
        while planned := await self._rows.unsaid(bulk.bulk_id, TOLD_AT_ONCE):
            await self._rows.said(bulk.bulk_id, await self._told(bulk, planned))

    async def _told(self, bulk: Bulk, planned: Sequence[Columns]) -> list[tuple[int, str | None]]:
        errors = await asyncio.gather(
            *(self._tell(bulk, row["run_id"], row["input_id"]) for row in planned), return_exceptions=True
        )
        for error in errors:
            if isinstance(error, BaseException):
                raise error
        return [(row["n"], str(error) if error else None) for row, error in zip(planned, errors, strict=True)]

    async def _tell(self, bulk: Bulk, run_id: str, input_id: str) -> str | None:
        """None if the log has it, else why it never will."""
        try:
            await tell(self._door, bulk, run_id, input_id)
        except Problem as problem:
            if problem.status_code == _AWAY:
                raise
            return problem.slug
        return None

    async def _recorded(self, bulk: Bulk, action: str, detail: Mapping[str, object], action_id: str) -> None:
        reason = str(bulk.words["reason"])
        await self._door.inbox.record(
            bulk.caller,
            lambda operators: operators.record(
                bulk.caller.actor, action, bulk.bulk_id, reason, detail, action_id=action_id
            ),
        )


def _place(row: Columns) -> Place | None:
    return None if row["place_id"] is None else Place(row["place_ms"], row["place_id"])


def _words(bulk: Bulk) -> dict[str, object]:
    named = {name: getattr(bulk.chosen, name) for name in bulk.chosen.__slots__}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in named.items() if value
    }
