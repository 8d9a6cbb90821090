"""One rebuild: a shadow of the views is folded from the log, compared with them row by row, and put in their place.

Reads: the log and the views. Writes: the shadow, and with the swap the views. Guarantees: one rebuild at a time, by a
lock that ends with its process; a rebuild that died goes on where it was; both sides are compared at the same places,
those of one snapshot of the views, so that what differs is wrong and not late; the swap happens at the same places, so
that no reader is thrown back.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from psycopg import Connection, IsolationLevel, sql
from psycopg.rows import TupleRow

from penstock.audit import shadow as shadows
from penstock.audit.applier import Partition
from penstock.audit.refolding import LivePlace, Places, Refolding
from penstock.audit.row_diff import TableDiff, row_diff
from penstock.audit.shadow import Shadow
from penstock.audit.swapping import exchange, fence
from penstock.audit.tables import ViewTable, tables
from penstock.producers.log import Log, LogIdentity
from penstock.producers.signing import Keyring
from penstock.runtime.errors import DatabaseAway, SetupError
from penstock.runtime.postgres import BROKEN_OFF, connect
from penstock.runtime.settings import Settings
from penstock.schemas.codec import codec_for

ALL: Final = "all"
# So few are folded while the views are held, for a comparison or for the swap.
CLOSE_RECORDS: Final = 2_000
BEHIND_S: Final = 0.5
LOCK: Final = 7_306_362_912

_LIVE: Final = "SELECT topic, partition, position, first, cluster_id, topic_id FROM views.position"
# Told how many records are done, and of how many.
Tell = Callable[[int, int], None]


class RebuildUnderWay(SetupError):
    """Another `penstock rebuild` is at work on this database: wait for it, or stop it with Ctrl-C where it runs."""


class NotThisRebuild(SetupError):
    """There is no such view, no such rebuild, or it can't be gone on with: the message says what to type."""


@contextmanager
def alone(where: Settings | str) -> Iterator[Connection[TupleRow]]:
    """A connection that nobody else rebuilds beside. What it writes is lost with what it writes it for: no need to wait
    for the disk. Raises RebuildUnderWay, DatabaseAway."""
    with connect(where, application_name="penstock.rebuild") as connection:
        (free,) = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() or (False,)
        if not free:
            raise RebuildUnderWay(
                "another `penstock rebuild` is at work on this database: wait for it, or stop it where it runs"
            )
        connection.execute("SET synchronous_commit = off")
        # The lock of a process that was killed goes with its statement, which may be a long comparison.
        connection.execute("SET client_connection_check_interval = 1000")
        try:
            yield connection
        except BROKEN_OFF as error:
            said = " ".join(str(error).split())
            raise DatabaseAway(
                f"Postgres doesn't go on: {said}. What was folded is kept: `penstock rebuild --resume` goes on with it"
            ) from error


def asked_tables(connection: Connection[TupleRow], asked: str) -> tuple[ViewTable, ...]:
    """The tables of a view, or of all. Raises NotThisRebuild."""
    known = tables(connection)
    found = tuple(table for table in known if asked in (ALL, table.view))
    if not found:
        names = ", ".join(table.view for table in known)
        raise NotThisRebuild(f"there is no view {asked!r}: type one of {ALL}, {names}")
    return found


def resumed(connection: Connection[TupleRow], asked: str) -> Shadow:
    """The rebuild to go on with, of that view if one is named. Raises NotThisRebuild."""
    shadow = shadows.found(connection)
    if shadow is None:
        raise NotThisRebuild("no rebuild is there to go on with: type `penstock rebuild all`, or a view")
    if asked and asked != shadow.asked:
        raise NotThisRebuild(f"rebuild {shadow.ident} is of {shadow.asked}, not of {asked}")
    if shadow.made_by != shadows.stamp(connection):
        raise NotThisRebuild(
            f"rebuild {shadow.ident} was begun by another version, and half of its rows would be that one's:"
            " `penstock rebuild --drop` removes it"
        )
    return shadow


