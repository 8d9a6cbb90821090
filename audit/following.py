"""Events as they come, for a person at a terminal. Reads the views only, on one connection, by looking again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from penstock.audit.reading import TrailLine
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import BROKEN_OFF
from penstock.schemas.topics import RUN_EVENTS

# By partition where to go on: all before it was shown.
Places = Mapping[int, int]
OFFSETS_MAX: Final = 500

_PLACES: Final = "SELECT partition, position FROM views.position WHERE topic = %s"
_NEW: Final = """
WITH stretch AS (
  SELECT p.partition, coalesce(a.at, p.first) AS start,
         least(p.position, coalesce(a.at, p.first) + %(offsets_max)s) AS until
  FROM views.position AS p
  LEFT JOIN unnest(%(partitions)s::int[], %(starts)s::bigint[]) AS a(partition, at) USING (partition)
  WHERE p.topic = %(topic)s
)
SELECT s.partition AS place, s.until, e.tenant, e.run_id, e.seq, e.type, e.time_ms, e.topic, e.partition,
       e."offset", e.actor, e.cause_id, e.cause_topic, e.cause_partition, e.cause_offset, e.cause_time_ms,
       e.cause_index, e.cause_count, e.event
FROM stretch AS s
LEFT JOIN LATERAL (
  SELECT * FROM views.run_event AS e
  WHERE e.partition = s.partition AND e."offset" >= s.start AND e."offset" < s.until
  ORDER BY e."offset" LIMIT %(offsets_max)s) AS e ON %(tenant)s::text IS NULL OR e.tenant = %(tenant)s
ORDER BY e.log_time_ms, s.partition, e."offset" """


@dataclass(frozen=True, slots=True)
class TailLine:
    """An event and whose it is."""

    tenant: str
    run_id: str
    line: TrailLine


def now(connection: Connection[TupleRow]) -> dict[int, int]:
    """Where the views stand. Raises DatabaseAway."""
    try:
        return dict(connection.execute(_PLACES, (RUN_EVENTS,)).fetchall())
    except BROKEN_OFF as error:
        raise _away(error) from error


def new(
    connection: Connection[TupleRow], places: Places, tenant: str | None
) -> tuple[list[TailLine], dict[int, int]]:
    """What came since, of a tenant or of all, each run's in order, and where to go on; at most 500 places of each
    partition. Raises DatabaseAway."""
    asked = {
        "topic": RUN_EVENTS,
        "partitions": list(places),
        "starts": list(places.values()),
        "offsets_max": OFFSETS_MAX,
        "tenant": tenant,
    }
    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(_NEW, asked).fetchall()
    except BROKEN_OFF as error:
        raise _away(error) from error
    found: list[TailLine] = []
    reached = dict(places)
    for row in rows:
        place, until = row.pop("place"), row.pop("until")
        # Views that are being made anew are behind what was shown.
        reached[place] = max(until, places.get(place, 0))
        whose, run_id = row.pop("tenant"), row.pop("run_id")
        if run_id is not None:
            found.append(TailLine(whose, run_id, TrailLine(**row)))
    return found, reached


def _away(error: Exception) -> DatabaseAway:
    said = " ".join(str(error).split())
    return DatabaseAway(f"Postgres doesn't answer any more: {said}. Type the command again when it does")
