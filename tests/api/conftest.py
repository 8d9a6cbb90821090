"""An API over a log in memory and real views, with callers of two tenants."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg.rows import TupleRow
from pydantic import BaseModel, ConfigDict, Field

from penstock import Application, Call, Rate, Run, tool, workflow
from penstock.api.app import create_app
from penstock.audit.applier import Applier, catch_up
from penstock.producers.log import OnDone, Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Keyring
from penstock.runtime.postgres import connect, migrate, migrations
from penstock.runtime.settings import Settings
from penstock.schemas.codec import EventBody, InputBody, Undecodable, pinned_codec
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_EVENTS, RUN_INBOX, SCHEDULE_EVENTS, SCHEDULE_INBOX
from tests.api.answers_told import held_against_their_shapes
from tests.api.routes_once import analysed_once
from tests.views.database import API_KEYS, database_with_views, empty
from tests.views.histories import Historian

Judge = Callable[[InputMeta, InputBody], EventBody | None]


class Review(BaseModel):
    """The input of the review that these tests start."""

    model_config = ConfigDict(extra="forbid")

    case_id: str = Field(pattern="^case-[0-9]+$")
    note: str = ""


class More(BaseModel):
    """What the signal `more` says."""

    words: str


@workflow("case-review", version=1, signals={"more": More})
async def case_review(run: Run, case: Review) -> str:
    return case.case_id


@tool(effect="read", owner="desk", roles=("analyst",), rate=Rate(5), concurrency=3)
def look_up(call: Call, *, case_id: str, deep: bool = False) -> list[str]:
    return [case_id]


class JudgedLog(MemoryLog):
    """A log whose inbox is answered at once: `judge` says which event an input causes, if it causes one."""

    def __init__(self) -> None:
        super().__init__()
        self.judge: Judge = lambda meta, body: None
        self.project: Callable[[], object] = lambda: None
        self.historian = Historian(self)
        self.inputs: list[tuple[InputMeta, InputBody]] = []
        self.decide_schedules: Callable[[], object] = lambda: None

    def append_soon(self, record: Outgoing, on_done: OnDone) -> None:
        super().append_soon(record, on_done)
        if record.topic not in (RUN_INBOX, SCHEDULE_INBOX):
            return
        try:
            meta, body = pinned_codec().decode_input(record.value or b"")
        except Undecodable:
            return
        self.inputs.append((meta, body))
        if record.topic == SCHEDULE_INBOX:
            self.decide_schedules()
            return
        event = self.judge(meta, body)
        if event is not None:
            made = self.historian.outgoing(meta.entity_id, event, actor=meta.actor, cause_id=meta.id)
            self.append([made])
            self.project()


@dataclass
class Api:
    """The application under test and all that it stands on."""

    app: FastAPI
    client: TestClient
    log: JudgedLog
    views: psycopg.Connection[TupleRow]
    settings: Settings
    keys: dict[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)

    def as_(self, who: str, **headers: str) -> dict[str, str]:
        """The headers of a caller."""
        return {"Authorization": f"Bearer {self.keys[who]}", **headers}

    def tell(self, run_id: str, *bodies: EventBody) -> None:
        """Let a run's history go on, and the views see it."""
        self.log.historian.write(run_id, *bodies)
        self.log.project()


PEOPLE = (
    ("ana", "local", ("analyst",)),
    ("sam", "local", ("supervisor",)),
    ("olga", "local", ("operator",)),
    ("nobody", "local", ()),
    ("chloe", "local", ("chief",)),
    ("ada", "local", ("admin", "analyst", "operator")),
    ("mallory", "elsewhere", ("analyst", "supervisor", "operator")),
    ("eve", "elsewhere", ("admin",)),
)


def key_of(who: str) -> str:
    """The API key of one of these people."""
    return f"psk_{who}_{hashlib.sha256(who.encode()).hexdigest()}"


@pytest.fixture(scope="session", autouse=True)
def routes_analysed_once() -> Iterator[None]:
    with analysed_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def answers_held_against_their_shapes() -> Iterator[None]:
    with held_against_their_shapes():
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with signing keys and API keys."""
    Keyring.create(tmp_path / "keys.json")
    entries = [
        {
            "id": who,
            "sha256": hashlib.sha256(key_of(who).encode()).hexdigest(),
            "tenant": tenant,
            "subject": who,
            "roles": roles,
        }
        for who, tenant, roles in PEOPLE
    ]
    (tmp_path / "api-keys.json").write_text(json.dumps({"keys": entries}))
    return tmp_path


@pytest.fixture(scope="session")
def views_database(postgres_server: str) -> Iterator[str]:
    """The address of this folder's database."""
    with database_with_views(postgres_server) as url:
        migrate(url, known=tuple(each for each in migrations() if each.name in API_KEYS))
        yield url


@pytest.fixture
def set_up() -> dict[str, int]:
    """Settings of the API under test that a module wants otherwise."""
    return {}


@pytest.fixture
def api(home: Path, views_database: str, set_up: dict[str, int]) -> Iterator[Api]:
    """The API, served in this process."""
    database_url = empty(views_database)
    with connect(database_url) as connection:
        for table in ("webhook_delivery", "webhook", "api_key"):
            connection.execute(f"DELETE FROM penstock.{table}".encode())
    addresses = Settings(home=home, database_url=database_url, kafka_bootstrap_servers="unused:9092")
    # Tests ask again and again until a key counts.
    settings = addresses.model_copy(update={"api_failures_per_minute": 100_000} | set_up)
    log = JudgedLog()
    application = Application("tests", workflows=(case_review,), tools=(look_up,))
    app = create_app(
        settings, log=log, application=application, body_bytes_max=600_000, acknowledged_s=1.5, effect_s=0.2
    )
    with connect(database_url) as views, TestClient(app, raise_server_exceptions=False) as client:
        applier = Applier(views, pinned_codec(), Keyring.load(settings.keys_file))
        log.project = lambda: catch_up(applier, log, [RUN_EVENTS, SCHEDULE_EVENTS, OPERATOR_ACTIONS])
        keys = {who: key_of(who) for who, _, _ in PEOPLE}
        yield Api(app, client, log, views, settings, keys)
