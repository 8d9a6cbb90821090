"""What is kept of bulk operations while they go on: the rows of penstock.bulk and penstock.bulk_run.

Guarantees: one statement a step, so that each is done or not; a step of whoever isn't the driver any more, or of an
operation that was stopped, changes nothing and says so.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from penstock.api.callers import Caller
from penstock.api.run_filters import Place, RunFilter
from penstock.api.views import Columns, Views

LEASE_S: Final = 30

_THERE: Final = "SELECT to_regclass('penstock.bulk_run') IS NOT NULL AS there"
ADD: Final = """
INSERT INTO penstock.bulk (bulk_id, tenant, kind, words, chosen, subject, roles, caller_kind, status, asked_at_ms)
VALUES (%(bulk_id)s, %(tenant)s, %(kind)s, %(words)s, %(chosen)s, %(subject)s, %(roles)s, %(caller_kind)s, 'running',
        %(asked_at_ms)s)
ON CONFLICT DO NOTHING RETURNING bulk_id"""
ONE: Final = """
SELECT *, lease_until > now() AS driven FROM penstock.bulk WHERE bulk_id = %(bulk_id)s AND tenant = %(tenant)s"""
COUNTS: Final = (
    "SELECT state, count(*) AS runs FROM penstock.bulk_run WHERE bulk_id = %(bulk_id)s GROUP BY state"
)
RUNS: Final = """
SELECT b.n, b.run_id, b.tells, b.state, b.error, e.type AS came_of, e.seq, e.event ->> 'reason' AS reason,
       left(coalesce(e.event ->> 'detail', e.event ->> 'note'), 2000) AS detail
