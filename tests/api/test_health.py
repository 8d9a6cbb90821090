"""Live and ready, and the keys' file."""

import json
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from penstock import Application
from penstock.api.app import create_app
from penstock.api.key_ring import KeyRing
from penstock.producers.memory import MemoryLog
from penstock.runtime.errors import NotConfigured
from penstock.runtime.settings import Settings
from tests.api.conftest import Api, case_review, key_of

AWAY = "postgresql://nobody@127.0.0.1:1/none"


def settings(home: Path, database_url: str = AWAY) -> Settings:
    return Settings(home=home, database_url=database_url, kafka_bootstrap_servers="127.0.0.1:1")


def test_live_touches_nothing(home: Path) -> None:
    app = create_app(
        settings(home), log=MemoryLog(), application=Application("tests", workflows=(case_review,))
    )
    with TestClient(app) as client:
        assert client.get("/health/live").json() == {"status": "live"}


def test_ready_when_database_log_and_configuration_are(api: Api) -> None:
    response = api.client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "log": "ok", "configuration": "ok"}


def test_not_ready_without_the_database_or_the_workflow(home: Path) -> None:
    app = create_app(settings(home), log=MemoryLog(), application=Application("empty"))
    with TestClient(app) as client:
        response = client.get("/health/ready")
    checks = response.json()["checks"]
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert checks["log"] == "ok"
    assert "views can't be read" in checks["database"]
    assert "case-review" in checks["configuration"]


def test_not_ready_before_the_migrations(home: Path, database_url: str) -> None:
    app = create_app(settings(home, database_url), log=MemoryLog(), application=Application("tests"))
    with TestClient(app) as client:
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert "penstock migrate" in response.json()["checks"]["database"]


class SilentLog(MemoryLog):
    """A log that doesn't answer until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = threading.Event()
        self.asked = 0

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        self.asked += 1
        self.answer.wait()
        return super().bounds(topic, partition)


def test_not_ready_while_the_log_is_away_and_asks_it_once(home: Path, views_database: str) -> None:
    log = SilentLog()
    app = create_app(
        settings(home, views_database), log=log, application=Application("tests", workflows=(case_review,))
    )
    with TestClient(app) as client:
        for _ in range(2):
            response = client.get("/health/ready")
            assert response.status_code == 503
            assert "no answer" in response.json()["checks"]["log"]
        assert log.asked == 1
        log.answer.set()
        assert client.get("/health/ready").json()["checks"]["log"] == "ok"


def test_a_key_is_compared_as_a_whole(home: Path) -> None:
    keys = KeyRing(home / "api-keys.json")
    key = key_of("ana")
    assert keys.known(key) is not None
    for wrong in (key[:-1], key + "x", key.upper(), "xsk" + key[3:], "psk_sam_" + key[8:], "", "psk__"):
        assert keys.known(wrong) is None


SHORT = {"id": "a", "sha256": "short", "tenant": "t", "subject": "s", "roles": []}


@pytest.mark.parametrize(
    "content", [None, "", "{}", '{"keys": [{"id": "a"}]}', json.dumps({"keys": [SHORT]})]
)
def test_a_bad_file_of_keys_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "api-keys.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NotConfigured, match="penstock up"):
        KeyRing(path)
