"""What is asked of a database before it is trusted: whether it keeps what it says it has kept, whether its rows belong
to the log that is there. Reads only.
"""

from collections.abc import Mapping
from typing import Final

from psycopg import Connection
from psycopg.errors import UndefinedTable
from psycopg.rows import TupleRow

from penstock.producers.log import LogIdentity
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.topics import NOUN_TOPICS

# Without any of these a commit that was acknowledged may be gone after a power cut.
_DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")
_DERIVED: Final = """
SELECT 'penstock.' || noun || '.events', cluster_id, events_topic_id, 'the journal' FROM penstock.checkpoint
UNION
SELECT 'penstock.' || noun || '.inbox', cluster_id, inbox_topic_id, 'the journal' FROM penstock.checkpoint
UNION
SELECT topic, cluster_id, topic_id, group_id FROM penstock.effect_position
UNION
SELECT topic, cluster_id, topic_id, 'the views' FROM views.position
"""


def lax_settings(settings: Settings) -> tuple[str, ...]:
    """Those of Postgres' settings about durability that are off."""
    with connect(settings, application_name="penstock.doctor") as connection:
        return tuple(name for name in _DURABLE if _shown(connection, name) == "off")


def of_another_log(settings: Settings, log: Mapping[str, LogIdentity]) -> tuple[str, ...]:
    """What in the database was derived from another log than this, by topic: `the views of penstock.run.events`."""
    with connect(settings, application_name="penstock.doctor") as connection:
        rows = connection.execute(_DERIVED).fetchall()
    return tuple(
        f"{what} of {topic}"
        for topic, cluster_id, topic_id, what in rows
        if topic in log and log[topic] != LogIdentity(cluster_id=cluster_id, topic_id=topic_id)
    )


def newer_migrations(settings: Settings, known: tuple[str, ...]) -> tuple[str, ...]:
    """Migrations that this database has and this version doesn't know."""
    with connect(settings, application_name="penstock.doctor") as connection:
        try:
            rows = connection.execute("SELECT name FROM public.penstock_migration ORDER BY name").fetchall()
        except UndefinedTable:
            return ()
    return tuple(name for (name,) in rows if name not in known)


def topics_with_positions() -> tuple[str, ...]:
    """The topics that positions in the database may be of."""
    return tuple(topic.name for topic in NOUN_TOPICS)


def _shown(connection: Connection[TupleRow], name: str) -> str:
    row = connection.execute(f"SHOW {name}".encode()).fetchone()
    return "" if row is None else str(row[0])
