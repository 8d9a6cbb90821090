"""What an operator does when log and database no longer belong together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from penstock.cli.deeds import insist_on_reason, words_of
from penstock.cli.local import servers
from penstock.cli.local.state import LocalState
from penstock.cli.preparing import stop_servers
from penstock.cli.screen import say
from penstock.cli.standing import alone
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.topics import BY_NAME, OPERATOR_ACTIONS

RESET: Final = "derived.reset"
EMPTY: Final = "views.empty"

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
def reachable_servers(settings: Settings) -> Iterator[Settings]:
    """The settings with a broker and a database that answer: our own are started for this if nothing stands here."""
    kafka, database_url = settings.kafka_bootstrap_servers, settings.database_url
    if kafka and database_url:
        yield settings
        return
    with alone(settings):
        database = servers.start_database(database_url, settings.home, say)
        broker_from = ""
        try:
            broker = servers.start_broker(kafka, settings.home, say)
            broker_from = broker.origin
            found = {"kafka_bootstrap_servers": broker.address, "database_url": database.address}
            yield settings.model_copy(update=found)
        finally:
            stop_servers(settings, LocalState(broker_from=broker_from, database_from=database.origin))


@contextmanager
def _said(settings: Settings, who: str, action: str, reason: str) -> Iterator[Settings]:
    """Reachable servers, once it stands on the log who does what to the deployment's data, and why."""
    insist_on_reason(reason)
    with reachable_servers(settings) as found:
        # The log may be a new one, which no `penstock up` has furnished yet.
        ensure_topics(found.kafka_bootstrap_servers, [BY_NAME[OPERATOR_ACTIONS]])
        with words_of(found, who) as words:
            words.say(action, "deployment", reason, {})
        yield found


def reset_derived(settings: Settings, who: str, reason: str) -> None:
    """Empty journal, checkpoints, claims, timers and views: the log that is there now rebuilds them.

    Raises SetupError, also if nobody may say it, and LogError; then nothing was emptied.
    """
    with (
        _said(settings, who, RESET, reason) as found,
        connect(found, application_name="penstock.reset") as connection,
    ):
        connection.execute(_EMPTY_ALL)


def rebuild_views(settings: Settings, who: str, reason: str) -> int:
    """Empty the views; their projector starts over. How many runs they knew. Raises as reset_derived does."""
    from penstock.audit.rebuild import rebuild

    with _said(settings, who, EMPTY, reason) as found:
        return rebuild(found)
