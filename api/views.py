"""The API's own reading of the views. Every query names the tenant, so that others' rows can't come out (B2), and is
asked as a database role that sees no others: where one of both walls has a hole, the other stands. Only what
nobody outside is shown, such as how many runs are open, is asked without a tenant.
"""

import asyncio
import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from penstock.api.callers import Caller
from penstock.api.problems import Problem, unavailable
from penstock.runtime.postgres_tenants import Away, Walls
from penstock.runtime.settings import Settings

WAIT_S: Final = 2.0
ANSWER_S_DEFAULT: Final = 5.0
CONNECTIONS_MAX_DEFAULT: Final = 8
Columns = dict[str, Any]

_RUN: Final = """
SELECT run_id, workflow, workflow_version, status, requester, body_sha256, result, error, last_seq,
       started_at_ms, deadline_ms, ended_at_ms, last_event_at_ms
FROM views.run WHERE run_id = %(run_id)s AND tenant = %(tenant)s"""

_EVENTS: Final = """
SELECT e.seq, e.event_id, e.type, e.time_ms, e.actor, e.cause_id, e.cause_topic, e.cause_partition,
       e.cause_offset, e.cause_time_ms, e.cause_index, e.cause_count, e.topic, e.partition, e."offset",
       e.event
FROM views.run_event AS e JOIN views.run AS r USING (run_id)
WHERE run_id = %(run_id)s AND r.tenant = %(tenant)s AND e.seq >= %(from_seq)s
ORDER BY e.seq LIMIT %(limit)s"""

_APPROVALS: Final = """
SELECT approval_id, run_id, tool, tool_version, arguments, args_sha256, role, quorum, status, requester,
       decided_by, rule, reason, requested_at_ms, decided_at_ms, expires_at_ms, voters, delegate, delegated_by,
       escalate_to, escalate_at_ms, escalated_by, escalated_at_ms,
       coalesce(requested_at_ms, decided_at_ms, 0) AS place_ms,
       (SELECT r.requesters_before FROM views.run_row AS r WHERE r.run_id = a.run_id) AS requesters_before
FROM views.approval AS a WHERE tenant = %(tenant)s
  AND (%(after_id)s::text IS NULL
       OR (coalesce(requested_at_ms, decided_at_ms, 0), approval_id) > (%(after_ms)s, %(after_id)s))
  AND (%(approval_id)s::text IS NULL OR approval_id = %(approval_id)s)
  AND (%(run_id)s::text IS NULL OR run_id = %(run_id)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(role)s::text IS NULL OR role = %(role)s)
  AND (%(voter)s::text IS NULL OR status = 'waiting' AND requester IS DISTINCT FROM %(voter)s
       AND %(voter)s <> ALL (voters)
       AND NOT EXISTS (SELECT FROM views.run_row AS r
                       WHERE r.run_id = a.run_id AND %(voter)s = ANY (r.requesters_before))
       AND (delegate = %(voter)s
            OR role = ANY(%(roles)s) AND (coalesce(quorum, 1) = 1 OR %(voter)s <> ALL (delegated_by))))
ORDER BY coalesce(requested_at_ms, decided_at_ms, 0), approval_id LIMIT %(limit)s"""

_EVERY_APPROVAL: Final[Columns] = dict.fromkeys(
    ("approval_id", "run_id", "status", "role", "voter", "roles", "after_ms", "after_id")
)

_CALL: Final = """
SELECT call_id, run_id, tool, attempt, status FROM views.tool_call
WHERE call_id = %(call_id)s AND tenant = %(tenant)s"""


_SHOWN: Final = "SELECT run_id FROM views.run_row WHERE run_id = ANY(%(run_ids)s)"
# Through the index of just these (migration 0005).
_OPEN: Final = """
SELECT tenant, count(*) AS open FROM views.run_row
WHERE phase IN ('accepted', 'running', 'stalled', 'ending') GROUP BY tenant"""


def database_away(error: Exception) -> Problem:
    """The views can't be read now; nothing was changed."""
    detail = f"The views can't be read ({type(error).__name__}): try again shortly."
    return unavailable("database-away", "Database away", detail)


