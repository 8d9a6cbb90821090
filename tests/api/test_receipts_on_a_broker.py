"""The same between two API processes on a real broker, with nobody who decides and no views that show anything."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from penstock import Application
from penstock.api.app import create_app
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.settings import Settings
from penstock.schemas.topics import ALL_TOPICS, RUN_INBOX
from tests.api.conftest import case_review, key_of
from tests.views.database import empty

pytestmark = pytest.mark.broker

ANA = {"Authorization": f"Bearer {key_of('ana')}"}


@pytest.fixture
def doors(kafka: str, home: Path, views_database: str) -> Iterator[tuple[TestClient, TestClient]]:
    ensure_topics(kafka, [topic for topic in ALL_TOPICS if topic.name == RUN_INBOX])
    settings = Settings(home=home, database_url=empty(views_database), kafka_bootstrap_servers=kafka)
    with ExitStack() as open_doors:
        made = [create_app(settings, application=Application("t", workflows=(case_review,))) for _ in "ab"]
        one, other = (open_doors.enter_context(TestClient(app)) for app in made)
        yield one, other


def test_what_one_has_taken_the_other_knows(doors: tuple[TestClient, TestClient]) -> None:
    one, other = doors
    for case in range(20):
        body = {"workflow": "case-review", "input": {"case_id": f"case-{case}"}}
        said = one.post("/v1/runs", json=body, headers=ANA)
        assert said.status_code == 202
        bare, _, receipt = said.headers["location"].partition("?receipt=")
        assert other.get(bare, headers=ANA).status_code == 404
        # Where nothing stands yet, no more than what is there is waited for.
        beyond = other.get(f"{bare}?receipt={receipt.partition('.')[0]}.{2**40}", headers=ANA)
        assert beyond.status_code == 404
        found = other.get(said.headers["location"], headers=ANA)
        assert (found.status_code, found.json()["status"]) == (200, "accepted")
