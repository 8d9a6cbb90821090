"""`penstock keys`: what is typed, what is recorded, and what stands in the table then."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.views.database import API_KEYS
from typer.testing import CliRunner

from penstock.cli import api_keys
from penstock.cli.main import app
from penstock.cli.speaking import NotFound, speaking_as
from penstock.producers.errors import LogError
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Keyring
from penstock.runtime.api_keys import key_sha256
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect, migrate, migrations
from penstock.runtime.settings import Settings
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import OPERATOR_ACTIONS

Type = Callable[..., Any]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """Where the commands speak, instead of a broker."""
    made = MemoryLog()
    monkeypatch.setattr("penstock.cli.speaking.KafkaLog", lambda *_: made)
    monkeypatch.setattr("penstock.cli.speaking.insist_on_broker", lambda _: None)
    return made


@pytest.fixture
def settings(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with signing keys and the first API keys, and a table beside it."""
    migrate(database_url, known=tuple(each for each in migrations() if each.name in API_KEYS))
    Keyring.create(tmp_path / "keys.json")
    api_keys.ensure(tmp_path / "api-keys.json")
    for name, text in (
        ("PENSTOCK_HOME", str(tmp_path)),
        ("DATABASE_URL", database_url),
        ("KAFKA_BOOTSTRAP_SERVERS", "unused:9092"),
    ):
        monkeypatch.setenv(name, text)
    return Settings.load()


@pytest.fixture
def typed(settings: Settings, log: MemoryLog) -> Type:
    """What a command says, as JSON. Raises what it complains of."""

    def run(*words: str) -> Any:
        result = CliRunner().invoke(app, ["keys", *words, "--json"])
        if result.exception is not None:
            raise result.exception
        return json.loads(result.output)

    return run


def actions(log: MemoryLog) -> list[tuple[str, str, str, str]]:
    records = [
        record
        for partition in range(log.partitions(OPERATOR_ACTIONS))
        for record in log.read(OPERATOR_ACTIONS, partition, 0, 100)
    ]
    said = [pinned_codec().decode_fact(record.value or b"") for record in records]
    return [(meta.actor.subject, body.action, body.target, body.reason) for meta, body in said]


def test_a_key_is_added_recorded_and_shown_once(typed: Type, settings: Settings, log: MemoryLog) -> None:
    words = ("--role", "analyst", "--scope", "runs:start", "--group", "/bank/desk", "--kind", "service")
    made = typed("add", "nightly", *words, "--expires", "90d", "--reason", "imports", "--as", "olga")
    assert actions(log) == [("olga", "key.create", made["id"], "imports")]
    assert (made["kind"], made["scopes"], made["tenant"]) == ("service", ["runs:start"], "local")
    assert made["expires_at"] > made["created_at"] > "2026"
    with connect(settings.database_url) as connection:
        rows = connection.execute("SELECT key_id, sha256 FROM penstock.api_key").fetchall()
    assert rows == [(made["id"], key_sha256(made["key"]))]
    listed = typed("list")["keys"]
    assert [key["groups"] for key in listed if key["subject"] == "nightly"] == [["/bank/desk"]]
    assert {key["subject"] for key in listed} == {"ana", "sam", "olga", "nightly"}
    assert made["key"] not in json.dumps(listed)


def test_without_json_the_key_alone_is_printed(typed: Type) -> None:
    result = CliRunner().invoke(app, ["keys", "add", "kim", "--role", "analyst"])
    assert result.output.startswith("psk_")
    assert len(result.output.split()) == 1
    assert "kim" in CliRunner().invoke(app, ["keys", "list"]).output


def test_a_key_of_the_file_is_rotated_and_revoked_like_any(typed: Type, log: MemoryLog) -> None:
    (ana,) = (key["id"] for key in typed("list")["keys"] if key["subject"] == "ana")
    new = typed("rotate", ana, "--grace", "0s", "--as", "olga")
    assert new["created_at"] is not None
    typed("revoke", new["id"], "--reason", "left", "--as", "olga")
    typed("revoke", new["id"], "--reason", "again", "--as", "olga")
    states = {key["id"]: (key["state"], key["replaced_by"]) for key in typed("list")["keys"]}
    assert states[ana] == ("revoked", new["id"])
    assert states[new["id"]] == ("revoked", None)
    assert actions(log) == [("olga", "key.rotate", ana, ""), ("olga", "key.revoke", new["id"], "left")]
    with pytest.raises(SetupError, match="penstock keys add"):
        typed("rotate", ana)


def test_nothing_is_done_that_the_log_has_not(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(receipt: object) -> None:
        raise LogError("the log is away")

    (ana,) = (key["id"] for key in typed("list")["keys"] if key["subject"] == "ana")
    monkeypatch.setattr("penstock.cli.speaking.told", away)
    for words in (("add", "kim", "--role", "analyst"), ("rotate", ana), ("revoke", ana)):
        with pytest.raises(LogError):
            typed(*words)
    assert {key["state"] for key in typed("list")["keys"]} == {"active"}
    assert "kim" not in json.dumps(typed("list"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("add", "kim", "--role", "analyst", "--kind", "robot"), "person or service"),
        (("add", "kim", "--role", "analyst", "--scope", "all"), "scopes are runs:start"),
        (("add", "kim", "--role", "analyst", "--expires", "soon"), "90d"),
        (("rotate", "none"), "penstock keys list"),
        (("revoke", "none"), "penstock keys list"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_type(
    typed: Type, log: MemoryLog, words: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(SetupError, match=complaint):
        typed(*words)
    assert actions(log) == []


def test_commands_speak_as_people_whose_key_counts(typed: Type, settings: Settings) -> None:
    made = typed("add", "kim", "--role", "supervisor")
    typed("add", "robot", "--role", "supervisor", "--kind", "service")
    with speaking_as(settings, "local", "kim") as client:
        assert client is not None
    with pytest.raises(NotFound, match="ana, kim, olga, sam"), speaking_as(settings, "local", "robot"):
        pass
    typed("revoke", made["id"])
    with pytest.raises(NotFound, match="no person 'kim'"), speaking_as(settings, "local", "kim"):
        pass
