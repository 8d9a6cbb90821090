"""The statements of the journal in Postgres. See migrations/0001_journal.sql for what the columns mean."""

from typing import Final

CHECKPOINT: Final = """
SELECT epoch, position, published_position, events_position, events_epoch, failed_in_a_row,
       cluster_id, inbox_topic_id, events_topic_id
FROM penstock.checkpoint WHERE noun = %s AND partition = %s
"""
TAKE: Final = """
INSERT INTO penstock.checkpoint (noun, partition, owner, epoch, position, published_position, events_position,
    events_epoch, failed_in_a_row, cluster_id, inbox_topic_id, events_topic_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (noun, partition) DO UPDATE SET epoch = checkpoint.epoch + 1, owner = excluded.owner
"""
COMMIT: Final = """
WITH moved AS (
    UPDATE penstock.checkpoint AS held
    SET position = step.new, published_position = step.old, events_position = step.events_position,
        events_epoch = step.epoch, failed_in_a_row = step.failed
    FROM unnest(%(partitions)s::int[], %(epochs)s::bigint[], %(olds)s::bigint[], %(news)s::bigint[],
                %(events_positions)s::bigint[], %(faileds)s::int[])
         AS step(partition, epoch, old, new, events_position, failed)
    WHERE held.noun = %(noun)s AND held.partition = step.partition AND held.epoch = step.epoch
      AND held.position = step.old
    RETURNING held.partition, held.position
), kept AS (
    INSERT INTO penstock.journal
        (entity_id, seq, noun, partition, position, cause_offset, cause_id, cause_index, value, mark)
    SELECT e::uuid, s, %(noun)s, moved.partition, moved.position, o, c::uuid, i, v, m
    FROM unnest(%(places)s::int[], %(entities)s::text[], %(seqs)s::bigint[], %(offsets)s::bigint[],
                %(causes)s::text[], %(indexes)s::int[], %(values)b::bytea[], %(marks)s::text[])
         AS row(p, e, s, o, c, i, v, m)
    JOIN moved ON moved.partition = p
)
SELECT partition FROM moved
"""
INSERT: Final = """
INSERT INTO penstock.journal
    (noun, partition, entity_id, seq, position, cause_offset, cause_id, cause_index, value, mark)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
CUT: Final = """
DELETE FROM penstock.journal
WHERE entity_id = %(entity)s AND (seq = %(seq)s OR (cause_id = %(cause)s AND cause_index = %(index)s)
    OR (seq > %(seq)s AND NOT seq = ANY(%(logged)s)))
RETURNING cause_offset
"""
OWN: Final = (
    "SELECT position FROM penstock.checkpoint WHERE noun = %s AND partition = %s AND epoch = %s FOR UPDATE"
)
SETTLE: Final = """
UPDATE penstock.checkpoint
SET position = %(position)s, published_position = %(position)s, events_position = %(events_position)s,
    events_epoch = %(epoch)s
WHERE noun = %(noun)s AND partition = %(partition)s AND epoch = %(epoch)s
"""
STRETCHES: Final = """
SELECT asked.entity_id::text, next.value
FROM unnest(%s::uuid[], %s::bigint[]) AS asked(entity_id, after_seq)
CROSS JOIN LATERAL (
    SELECT seq, value FROM penstock.journal WHERE entity_id = asked.entity_id AND seq > asked.after_seq
    ORDER BY seq LIMIT %s
) AS next
ORDER BY asked.entity_id, next.seq
"""
SNAPSHOTS: Final = """
SELECT entity_id::text, seq, time_ms, tenant, replacements, fold_version, state
FROM penstock.entity_snapshot WHERE entity_id = ANY(%s::uuid[]) AND fold_version = %s
"""
KEEP: Final = """
INSERT INTO penstock.entity_snapshot
    (entity_id, noun, partition, seq, time_ms, tenant, replacements, fold_version, state)
VALUES (%(entity_id)s, %(noun)s, %(partition)s, %(seq)s, %(time_ms)s, %(tenant)s, %(replacements)s,
        %(fold_version)s, %(state)s)
ON CONFLICT (entity_id) DO UPDATE SET seq = excluded.seq, time_ms = excluded.time_ms,
    replacements = excluded.replacements, fold_version = excluded.fold_version, state = excluded.state
"""
DECIDED: Final = """
SELECT DISTINCT asked.entity_id::text, asked.input_id::text
FROM unnest(%s::uuid[], %s::uuid[]) AS asked(entity_id, input_id)
JOIN penstock.journal ON journal.entity_id = asked.entity_id AND journal.cause_id = asked.input_id
"""
FORGET: Final = "DELETE FROM penstock.entity_snapshot WHERE entity_id = %s"
