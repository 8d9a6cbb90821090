"""The queries of event streams: what is new since certain places, and a page of one run's history.

On threads and connections of their own, so that many streams that begin at once hold up no request. Every answer
is of one snapshot, and as large as it may be: the projector moves its positions in the transaction that writes
the rows, so all that stands before a position is there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from penstock.api.cursors import log_mark
from penstock.api.runs import event_document
from penstock.api.views import Columns, Views
from penstock.runtime.settings import Settings
from penstock.schemas.topics import RUN_EVENTS

CONNECTIONS_MAX: Final = 2
# Streams wait where requests are answered: a moment longer does no harm.
ANSWER_S: Final = 10.0
EVENTS_MAX: Final = 500
BYTES_MAX: Final = 2 * 1024 * 1024
OFFSETS_MAX: Final = 1_000
# What an event takes beside its body.
_BESIDE_BYTES: Final = 2_000
# What a client that waits for its end is told of: a run in one of these goes no further.
ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})

_COLUMNS: Final = """
e.run_id, e.seq, e.event_id, e.tenant, e.type, e.time_ms, e.actor, e.cause_id, e.cause_topic, e.cause_partition,
e.cause_offset, e.cause_time_ms, e.cause_index, e.cause_count, e.topic, e.partition, e."offset", e.event,
r.owner, r.workflow, r.status, r.last_seq"""

_POSITIONS: Final = """
SELECT partition, position, first, cluster_id, topic_id FROM views.position WHERE topic = %(topic)s"""

# By places: keys first, bodies only of those that are returned. Partitions take turns, so none waits for another. Each
# LATERAL has a LIMIT that it never reaches, or the planner would rather read all events that there are.
_SINCE: Final = f"""
WITH stretch AS (
  SELECT p.partition, p.position, p.first, p.cluster_id, p.topic_id, coalesce(a.at, p.first) AS start,
         least(p.position, greatest(a.at, p.first) + %(offsets_max)s) AS until
  FROM views.position AS p
  LEFT JOIN unnest(%(partitions)s::int[], %(starts)s::bigint[]) AS a(partition, at) USING (partition)
  WHERE p.topic = %(topic)s
), found AS (
  SELECT e.run_id, e.seq, s.partition, e.bytes, r.owner, r.workflow, r.status, r.last_seq,
         row_number() OVER (PARTITION BY s.partition ORDER BY e."offset") AS turn
  FROM stretch AS s
  CROSS JOIN LATERAL (
    SELECT run_id, seq, "offset", tenant, type, octet_length(event) AS bytes FROM views.run_event_row AS e
    WHERE e.partition = s.partition AND e."offset" >= s.start AND e."offset" < s.until
    ORDER BY e."offset" LIMIT %(offsets_max)s) AS e
  CROSS JOIN LATERAL (
    SELECT tenant AS owner, workflow, status, last_seq FROM views.run_row AS r
    WHERE r.run_id = e.run_id LIMIT 1) AS r
  WHERE (e.tenant = ANY(%(tenants)s) OR e.run_id = ANY(%(run_ids)s))
    AND (%(types)s::text[] IS NULL OR e.type = ANY(%(types)s))
    AND (%(workflows)s::text[] IS NULL OR r.workflow = ANY(%(workflows)s))
), counted AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER taken AS number, sum(bytes) OVER taken AS through
  FROM found WINDOW taken AS (ORDER BY turn, partition)
), taken AS (
  SELECT r.total, {_COLUMNS} FROM counted AS r
  CROSS JOIN LATERAL (
    SELECT * FROM views.run_event_row AS e WHERE e.run_id = r.run_id AND e.seq = r.seq LIMIT 1) AS e
  WHERE r.number <= %(events_max)s AND r.through - r.bytes < %(bytes_max)s
)
SELECT s.partition AS place, s.position, s.first, s.cluster_id, s.topic_id, s.start, s.until, t.*
FROM stretch AS s LEFT JOIN taken AS t ON t.partition = s.partition
ORDER BY s.partition, t."offset" """

_PAGE: Final = f"""
WITH page AS (
  SELECT run_id, seq, octet_length(event) AS bytes FROM views.run_event_row
  WHERE run_id = %(run_id)s AND seq >= %(from_seq)s ORDER BY seq LIMIT %(events_max)s
), counted AS (SELECT run_id, seq, bytes, sum(bytes) OVER (ORDER BY seq) AS through FROM page)
SELECT (SELECT json_object_agg(partition, position) FROM views.position WHERE topic = %(topic)s) AS positions,
       own.status AS own_status, own.last_seq AS own_last_seq, {_COLUMNS}
FROM (SELECT %(run_id)s AS run_id) AS asked
LEFT JOIN views.run_row AS own ON own.run_id = asked.run_id AND own.tenant = %(tenant)s
LEFT JOIN (counted AS c JOIN views.run_event_row AS e USING (run_id, seq)
  JOIN (SELECT run_id, tenant AS owner, workflow, status, last_seq FROM views.run_row) AS r USING (run_id))
  ON e.run_id = own.run_id AND c.through - c.bytes < %(bytes_max)s
