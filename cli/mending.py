"""What an operator does when log and database no longer belong together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from penstock.cli.local import servers
from penstock.cli.local.state import LocalState
from penstock.cli.preparing import stop_servers
from penstock.cli.screen import say
from penstock.cli.standing import alone
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings

# The application's own tables lie in other schemas, and stay; so do the API's keys, which no log gives back: without
# its row a revoked one would count again. And webhooks, with what was posted, or the log's past would be posted again.
_EMPTY_ALL: Final = b"""
DO $$
DECLARE derived text;
BEGIN
    SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') INTO derived
    FROM pg_tables WHERE schemaname IN ('penstock', 'views') AND tablename NOT IN
        ('penstock_migration', 'api_key', 'webhook', 'webhook_delivery');
    IF derived IS NOT NULL THEN
        EXECUTE 'TRUNCATE ' || derived;
    END IF;
END $$
"""


@contextmanager
def reachable_database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database that answers: our own is started for this if nothing stands here."""
    if settings.database_url:
        yield settings
        return
    with alone(settings):
        server = servers.start_database("", settings.home, say)
        try:
            yield settings.model_copy(update={"database_url": server.address})
        finally:
            stop_servers(settings, LocalState(database_from=server.origin))


def reset_derived(settings: Settings) -> None:
    """Empty journal, checkpoints, claims, timers and views: the log that is there now rebuilds them."""
    with (
        reachable_database(settings) as found,
        connect(found, application_name="penstock.reset") as connection,
    ):
        connection.execute(_EMPTY_ALL)


def rebuild_views(settings: Settings) -> int:
    """Empty the views; their projector starts over. How many runs they knew."""
    from penstock.audit.rebuild import rebuild

    with reachable_database(settings) as found:
        return rebuild(found)
