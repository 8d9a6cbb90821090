"""Commands for a log and a database that no longer belong together: what they empty, and what they say first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from penstock.cli.main import app
from penstock.producers.kafka import KafkaLog
from penstock.producers.kafka_topics import ClusterTopics
from penstock.producers.signing import Authority, Keyring
from penstock.runtime import postgres_api_keys
from penstock.runtime.api_keys import ApiKey
from penstock.runtime.postgres import connect, migrate, pending
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import OPERATOR_ACTIONS

pytestmark = pytest.mark.broker

SIGNED = Authority.OPERATOR
REASON = "the old log is gone"


class Deployment:
    """A database with something derived, a log that knows nothing yet, and an operator."""

    def __init__(self, kafka: str, database_url: str, home: Path) -> None:
        self.kafka, self.database_url, self._home = kafka, database_url, home

    def type(self, *words: str, answer: str = "") -> Result:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "DATABASE_URL": self.database_url,
            "PENSTOCK_HOME": str(self._home),
        }
        return CliRunner().invoke(app, words, env=environment, input=answer)

    def said(self) -> list[tuple[str, str, str, str]]:
        """(who, what, to, why) of all that this home's operators have said; other tests have the same broker."""
        if OPERATOR_ACTIONS not in ClusterTopics(self.kafka, 10).partitions():
            return []
        with self._log() as log:
            places = [
                (at, *log.bounds(OPERATOR_ACTIONS, at)) for at in range(log.partitions(OPERATOR_ACTIONS))
            ]
            records = [record for at in places for record in log.read(OPERATOR_ACTIONS, *at)]
        keyring = Keyring.load(self._home / "keys.json")
        facts = [(record, *pinned_codec().decode_fact(record.value or b"")) for record in records]
        own = [(meta, body) for record, meta, body in facts if keyring.verify(record, meta) is SIGNED]
        return [(meta.actor.subject, body.action, body.target, body.reason) for meta, body in own]

    def positions(self) -> int:
        with connect(self.database_url) as connection:
            return len(connection.execute("SELECT FROM views.position").fetchall())

    @contextmanager
    def _log(self) -> Iterator[KafkaLog]:
        log = KafkaLog(self.kafka, "tests")
        try:
            yield log
        finally:
            log.close()


@pytest.fixture
def deployment(kafka: str, database_url: str, tmp_path: Path) -> Deployment:
    migrate(database_url)
    Keyring.create(tmp_path / "keys.json")
    (tmp_path / "api-keys.json").write_text('{"keys": []}')
    with connect(database_url) as connection:
        connection.execute("CREATE TABLE own AS SELECT 1 AS kept")
        for who, role in (("olga", "operator"), ("ana", "analyst")):
            postgres_api_keys.add(connection, ApiKey(who, "0" * 64, "local", who, (role,)))
        connection.execute("INSERT INTO views.position VALUES ('topic', 0, 1, 1, 'cluster', 'id')")
    return Deployment(kafka, database_url, tmp_path)


def test_reset_empties_what_was_derived_and_leaves_the_applications_tables(deployment: Deployment) -> None:
    done = deployment.type("reset-derived", "--reason", REASON, answer="y\n")
    assert done.exit_code == 0, done.output
    assert deployment.positions() == 0
    assert pending(deployment.database_url) == ()
    with connect(deployment.database_url) as connection:
        assert connection.execute("SELECT kept FROM own").fetchone() == (1,)
        kept = [key.key_id for key in postgres_api_keys.of_tenant(connection, "local")]
        assert sorted(kept) == ["ana", "olga"]
    assert deployment.said() == [("olga", "derived.reset", "deployment", REASON)]


def test_views_are_emptied_and_it_is_said_who_did_it(deployment: Deployment) -> None:
    done = deployment.type("rebuild-views", "--reason", "a column is new", "--json")
    assert done.exit_code == 0, done.output
    assert deployment.positions() == 0
    assert deployment.said() == [("olga", "views.empty", "deployment", "a column is new")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reset-derived", "--yes"), "--reason"),
        (("rebuild-views", "--reason", " "), "--reason"),
        (("reset-derived", "--yes", "--reason", REASON, "--as", "ana"), "operator"),
        (("rebuild-views", "--reason", REASON, "--as", "kim"), "kim"),
    ],
)
def test_who_may_not_or_does_not_say_why_empties_nothing(
    deployment: Deployment, words: tuple[str, ...], said: str
) -> None:
    refused = deployment.type(*words)
    assert refused.exit_code == 1
    assert said in str(refused.exception)
    assert deployment.positions() == 1
    assert deployment.said() == []


def test_a_log_that_is_away_cannot_be_told_and_nothing_is_emptied(deployment: Deployment) -> None:
    deployment.kafka = "127.0.0.1:1"
    refused = deployment.type("reset-derived", "--yes", "--reason", REASON)
    assert refused.exit_code == 1
    assert deployment.positions() == 1