FROM (SELECT * FROM penstock.bulk_run WHERE bulk_id = %(bulk_id)s AND n > %(after)s ORDER BY n LIMIT %(limit)s) AS b
LEFT JOIN LATERAL (SELECT type, seq, event FROM views.run_event AS e
  WHERE e.run_id = coalesce(b.tells, b.run_id) AND (e.cause_id = b.input_id OR b.tells IS NOT NULL)
  ORDER BY seq LIMIT 1) AS e ON true ORDER BY b.n"""
STOP: Final = """
UPDATE penstock.bulk SET status = 'stopped', stopped_by = %(subject)s, ended_at_ms = %(now_ms)s
WHERE bulk_id = %(bulk_id)s AND tenant = %(tenant)s AND status = 'running' RETURNING bulk_id"""
_TAKE: Final = f"""
UPDATE penstock.bulk SET driver = %(driver)s, lease_until = now() + interval '{LEASE_S} s'
WHERE bulk_id = (SELECT bulk_id FROM penstock.bulk WHERE status = 'running' AND lease_until <= now()
  ORDER BY asked_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *"""
_MINE: Final = "bulk_id = %(bulk_id)s AND driver = %(driver)s AND status = 'running'"
_LET_GO: Final = f"UPDATE penstock.bulk SET lease_until = now() WHERE {_MINE} RETURNING bulk_id"
_UNSAID: Final = """
SELECT n, run_id, input_id FROM penstock.bulk_run WHERE bulk_id = %(bulk_id)s AND state = 'saying' ORDER BY n
LIMIT %(limit)s"""
_PLAN: Final = f"""
WITH mine AS (
  UPDATE penstock.bulk SET place_ms = %(place_ms)s, place_id = %(place_id)s,
    runs = runs + cardinality(%(run_ids)s::text[]),
    lease_until = now() + interval '{LEASE_S} s' WHERE {_MINE} RETURNING bulk_id, runs),
planned AS (
  INSERT INTO penstock.bulk_run (bulk_id, n, run_id, input_id, tells, state)
  SELECT bulk_id, runs - cardinality(%(run_ids)s::text[]) + at, run_id, input_id, tells, 'saying'
  FROM mine, unnest(%(run_ids)s::text[], %(input_ids)s::text[], %(tells)s::text[])
    WITH ORDINALITY AS one (run_id, input_id, tells, at))
SELECT bulk_id FROM mine"""
_SAID: Final = """
UPDATE penstock.bulk_run AS b SET state = one.state, error = one.error
FROM unnest(%(ns)s::bigint[], %(states)s::text[], %(errors)s::text[]) AS one (n, state, error)
WHERE b.bulk_id = %(bulk_id)s AND b.n = one.n RETURNING b.n"""
_END: Final = f"""
UPDATE penstock.bulk SET status = 'done', ended_at_ms = %(now_ms)s WHERE {_MINE} RETURNING runs"""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is asked of many runs. `words` is what each is told, as JSON."""

    bulk_id: str
    caller: Caller
    kind: str
    words: dict[str, Any]
    chosen: RunFilter
    asked_at_ms: int


def bulk_of(row: Columns) -> Bulk:
    """From its row."""
    chosen = json.loads(row["chosen"])
    return Bulk(
        row["bulk_id"],
        Caller(row["tenant"], row["subject"], tuple(row["roles"]), row["caller_kind"]),
        row["kind"],
        json.loads(row["words"]),
        RunFilter(**{**chosen, "pairs": tuple(chosen["pairs"])}),
        row["asked_at_ms"],
    )


def values_of(bulk: Bulk) -> dict[str, Any]:
    """What ADD takes."""
    return {
        "bulk_id": bulk.bulk_id,
        "kind": bulk.kind,
        "words": json.dumps(bulk.words),
        "chosen": json.dumps(asdict(bulk.chosen)),
        "tenant": bulk.caller.tenant,
        "subject": bulk.caller.subject,
        "roles": list(bulk.caller.roles),
        "caller_kind": bulk.caller.kind,
        "asked_at_ms": bulk.asked_at_ms,
    }


class BulkRows:
    """For one process; `driver` is its name among those that drive."""

    def __init__(self, views: Views, driver: str) -> None:
        self._views = views
        self._driver = driver

    async def there(self) -> bool:
        """Whether the database has the tables yet."""
        (row,) = await self._views.work(_THERE, {})
        return bool(row["there"])

    async def add(self, bulk: Bulk) -> None:
        """Have it done, from now on by whoever takes it first; nothing if it is known."""
        await self._views.work(ADD, values_of(bulk))

    async def one(self, tenant: str, bulk_id: str) -> Columns | None:
        """An operation of the tenant's."""
        found = await self._views.work(ONE, {"tenant": tenant, "bulk_id": bulk_id})
        return found[0] if found else None

    async def counts(self, bulk_id: str) -> dict[str, int]:
        """How many runs are in each state."""
        found = await self._views.work(COUNTS, {"bulk_id": bulk_id})
        return {row["state"]: row["runs"] for row in found}

    async def runs(self, bulk_id: str, after: int, limit: int) -> list[Columns]:
        """What was done to each run, from a number on."""
        return await self._views.work(RUNS, {"bulk_id": bulk_id, "after": after, "limit": limit})

    async def stop(self, caller: Caller, bulk_id: str, now_ms: int) -> bool:
        """No run is told any more but those that are being told; False if it had ended."""
        who = {"tenant": caller.tenant, "subject": caller.subject}
        return bool(await self._views.work(STOP, {"bulk_id": bulk_id, "now_ms": now_ms, **who}))

    async def take(self) -> Columns | None:
        """One that nobody drives."""
        found = await self._views.work(_TAKE, {"driver": self._driver})
        return found[0] if found else None

    async def let_go(self, bulk_id: str) -> None:
        """Somebody else may drive it at once."""
        await self._views.work(_LET_GO, {"bulk_id": bulk_id, "driver": self._driver})

    async def unsaid(self, bulk_id: str, limit: int) -> list[Columns]:
        """Runs that were to be told, and maybe were."""
        return await self._views.work(_UNSAID, {"bulk_id": bulk_id, "limit": limit})

    async def plan(
        self,
        bulk_id: str,
        place: Place,
        run_ids: Sequence[str],
        input_ids: Sequence[str],
        tells: Sequence[str | None],
    ) -> bool:
        """These are told next, and then it goes on below the place; False if it isn't this driver's, or was stopped.
        `tells`: whom each one's input is for, None if it is for the run itself."""
        where = {"place_ms": place.created_at_ms, "place_id": place.run_id}
        what = {"run_ids": list(run_ids), "input_ids": list(input_ids), "tells": list(tells)}
        return bool(await self._views.work(_PLAN, {**self._mine(bulk_id), **where, **what}))

    async def said(self, bulk_id: str, told: Sequence[tuple[int, str | None]]) -> None:
        """These were told, or why not."""
        ns, errors = [n for n, _ in told], [error for _, error in told]
        states = ["said" if error is None else "not_said" for error in errors]
        await self._views.work(_SAID, {"bulk_id": bulk_id, "ns": ns, "states": states, "errors": errors})

    async def end(self, bulk_id: str, now_ms: int) -> None:
        """All were told; nothing if it isn't this driver's, or was stopped."""
        await self._views.work(_END, {**self._mine(bulk_id), "now_ms": now_ms})

    def _mine(self, bulk_id: str) -> dict[str, str]:
        return {"bulk_id": bulk_id, "driver": self._driver}
