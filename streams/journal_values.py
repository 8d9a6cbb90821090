"""Rows of the journal as its statements take them."""

from collections.abc import Iterable, Sequence

from penstock.streams.journal import Commit, Row


def commit_columns(batches: Sequence[Commit]) -> dict[str, object]:
    """The arrays of COMMIT, but for the noun."""
    rows = [row for batch in batches for row in batch.rows]
    return {
        "partitions": _array(batch.partition for batch in batches),
        "epochs": _array(batch.epoch for batch in batches),
        "olds": _array(batch.old_position for batch in batches),
        "news": _array(batch.new_position for batch in batches),
        "events_positions": _array(batch.events_position for batch in batches),
        "faileds": _array(batch.failed_in_a_row for batch in batches),
        "places": _array(batch.partition for batch in batches for _ in batch.rows),
        "entities": _array(row.entity_id for row in rows),
        "seqs": _array(row.seq for row in rows),
        "offsets": _array(row.cause_offset for row in rows),
        "causes": _array(row.cause_id for row in rows),
        "indexes": _array(row.cause_index for row in rows),
        "values": [row.value for row in rows],
        "marks": _array("NULL" if row.mark is None else row.mark for row in rows),
    }


def _array(items: Iterable[int | str]) -> str:
    """An array as Postgres writes it. Numbers, UUIDs and names of events need no quotes, and psycopg looks at each
    element for some: a twentieth of the host's thread."""
    return f"{{{','.join(map(str, items))}}}"


def row_values(noun: str, partition: int, row: Row) -> tuple[object, ...]:
    """The values of INSERT."""
    return (
        *(noun, partition, row.entity_id, row.seq, row.position),
        *(row.cause_offset, row.cause_id, row.cause_index, row.value, row.mark),
    )
