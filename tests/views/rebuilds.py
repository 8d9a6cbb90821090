"""Rebuilds for tests: begun on a database and a log, and everything that they leave is dropped."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import TupleRow

from penstock.audit import shadow as shadows
from penstock.audit.applier import Applier, catch_up
from penstock.audit.row_diff import TableDiff
from penstock.audit.shadowing import Rebuilding, alone, resumed
from penstock.producers.log import Log, Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Keyring
from penstock.runtime.settings import Settings
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_EVENTS
from tests.views.histories import Historian, asked, case_review, new_run, requested, started
from tests.views.test_operator_actions import KEYS, said

Views = psycopg.Connection[TupleRow]
TOPICS = (RUN_EVENTS, OPERATOR_ACTIONS)
ATTRIBUTES = '{"desk":"north"}'


@contextmanager
def rebuilding(
    where: str, log: Log, asked: str = "all", *, resume: bool = False, keys: Keyring = KEYS
) -> Iterator[Rebuilding]:
    """A rebuild at work, begun or gone on with."""
    with alone(where) as connection:
        if resume:
            shadow = resumed(connection, asked)
        else:
            shadow = shadows.make(connection, shadows.new_ident(), asked, "olga", "a test")
        yield Rebuilding(connection, log, keys, Settings(), shadow)


def counts(diffs: tuple[TableDiff, ...]) -> dict[str, tuple[int, int, int]]:
    """(only in the views, only by the log, differing) of the views in which something differs."""
    return {
        diff.view: (diff.only_in_views, diff.only_in_log, diff.differ) for diff in diffs if diff.differences
    }


def schemas(connection: psycopg.Connection[TupleRow]) -> list[str]:
    """What rebuilds have left."""
    rows = connection.execute(
        "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, 'views_') ORDER BY 1"
    )
    return [name for (name,) in rows]


def live(views: Views) -> Applier:
    """The projector that goes on."""
    return Applier(views, pinned_codec(), KEYS)


def told(views: Views, log: MemoryLog) -> tuple[Historian, str]:
    """Views with a row in each table, and the run that one more event is told of."""
    historian, open_run = Historian(log), new_run()
    for _ in range(3):
        run_id = new_run()
        historian.write(run_id, started(search_attributes=ATTRIBUTES), *case_review(run_id)[1:])
    historian.write(open_run, started(), requested(open_run, 1))
    good = historian.outgoing(open_run, asked(open_run, 2))
    log.append([Outgoing(RUN_EVENTS, good.key, b"broken", good.headers), good])
    said(log)
    catch_up(live(views), log, TOPICS)
    return historian, open_run


def main(broker: str, database: str) -> None:
    """A rebuild of all in a process of its own, up to the comparison."""
    from penstock.producers.kafka import KafkaLog

    with rebuilding(database, KafkaLog(broker, "test")) as work:
        work.compare(0)


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])
