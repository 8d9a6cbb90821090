"""Make the views anew, bluntly: empty them and send the projector back to the beginning of the log.

Until it has caught up, nothing of what the views knew is shown. `penstock rebuild` (audit/shadowing.py) does better.
"""

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from penstock.audit.statements import LIVE
from penstock.audit.tables import POSITION, tables
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings


def rebuild(where: Settings | str) -> int:
    """Empty all views; how many runs they knew. A projector that is running starts over by itself.

    Raises DatabaseAway if nobody answers.
    """
    with connect(where, application_name="penstock.audit.rebuild") as connection, connection.transaction():
        return _empty(connection)


def _empty(connection: Connection[TupleRow]) -> int:
    known = connection.execute("SELECT count(*) FROM views.run").fetchone()
    # Positions go with the rows: a projector finds its own gone, writes nothing, and takes them anew.
    names = [*(table.name for table in tables(connection)), POSITION]
    emptied = sql.SQL(", ").join(sql.Identifier(LIVE, name) for name in names)
    connection.execute(sql.SQL("TRUNCATE {}").format(emptied))
    return int(known[0]) if known else 0
