"""Dead letters as the views have them, and what operators did with one. Every query names the tenant."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import BROKEN_OFF

State: TypeAlias = Literal["open", "redriving", "redriven", "discarded"]
Columns: TypeAlias = dict[str, Any]
Reading: TypeAlias = Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters; None matches all. Times are the log's of the original record, ms, the end excluded."""

    topic: str | None = None
    group: str | None = None
    error_class: str | None = None
    state: State | None = None
    from_ms: int | None = None
    until_ms: int | None = None

    def values(self) -> dict[str, object]:
        """Its values, by the names that the queries use."""
        return {**asdict(self)}

    def words(self) -> str:
        """For the log: what it says, empty for all."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items() if value is not None)


_WHERE: Final = """
WHERE tenant = %(tenant)s
  AND (%(topic)s::text IS NULL OR topic = %(topic)s)
  AND (%(group)s::text IS NULL OR consumer_group = %(group)s)
  AND (%(error_class)s::text IS NULL OR error_class = %(error_class)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(from_ms)s::bigint IS NULL OR time_ms >= %(from_ms)s)
  AND (%(until_ms)s::bigint IS NULL OR time_ms < %(until_ms)s)"""

LIST: Final = f"""
SELECT id, tenant, state, topic, partition, "offset", consumer_group, error_class, error_message, error_stage, time_ms,
       octet_length(value) AS bytes
FROM views.dead_letter_standing {_WHERE}
  AND (%(below_ms)s::bigint IS NULL
       OR (time_ms, id, consumer_group) < (%(below_ms)s, %(below_id)s, %(below_group)s))
ORDER BY time_ms DESC, id DESC, consumer_group DESC LIMIT %(limit)s"""

ONE: Final = """
SELECT * FROM views.dead_letter_standing WHERE id = %(id)s AND tenant = %(tenant)s ORDER BY consumer_group"""

DONE: Final = """
SELECT action_id, action, reason, detail, subject, actor, time_ms, "offset" FROM views.operator_action
WHERE target = %(id)s AND tenant = %(tenant)s ORDER BY "offset" """

# The oldest first: what is put back stands in the order in which it came.
_IDS: Final = f"""
SELECT id, min(time_ms), min(topic), min(error_class) FROM views.dead_letter_standing {_WHERE}
GROUP BY id ORDER BY min(time_ms), min(partition), min("offset") LIMIT %(limit)s"""

_COUNTS: Final = f"""
SELECT topic, consumer_group, error_class, state, count(DISTINCT id) AS count
FROM views.dead_letter_standing {_WHERE} GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC"""


def letter(connection: Reading, tenant: str, ident: str) -> Columns | None:
    """A dead letter of the tenant's; of several groups that couldn't take the record, one of their rows."""
    return next(iter(all_of(connection, tenant, ident)), None)


def all_of(connection: Reading, tenant: str, ident: str) -> list[Columns]:
    """The rows of all groups that couldn't take the record."""
    return _rows(connection, ONE, {"id": ident, "tenant": tenant})


def ids(connection: Reading, tenant: str, which: Filter, limit: int) -> list[str]:
    """Those that match, the oldest first."""
    asked = {**which.values(), "tenant": tenant, "limit": limit}
    return [str(row["id"]) for row in _rows(connection, _IDS, asked)]


def counts(connection: Reading, tenant: str, which: Filter) -> list[Columns]:
    """How many match, by topic, group, error class and state."""
    return _rows(connection, _COUNTS, {**which.values(), "tenant": tenant})


def listed(connection: Reading, tenant: str, which: Filter, limit: int) -> list[Columns]:
    """Those that match, the newest first."""
    below = {"below_ms": None, "below_id": None, "below_group": None}
    return _rows(connection, LIST, {**which.values(), **below, "tenant": tenant, "limit": limit})


def done(connection: Reading, tenant: str, ident: str) -> list[Columns]:
    """What operators did with one, as far as the views know, in order."""
    return _rows(connection, DONE, {"id": ident, "tenant": tenant})


def _rows(connection: Reading, query: str, values: Mapping[str, object]) -> list[Columns]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def position(connection: Reading, topic: str, partition: int) -> int:
    """How far the views have read there; 0 if they never have."""
    asked = "SELECT position FROM views.position WHERE topic = %s AND partition = %s"
    found = connection.execute(asked, (topic, partition)).fetchone()
    return int(found[0]) if found else 0


@contextmanager
def alone(connection: Reading, ident: str) -> Iterator[bool]:
    """Whether this connection is the only one at that dead letter while this lasts."""
    asked = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    found = connection.execute(asked, (f"dead-letter:{ident}",)).fetchone()
    mine = bool(found and found[0])
    try:
        yield mine
    finally:
        if mine and not connection.closed:
            connection.execute(
                "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (f"dead-letter:{ident}",)
            )


@contextmanager
def answered() -> Iterator[None]:
    """Raises DatabaseAway for whatever says that the database broke off."""
    try:
        yield
    except BROKEN_OFF as error:
        said = " ".join(str(error).split())
        raise DatabaseAway(f"Postgres broke off: {said}. Start it, or correct DATABASE_URL") from error
