"""`penstock webhooks`: what is typed, what is recorded, and what stands in the tables then."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from penstock.cli.main import app
from penstock.producers.errors import NotYetAcknowledged
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import CLOSE_S_DEFAULT
from penstock.producers.signing import Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect, migrate
from penstock.runtime.webhook_secrets import unseal
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import OPERATOR_ACTIONS

Type = Callable[..., Any]
URL = "https://hooks.example.com/penstock"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """Where the commands speak, instead of a broker."""
    made = MemoryLog()
    monkeypatch.setattr("penstock.cli.speaking.KafkaLog", lambda *_: made)
    monkeypatch.setattr("penstock.cli.speaking.insist_on_broker", lambda _: None)
    return made


@pytest.fixture
def typed(tmp_path: Path, database_url: str, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> Type:
    """What a command says, as JSON. Raises what it complains of."""
    migrate(database_url)
    Keyring.create(tmp_path / "keys.json")
    for name, text in (
        ("PENSTOCK_HOME", str(tmp_path)),
        ("DATABASE_URL", database_url),
        ("KAFKA_BOOTSTRAP_SERVERS", "unused:9092"),
    ):
        monkeypatch.setenv(name, text)

    def run(*words: str, plain: bool = False) -> Any:
        result = CliRunner().invoke(app, ["webhooks", *words, *([] if plain else ["--json"])])
        if result.exception is not None:
            raise result.exception
        return result.output if plain else json.loads(result.output)

    return run


def actions(log: MemoryLog) -> list[tuple[str, str]]:
    """What is recorded: action and reason."""
    found = []
    for partition in range(log.partitions(OPERATOR_ACTIONS)):
        for record in log.read(OPERATOR_ACTIONS, partition, 0, 100):
            _, body = pinned_codec().decode_fact(record.value or b"")
            found.append((body.action, body.reason))
    return found


def test_a_webhook_from_its_creation_to_its_end(
    typed: Type, log: MemoryLog, tmp_path: Path, database_url: str
) -> None:
    made = typed("create", URL, "--kind", "approval.requested", "--kind", "run.ended", "--reason", "the desk")
    ident = made["id"]
    assert (made["state"], made["kinds"]) == ("active", ["approval.requested", "run.ended"])
    with connect(database_url) as connection:
        row = connection.execute("SELECT secret, since_ms, w::text FROM penstock.webhook AS w").fetchone()
    assert row is not None
    assert unseal(Keyring.load(tmp_path / "keys.json"), ident, row[0]) == made["secret"]
    assert made["secret"][6:] not in row[2]
    assert row[1] > 0
    rotated = typed("rotate", ident, "--grace", "1h")
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"] is not None
    filed = typed("test", ident)["id"]
    (delivery,) = typed("deliveries", ident, "--status", "waiting")["deliveries"]
    assert (delivery["id"], delivery["kind"]) == (filed, "webhook.test")
    assert typed("redeliver", ident, filed) == {"id": filed}
    assert typed("disable", ident, "--reason", "noise", "--as", "olga")["disabled_reason"] == "olga: noise"
    for words in (("test", ident), ("redeliver", ident, filed)):
        with pytest.raises(SetupError, match="penstock webhooks enable"):
            typed(*words)
    assert typed("enable", ident)["state"] == "active"
    assert "secret" not in typed("show", ident)
    assert URL in typed("list", plain=True).replace("\n", "")
    assert filed[:8] in typed("deliveries", ident, plain=True)
    assert typed("delete", ident)["state"] == "deleted"
    assert typed("list") == {"webhooks": []}
    assert actions(log) == [
        ("webhook.create", "the desk"),
        ("webhook.rotate", ""),
        ("webhook.redeliver", ""),
        ("webhook.disable", "noise"),
        ("webhook.enable", ""),
        ("webhook.delete", ""),
    ]


def test_what_cannot_be_is_refused_with_what_to_type_and_changes_nothing(
    typed: Type, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, said in (
        (("create", URL, "--kind", "run.started"), "kinds are"),
        (("create", "https://10.0.0.1/", "--kind", "run.ended"), "PENSTOCK_WEBHOOK_HOSTS_ALLOWED"),
        (("show", "none"), "penstock webhooks list"),
    ):
        with pytest.raises(SetupError, match=said):
            typed(*words)
    monkeypatch.setattr("penstock.cli.speaking.ACKNOWLEDGED_S", 0.2)
    log.go_away()
    began_s = time.monotonic()
    with pytest.raises(NotYetAcknowledged):
        typed("create", URL, "--kind", "run.ended")
    assert time.monotonic() - began_s < CLOSE_S_DEFAULT, "nobody is held up by the flush that closes"
    log.come_back()
    assert typed("list") == {"webhooks": []}