class Rebuilding:
    """A rebuild at work, on a connection that `alone` gave. After an error make a new one."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        kept: Log,
        keyring: Keyring,
        settings: Settings,
        shadow: Shadow,
    ) -> None:
        self.shadow = shadow
        self.tables = asked_tables(connection, shadow.asked)
        self._connection = connection
        codec = codec_for(settings.schema_registry_url)
        tenant = settings.deployment_tenant
        self._refolding = Refolding(connection, kept, codec, keyring, tenant, shadow.schema)

    def catch_up(self, tell: Tell = lambda done, of: None) -> None:
        """Fold until the shadow is close behind the views; `tell` hears of progress. Raises LogDoesNotFit."""
        close = False
        while not close:
            live = self._live()
            self._refolding.begin(live)
            ends = {place: at.position for place, at in live.items()}
            told = self._telling(tell, ends, sum(at.position - at.first for at in live.values()))
            told(0)
            missing = self._missing(ends)
            self._refolding.fold(ends, told)
            close = not self._wait_if_ahead(ends) and missing <= CLOSE_RECORDS

    def compare(self, first: int) -> tuple[TableDiff, ...]:
        """The row diff of each view that was asked for; `first`: how many rows of each to give in full.

        One snapshot of the views says up to where the shadow is folded, and is what it is compared with.
        """
        self.catch_up()
        # So that the comparison is planned for what there is, and what is read after the swap too.
        for table in self.tables:
            name = sql.Identifier(self.shadow.schema, table.name)
            self._connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))
        self.catch_up()
        self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            with self._connection.transaction():
                self._meet()
                return tuple(
                    row_diff(self._connection, table, self.shadow.schema, first) for table in self.tables
                )
        finally:
            self._connection.isolation_level = None

    def swap(self) -> str:
        """Put the shadow in the place of the views that were asked for; the schema with what stood there before.

        Raises SwapRefused, with nothing changed.
        """
        self.catch_up()
        others = [table for table in tables(self._connection) if table not in self.tables]
        with self._connection.transaction():
            # Unlike the shadow this is no matter of doing it again.
            self._connection.execute("SET LOCAL synchronous_commit = on")
            fence(self._connection, self.tables)
            self._meet()
            exchange(self._connection, self.shadow, self.tables, others)
        return self.shadow.before

    def _meet(self) -> None:
        """Fold up to exactly where the views are, in the transaction that is open."""
        live = self._live()
        self._refolding.begin(live)
        ends = {place: at.position for place, at in live.items()}
        if self._ahead(ends):
            raise NotThisRebuild(
                "the views are being made anew meanwhile: `penstock rebuild --resume` goes on when they have caught up"
            )
        self._refolding.fold(ends)

    def _live(self) -> dict[Partition, LivePlace]:
        rows = self._connection.execute(_LIVE).fetchall()
        return {
            (topic, partition): LivePlace(position, first, LogIdentity(cluster_id, topic_id))
            for topic, partition, position, first, cluster_id, topic_id in rows
        }

    def _telling(self, tell: Tell, live: Places, total: int) -> Callable[[int], None]:
        return lambda _: tell(total - self._missing(live), total)

    def _missing(self, live: Places) -> int:
        """How many records the shadow is behind."""
        return sum(max(0, end - self._refolding.places[place]) for place, end in live.items())

    def _wait_if_ahead(self, live: Places) -> bool:
        """True, after a moment, if the views are behind the shadow: somebody has emptied them meanwhile."""
        ahead = self._ahead(live)
        if ahead:
            time.sleep(BEHIND_S)
        return ahead

    def _ahead(self, live: Places) -> bool:
        return any(at > live.get(place, 0) for place, at in self._refolding.places.items())


def total(diffs: Sequence[TableDiff]) -> int:
    """How many rows differ in all."""
    return sum(diff.differences for diff in diffs)
