"""What operators did, for whoever may read the database: of all tenants, newest first. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import TupleRow, class_row


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One action. `actor` is {"kind", "subject", "roles"}; `said_by` whose key: api or operator."""

    action_id: str
    tenant: str
    action: str
    target: str
    reason: str
    detail: Any
    subject: str
    actor: Mapping[str, Any]
    said_by: str
    time_ms: int
    partition: int
    offset: int


_ACTIONS: Final = """
SELECT * FROM views.operator_action
WHERE (%(action)s = '' OR action = %(action)s) AND (%(subject)s = '' OR subject = %(subject)s)
  AND (%(target)s = '' OR target = %(target)s)
ORDER BY time_ms DESC, partition, "offset" DESC LIMIT %(limit)s"""


def actions(
    connection: Connection[TupleRow],
    *,
    action: str = "",
    subject: str = "",
    target: str = "",
    limit: int = 100,
) -> list[ActionLine]:
    """The newest actions that match; an empty filter matches all."""
    with connection.cursor(row_factory=class_row(ActionLine)) as cursor:
        asked = {"action": action, "subject": subject, "target": target, "limit": limit}
        return cursor.execute(_ACTIONS, asked).fetchall()
