"""GET /v1/operator-actions: what operators of the tenant did, newest first (J6)."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query

from penstock.api.callers import Caller
from penstock.api.door import Door, moment
from penstock.api.views import Columns

READ_ACTIONS: Final = ("operator", "admin")
LIMIT_MAX: Final = 500
# All of a tenant's stand on one partition: the next page begins below the offset of the last one of this page,
# whatever has come on top meanwhile.
MARK: Final = r"^[0-9]{1,18}$"

_ACTIONS: Final = """
SELECT action_id, action, target, reason, detail, subject, actor, said_by, time_ms, partition, "offset"
FROM views.operator_action
WHERE tenant = %(tenant)s
  AND (%(action)s::text IS NULL OR action = %(action)s)
  AND (%(subject)s::text IS NULL OR subject = %(subject)s)
  AND (%(target)s::text IS NULL OR target = %(target)s)
  AND (%(below)s::bigint IS NULL OR "offset" < %(below)s)
ORDER BY "offset" DESC LIMIT %(limit)s"""

Word = Annotated[str | None, Query(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Mark = Annotated[str | None, Query(pattern=MARK)]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["operator actions"])

    @router.get("/v1/operator-actions")
    async def operator_actions(
        caller: Annotated[Caller, Depends(door.keys)],
        action: Word = None,
        subject: Word = None,
        target: Word = None,
        cursor: Mark = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """What operators of the tenant did, newest first. Read on with cursor = next_cursor and the same filters,
        until it is null."""
        caller.needs(READ_ACTIONS, "list operator actions")
        asked = {"action": action, "subject": subject, "target": target}
        page = {"tenant": caller.tenant, "below": None if cursor is None else int(cursor), "limit": limit}
        rows = await door.views.ask(_ACTIONS, {**asked, **page})
        last = rows[-1] if len(rows) == limit else None
        return {
            "actions": [_document(row) for row in rows],
            "next_cursor": str(last["offset"]) if last else None,
        }

    return router


def _document(row: Columns) -> dict[str, Any]:
    return {
        "id": row["action_id"],
        "time": moment(row["time_ms"]),
        "actor": row["actor"],
        "action": row["action"],
        "target": row["target"],
        "reason": row["reason"],
        "detail": row["detail"],
        "said_by": {"api": "api", "operator": "command line"}[row["said_by"]],
        "stands_at": {"partition": row["partition"], "offset": row["offset"]},
    }