ORDER BY e.seq"""


@dataclass(slots=True)
class Event:
    """An event as streams send it. `tenant` is its own, `owner` the run's: they differ where an input was refused.
    `ended`: the run's status, if it has ended and nothing follows this. `size`: about what it takes, in bytes."""

    partition: int
    offset: int
    run_id: str
    seq: int
    tenant: str
    owner: str
    type: str
    workflow: str | None
    ended: str | None
    size: int
    row: Columns = field(repr=False)
    _made: dict[bool, bytes] = field(default_factory=dict, repr=False)

    def text(self, of_run: bool) -> bytes:
        """All lines but the id; of a tenant's stream with the run's own columns. Made once for all streams."""
        made = self._made.get(of_run)
        if made is None:
            made = self._made[of_run] = _text(self.type, document(self, of_run))
        return made


@dataclass(frozen=True, slots=True)
class Batch:
    """Events by places. `positions`: where the views stood; `reached`: all before it that was asked for is here."""

    events: Sequence[Event]
    positions: Mapping[int, int]
    reached: Mapping[int, int]
    firsts: Mapping[int, int]
    log: bytes | None

    @property
    def whole(self) -> bool:
        """There was no more."""
        return all(self.reached.get(place, 0) >= at for place, at in self.positions.items())


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a run's history. `ended`: its status, once it has ended; `last_seq` of all that the views have."""

    events: Sequence[Event]
    positions: Mapping[int, int]
    ended: str | None
    last_seq: int


class EventRows(Views):
    """Asks for events. Raises 503 problems, as Views does."""

    def __init__(self, where: Settings | str) -> None:
        super().__init__(where, CONNECTIONS_MAX, ANSWER_S)

    async def positions(self) -> Batch:
        """Where the views stand, without an event."""
        rows = await self._ask(_POSITIONS, {"topic": RUN_EVENTS})
        return _batch([row | {"place": row["partition"], "run_id": None} for row in rows])

    async def since(
        self,
        places: Mapping[int, int],
        *,
        tenants: Collection[str] = (),
        run_ids: Collection[str] = (),
        types: Collection[str] = (),
        workflows: Collection[str] = (),
        events_max: int = EVENTS_MAX,
    ) -> Batch:
        """Events of these tenants and of these runs at or after these places; of a partition without one from its
        beginning. At most so many, 2 MiB, and 1,000 places a partition: ask again from `reached`."""
        asked = {
            "topic": RUN_EVENTS,
            "partitions": list(places),
            "starts": list(places.values()),
            "offsets_max": OFFSETS_MAX,
            "tenants": list(tenants),
            "run_ids": list(run_ids),
            "types": list(types) or None,
            "workflows": list(workflows) or None,
            "events_max": events_max,
            "bytes_max": BYTES_MAX,
        }
        return _batch(await self._ask(_SINCE, asked))

    async def page(self, tenant: str, run_id: str, from_seq: int) -> Page:
        """The run's events from a seq on; empty for one that isn't there, or isn't this tenant's."""
        asked = {
            "topic": RUN_EVENTS,
            "tenant": tenant,
            "run_id": run_id,
            "from_seq": from_seq,
            "events_max": EVENTS_MAX,
            "bytes_max": BYTES_MAX,
        }
        rows = await self._ask(_PAGE, asked)
        first = rows[0]
        positions = {int(partition): at for partition, at in (first["positions"] or {}).items()}
        ended = first["own_status"] if first["own_status"] in ENDED else None
        found = [_event(row) for row in rows if row["run_id"] is not None]
        return Page(found, positions, ended, first["own_last_seq"] or 0)


def document(event: Event, of_run: bool) -> dict[str, Any]:
    """The event's document; of a tenant's stream it names the run first."""
    shown = event_document(event.row)
    return shown if of_run else {"run_id": event.run_id, "workflow": event.workflow, **shown}


def _text(kind: str, shown: Mapping[str, Any]) -> bytes:
    # JSON that is written compactly has no line ends of its own.
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps(shown))


def _batch(rows: Sequence[Columns]) -> Batch:
    positions = {row["place"]: row["position"] for row in rows}
    events = [_event(row) for row in rows if row["run_id"] is not None]
    cut = bool(events) and next(row["total"] for row in rows if row["run_id"] is not None) > len(events)
    reached = {row["place"]: row.get("start" if cut else "until", 0) for row in rows}
    if cut:
        reached |= {event.partition: event.offset + 1 for event in events}
    log = log_mark(rows[0]["cluster_id"], rows[0]["topic_id"]) if rows else None
    return Batch(events, positions, reached, {row["place"]: row["first"] for row in rows}, log)


def _event(row: Columns) -> Event:
    at_end = row["status"] in ENDED and row["seq"] == row["last_seq"]
    shown = row | {"actor": orjson.Fragment(row["actor"]), "event": orjson.Fragment(row["event"])}
    return Event(
        partition=row["partition"],
        offset=row["offset"],
        run_id=row["run_id"],
        seq=row["seq"],
        tenant=row["tenant"],
        owner=row["owner"],
        type=row["type"],
        workflow=row["workflow"],
        ended=row["status"] if at_end else None,
        size=len(row["event"]) + _BESIDE_BYTES,
        row=shown,
    )
