"""Made-up runs in the views, as many as one wants behind a list, made by the database itself.

Writes: views.run_row, views.run_attribute, and for the first of them views.run_event_row.
"""

from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.schemas.ids import derived_id

# So many of the runs have a history, of so many events each.
WITH_HISTORY: Final = 2_000
EVENTS: Final = 24
START_MS: Final = 1_760_000_000_000
_NAMESPACE: Final = "5f0c4f9e-3a3b-4c62-9a31-000000000000"

_RUNS: Final = """
INSERT INTO views.run_row (run_id, tenant, workflow, workflow_version, status, phase, requester, started_at_ms,
    ended_at_ms, parked_inputs, last_seq, last_event_at_ms, created_at_ms, search_attributes)
SELECT gen_random_uuid()::text, 'local', 'w' || n %% 20, 1, s, s, 'r' || n %% 1000, %(start)s + n, %(start)s + n,
       '{}', 1, %(start)s + n, %(start)s + n, '{"desk":"' || n %% 500 || '"}'
FROM generate_series(1, %(runs)s) AS n, LATERAL (SELECT CASE WHEN n %% 1000 = 0 THEN 'running' WHEN n %% 500 = 1
    THEN 'failed' ELSE 'completed' END AS s) AS status"""
_KNOWN: Final = """
INSERT INTO views.run_row (run_id, tenant, workflow, workflow_version, status, phase, requester, started_at_ms,
    ended_at_ms, parked_inputs, last_seq, last_event_at_ms, created_at_ms, started_seq, result_seq)
SELECT id, 'local', 'w0', 1, 'completed', 'completed', 'ana', %(start)s, %(start)s, '{}', %(events)s, %(start)s,
       %(start)s, 1, %(events)s
FROM unnest(%(ids)s::text[]) AS id"""
_EVENTS: Final = """
INSERT INTO views.run_event_row (run_id, seq, event_id, tenant, type, time_ms, actor, cause_id, cause_topic,
    cause_partition, cause_offset, cause_time_ms, cause_index, cause_count, topic, partition, "offset", log_time_ms,
    event)
SELECT id, seq, gen_random_uuid()::text, 'local', 'ToolCallCompleted', %(start)s,
       '{"kind":"person","subject":"ana","roles":["analyst"]}', gen_random_uuid()::text, 'penstock.run.inbox', 0, seq,
       %(start)s, 0, 1, 'penstock.run.events', 0, seq, %(start)s,
       '{"call_id":"c","attempt":1,"input":{"content":{}},"result":{"content":{"text":"' || repeat('x', 600) || '"}}}'
FROM unnest(%(ids)s::text[]) AS id, generate_series(1, %(events)s) AS seq"""
_ATTRIBUTES: Final = """
INSERT INTO views.run_attribute
SELECT tenant, 'desk="' || (search_attributes::json ->> 'desk') || '"', created_at_ms, run_id
FROM views.run_row WHERE search_attributes IS NOT NULL"""


def run_id(number: int) -> str:
    """The id of a run that has a history."""
    return derived_id(_NAMESPACE, f"run:{number}")


def fill(connection: Connection[TupleRow], runs: int) -> None:
    """So many runs, and what a million of them would have in the database's statistics."""
    ids = [run_id(number) for number in range(WITH_HISTORY)]
    given = {"start": START_MS, "runs": runs, "ids": ids, "events": EVENTS}
    for statement in (_RUNS, _KNOWN, _EVENTS, _ATTRIBUTES):
        connection.execute(statement.encode(), given)
    connection.execute(b"VACUUM (ANALYZE) views.run_row, views.run_event_row, views.run_attribute")
