"""Puts a shadow's tables in the place of the views', in one transaction, under readers and a projector that go on.

Reads and writes Postgres's catalogue. Guarantees: a reader's statement sees the old rows or the new ones, all of one
kind; and a projector that remembers the old ones writes nothing (the generation of the positions). What the old tables
had beside their rows, the new ones have too: policies, grants, triggers, and the SQL views that stand on them.

No reader is made to fail: whoever holds a table while we hold another may wait for us as we do for him, so we give up
after a moment, which nobody notices, and try again. That is for LOCK_MS at most, much shorter than Postgres waits
before it looks for a deadlock and ends somebody.
"""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from typing import Final

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from penstock.audit.shadow import REBUILD, Shadow, Statement, search
from penstock.audit.statements import LIVE
from penstock.audit.swapped_with import in_the_way, rights, views_on
from penstock.audit.tables import POSITION, ViewTable
from penstock.runtime.errors import SetupError

log = logging.getLogger("penstock.audit.rebuild")

LOCK_MS: Final = 150
TRIES_S: Final = 20.0
# For the projector's turn that is being written, and for a vacuum to give way.
TURN_MS: Final = 30_000
_BETWEEN_S: Final = (0.02, 0.2)
# In which order the readers there are take them: who goes the same way meets nobody.
_FIRST: Final = ("run_event", "run_attribute", "run_event_row", "run_row")
_LAST: Final = ("run",)


class SwapRefused(SetupError):
    """Views and shadow stand as they stood: do what the message says, then `penstock rebuild --resume`."""


def fence(connection: Connection[TupleRow], tables: Sequence[ViewTable]) -> None:
    """Hold the projector back until this transaction ends; readers go on. Raises SwapRefused."""
    _patience(connection, TURN_MS)
    names = sql.SQL(", ").join(sql.Identifier(LIVE, table.name) for table in tables)
    try:
        # A vacuum gives way to this, as it wouldn't to what comes later and waits for a moment only.
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE").format(names))
        connection.execute(
            sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(LIVE, POSITION))
        )
    except LockNotAvailable as error:
        raise SwapRefused(
            "a writer of the views, a vacuum or a migration holds them for too long: look for it in pg_stat_activity"
        ) from error


def exchange(
    connection: Connection[TupleRow],
    shadow: Shadow,
    tables: Sequence[ViewTable],
    others: Sequence[ViewTable],
) -> None:
    """Put the shadow's `tables` in the views' place, and theirs into the shadow's `before`; `others` of the shadow go.

    Within the transaction that has fenced the projector, with both at the same positions. Raises SwapRefused.
    """
    _refuse(connection, tables)
    for table in tables:
        for statement in rights(connection, LIVE, shadow.schema, table.name):
            connection.execute(statement)
    gone = [*(table.name for table in others), POSITION, REBUILD]
    connection.execute(
        sql.SQL("DROP TABLE {}").format(
            sql.SQL(", ").join(sql.Identifier(shadow.schema, name) for name in gone)
        )
    )
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(shadow.before)))
    connection.execute(sql.SQL("UPDATE views.position SET generation = generation + 1"))
    steps = list(_steps(connection, shadow, tables))
    connection.execute(search(shadow.schema, LIVE))
    _quickly(connection, steps)
    connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(shadow.schema)))


def _refuse(connection: Connection[TupleRow], tables: Sequence[ViewTable]) -> None:
    if found := in_the_way(connection, LIVE, [table.name for table in tables]):
        raise SwapRefused(
            f"these would go on reading the old tables: {', '.join(found)}. Drop them, swap, and make them again"
        )


def _steps(
    connection: Connection[TupleRow], shadow: Shadow, tables: Sequence[ViewTable]
) -> Iterator[Statement]:
    """What takes locks that readers meet, in the order in which it is done."""
    for view in sorted(
        views_on(connection, LIVE, [table.name for table in tables]), key=lambda each: _rank(each.name)
    ):
        yield view.again()
    names = sorted((table.name for table in tables), key=_rank)
    for here, there in ((LIVE, shadow.before), (shadow.schema, LIVE)):
        for name in names:
            yield sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                sql.Identifier(here, name), sql.Identifier(there)
            )


def _rank(name: str) -> tuple[int, str]:
    middle = len(_FIRST) + (name in _LAST)
    return (_FIRST.index(name) if name in _FIRST else middle, name)


def _quickly(connection: Connection[TupleRow], steps: Sequence[Statement]) -> None:
    """All of these in a moment in which no reader is in the way."""
    _patience(connection, LOCK_MS)
    until = time.monotonic() + TRIES_S
    while True:
        try:
            with connection.transaction():
                # In one message: what is held while a lock is waited for is held no longer than that.
                connection.execute(sql.SQL("; ").join(steps))
        except LockNotAvailable:
            if time.monotonic() > until:
                raise SwapRefused(
                    "somebody has been reading the views all the time: end the long transaction (pg_stat_activity)"
                ) from None
            # Readers that waited for us go on first.
            time.sleep(random.uniform(*_BETWEEN_S))
        else:
            return


def _patience(connection: Connection[TupleRow], milliseconds: int) -> None:
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(milliseconds)))