class Views:
    """Asks the views in threads of its own, so that a slow database holds up nobody who doesn't ask it. Who does is
    answered within `answer_s`, also by a database that has stopped in the middle. Raises 503 problems.
    """

    def __init__(
        self,
        where: Settings | str,
        connections_max: int = CONNECTIONS_MAX_DEFAULT,
        answer_s: float = ANSWER_S_DEFAULT,
    ) -> None:
        """Connects in the background: a database that is away now is asked again later."""
        self._answer_s = answer_s
        self._threads = ThreadPoolExecutor(connections_max, "views")
        # As many as there are threads: what waits, waits here, where it leaves nothing behind when it gives up.
        self._free = asyncio.Semaphore(connections_max)
        self._walls = Walls(where, connections_max, "penstock.api")

    def close(self) -> None:
        """Let the connections go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._walls.close()

    async def run(self, tenant: str, run_id: str) -> Columns | None:
        """A run of the tenant's."""
        return _first(await self._ask(_RUN, {"tenant": tenant, "run_id": run_id}))

    async def events(self, tenant: str, run_id: str, from_seq: int, limit: int) -> list[Columns]:
        """The run's events from a seq on, in order."""
        asked = {"tenant": tenant, "run_id": run_id, "from_seq": from_seq, "limit": limit}
        return await self._ask(_EVENTS, asked)

    async def approvals(
        self,
        tenant: str,
        *,
        run_id: str | None = None,
        status: str | None = None,
        role: str | None = None,
        limit: int = 100,
        voter: Caller | None = None,
        after: tuple[int, str] | None = None,
    ) -> list[Columns]:
        """Approvals of the tenant's, oldest first, those after a place (`place_ms`, `approval_id`); of a `voter` those
        that this one may decide now. What a rule has granted stands at the time of its grant."""
        asked = _EVERY_APPROVAL | {
            "tenant": tenant,
            "run_id": run_id,
            "status": status,
            "role": role,
            "limit": limit,
        }
        own = {"voter": voter.subject, "roles": list(voter.roles)} if voter else {}
        place = {"after_ms": after[0], "after_id": after[1]} if after else {}
        return await self._ask(_APPROVALS, asked | own | place)

    async def approval(self, tenant: str, approval_id: str) -> Columns | None:
        """One approval of the tenant's."""
        asked = _EVERY_APPROVAL | {"tenant": tenant, "approval_id": approval_id, "limit": 1}
        return _first(await self._ask(_APPROVALS, asked))

    async def call(self, tenant: str, call_id: str) -> Columns | None:
        """One call of the tenant's."""
        return _first(await self._ask(_CALL, {"tenant": tenant, "call_id": call_id}))

    async def shown(self, run_ids: Collection[str]) -> Collection[str]:
        """Those of the runs that have a row."""
        if not run_ids:
            return ()
        return [row["run_id"] for row in await self._ask(_SHOWN, {"run_ids": list(run_ids)})]

    async def open_by_tenant(self) -> Mapping[str, int]:
        """How many runs haven't ended, as far as the views know."""
        return {row["tenant"]: row["open"] for row in await self._ask(_OPEN, {})}

    async def answers(self) -> None:
        """Raises a 503 problem unless the database answers and has the views."""
        (found,) = await self._ask("SELECT to_regclass('views.run_event') AS name", {})
        if found["name"] is None:
            raise unavailable(
                "not-migrated", "Views missing", "The database has no views: `penstock migrate`."
            )

    async def ask(self, select: str, values: Mapping[str, object]) -> list[Columns]:
        """The rows of another module's query, which names the tenant. Raises a 503 problem."""
        return await self._ask(select, values)

    async def work(self, statement: str, values: Mapping[str, object]) -> list[Columns]:
        """The rows of another module's statement on tables beside the views, as their owner, whom no wall keeps from
        anything. Raises a 503 problem.
        """
        return await self._ask(statement, values, whole=True)

    async def _ask(self, select: str, values: Mapping[str, object], whole: bool = False) -> list[Columns]:
        fitting = _fitting(values)
        if fitting is None:
            return []
        try:
            async with asyncio.timeout(self._answer_s):
                await self._free.acquire()
                loop = asyncio.get_running_loop()
                tenant = None if whole else values.get("tenant")
                asked = loop.run_in_executor(self._threads, self._asked, select, fitting, tenant)
                # A thread can't be ended: it is free again when the database has answered it.
                asked.add_done_callback(self._answered)
                return await asyncio.shield(asked)
        except TimeoutError as error:
            raise database_away(error) from error

    def _answered(self, asked: "asyncio.Future[list[Columns]]") -> None:
        self._free.release()
        if not asked.cancelled():
            # Whoever asked may have gone, and then nobody else looks at it.
            asked.exception()

    def _asked(self, select: str, values: Mapping[str, object], tenant: object) -> list[Columns]:
        try:
            walls = self._walls
            with walls.whole(WAIT_S) if tenant is None else walls.within(str(tenant), WAIT_S) as connection:
                cursor = connection.execute(select.encode(), values)
                names = [column.name for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        except Away as error:
            raise database_away(error) from error


# NUL, and halves of surrogate pairs.
_UNTEXT: Final = re.compile("[\x00\ud800-\udfff]")


def _fitting(values: Mapping[str, object]) -> dict[str, object] | None:
    """The same, without what no row can have; None if that leaves nothing that could match."""
    found: dict[str, object] = {}
    for name, value in values.items():
        kept = [each for each in value if _may_stand(each)] if isinstance(value, list) else value
        if not _may_stand(kept) or (isinstance(value, list) and value and not kept):
            return None
        found[name] = kept
    return found


def _may_stand(value: object) -> bool:
    """Whether Postgres takes it as text. What it doesn't take no row can have."""
    return not isinstance(value, str) or not _UNTEXT.search(value)


def _first(rows: list[Columns]) -> Columns | None:
    return rows[0] if rows else None
