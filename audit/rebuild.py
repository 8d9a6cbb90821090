"""Make the views anew: empty them and send the projector back to the beginning of the log."""

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings

_EMPTY = (
    "TRUNCATE views.run_row, views.run_event_row, views.tool_call_row, views.approval_row,"
    " views.run_attribute, views.dead_letter, views.operator_action, views.schedule_row, views.schedule_event_row,"
    " views.feedback, views.position"
)


def rebuild(where: Settings | str) -> int:
    """Empty all views; how many runs they knew. A projector that is running starts over by itself.

    Raises DatabaseAway if nobody answers.
    """
    with connect(where, application_name="penstock.audit.rebuild") as connection, connection.transaction():
        return _empty(connection)


def _empty(connection: Connection[TupleRow]) -> int:
    known = connection.execute("SELECT count(*) FROM views.run").fetchone()
    # Positions go with the rows: a projector finds its own gone, writes nothing, and takes them anew.
    connection.execute(_EMPTY)
    return int(known[0]) if known else 0
