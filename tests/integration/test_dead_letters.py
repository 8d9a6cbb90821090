"""Dead letters on a real broker and database: made by a worker, put back by commands that are killed on the way."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.audit import reading
from penstock.cli import api_keys
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing, Record
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import REDRIVE
from penstock.schemas.ids import dead_letter_id, derived_id, partition_of, run_id
from penstock.schemas.run.records import StartRun
from penstock.schemas.topics import ALL_TOPICS, RUN_INBOX, SCHEDULE_EVENTS, SCHEDULE_INBOX
from tests.integration import schedule_letters
from tests.integration.processes import ROOT, Processes, eventually, processes

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
APPLICATION = "tests.integration.back_pressure_application:application"
KINDS = ("misplaced", "malformed", "wrong schema id", "bad utf-8", "oversized", "rubbish")


class Site:
    """A worker, the views, records that can't be taken, and the commands of an operator."""

    def __init__(self, kafka: str, database_url: str, home: Path, children: Processes) -> None:
        self.database_url, self.home, self.children = database_url, home, children
        keyring = Keyring.create(home / "keys.json")
        api_keys.ensure(home / "api-keys.json")
        children.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "DATABASE_URL": database_url,
            "PENSTOCK_HOME": str(home),
            "PENSTOCK_APPLICATION": APPLICATION,
            "PENSTOCK_TEST_SLOW": str(home / "slow"),
        }
        self.log = KafkaLog(kafka, "tests")
        publisher = Publisher(self.log, pinned_codec(), keyring.signer(Authority.API), "tests")
        self.runs = {kind: run_id("local", kind) for kind in KINDS}
        placed = self.log.append([broken(publisher, kind, run) for kind, run in self.runs.items()])
        self.ids = {
            kind: dead_letter_id(record.topic, record.partition, record.offset)
            for kind, record in zip(KINDS, placed, strict=True)
        }
        for words in (("worker", "all"), ("worker", "views")):
            children.start("-".join(words), ["penstock.cli.main", *words])

    def type(self, *words: str, code: int = 0, **environment: str) -> str:
        """A command, which must end with that code; what it printed."""
        argv = [sys.executable, "-m", "penstock.cli.main", *words]
        env = {**os.environ, **self.children.environment, **environment}
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}\n{self.children.tails()}"
        return done.stdout + done.stderr

    def show(self, kind: str) -> Any:
        return json.loads(self.type("dlq", "show", self.ids[kind], "--json"))

    def until_state(self, kind: str, state: str) -> None:
        def there() -> bool:
            with connect(self.database_url) as connection:
                found = connection.execute(
                    "SELECT state FROM views.dead_letter_standing WHERE id = %s", (self.ids[kind],)
                ).fetchone()
            return found == (state,)

        eventually(there, 60, self.children.tails)

    def until_completed(self, kind: str) -> None:
        def there() -> bool:
            with connect(self.database_url) as connection:
                found = reading.run(connection, self.runs[kind])
            return found is not None and found.status == "completed"

        eventually(there, 60, self.children.tails)

    def back(self, kind: str) -> list[Record]:
        """What was put back for it."""
        named = self.ids[kind].encode()
        records = [
            record for p in range(6) for record in self.log.read(RUN_INBOX, p, *self.log.bounds(RUN_INBOX, p))
        ]
        return [record for record in records if record.header(REDRIVE) == named]

    def started(self, kind: str) -> int:
        """How often the run began."""
        with connect(self.database_url) as connection:
            return sum(line.type == "RunStarted" for line in reading.trail(connection, self.runs[kind]))


def broken(publisher: Publisher, kind: str, run: str) -> Outgoing:
    """The start of a run as somebody spoilt it."""
    content = {"case_id": kind}
    meta = InputMeta(
        id=derived_id(run, "start"),
        type="StartRun",
        tenant="local",
        entity_id=run,
        time_ms=7,
        actor=Actor(kind="person", subject="ana", roles=("analyst",)),
    )
    body = StartRun(workflow="case-review", input=json_payload(content), body_sha256="0" * 64)
    good = publisher.outgoing(meta, body)
    value, key = good.value or b"", run.encode()
    values = {
        "malformed": b"\x00nonsense",
        "rubbish": b"",
        "wrong schema id": b"\x00" + (9_999).to_bytes(4, "big") + value[5:],
        "bad utf-8": value.replace(b"case-review", b"case-\xff\xfeview"),
        "oversized": b"\x01" + b"x" * (1024 * 1024 - 150),
    }
    wrong = (partition_of(key, 6) + 1) % 6 if kind == "misplaced" else None
    headers = () if kind == "oversized" else good.headers
    return Outgoing(RUN_INBOX, key, values.get(kind, value), headers, wrong)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("dead-letters")
    broker, database = LocalBroker(home, heap_mb=512), LocalPostgres(home)
    broker.start()
    database.start()
    try:
        ensure_topics(broker.bootstrap_servers, ALL_TOPICS)
        migrate(database.url)
        with processes({}, home / "logs") as children:
            made = Site(broker.bootstrap_servers, database.url, home, children)
            try:
                for kind in KINDS:
                    made.until_state(kind, "open")
                yield made
            finally:
                made.log.close()
    finally:
        database.stop()
        broker.stop()


def test_what_cant_be_taken_is_listed_and_shown(site: Site) -> None:
    listed = {one["id"]: one for one in json.loads(site.type("dlq", "list", "--json"))}
    assert set(listed) == set(site.ids.values())
    assert {kind: listed[ident]["error"]["class"] for kind, ident in site.ids.items()} == {
        kind: "Misplaced" if kind == "misplaced" else "Undecodable" for kind in KINDS
    }
    assert site.show("misplaced")["value"]["decoded"]["type"] == "StartRun"
    assert site.show("malformed")["value"]["hex"][0].endswith("|.nonsense|")
    assert len(site.show("oversized")["value"]["hex"]) == 256
    assert "Misplaced" in site.type("dlq", "list", "--error", "Misplaced")


@pytest.mark.parametrize(
    ("point", "kind"), [("redrive-recorded", "misplaced"), ("redrive-put-back", "malformed")]
)
def test_a_redrive_that_is_killed_is_finished_by_the_next_and_the_run_begins_once(
    site: Site, tmp_path: Path, point: str, kind: str
) -> None:
    words = ["dlq", "redrive", site.ids[kind], "--reason", "the sender is mended"]
    if kind != "misplaced":
        fields = {"workflow": "case-review", "input": {"content": {"case_id": kind}}}
        mend = tmp_path / "mend.json"
        mend.write_text(json.dumps({"type": "StartRun", "entity_id": site.runs[kind], "fields": fields}))
        words += ["--mend", str(mend)]
    site.type(*words, code=-signal.SIGKILL, PENSTOCK_CRASH_AT=point)
    site.until_state(kind, "redriving")
    assert len(site.back(kind)) == (1 if point == "redrive-put-back" else 0)
    if point == "redrive-put-back":
        assert "It is redriven" in site.type(*words, code=2)
    else:
        assert "redriven" in site.type(*words)
    site.until_state(kind, "redriven")
    site.until_completed(kind)
    assert len(site.back(kind)) == 1
    assert site.started(kind) == 1
    assert site.show(kind)["done"][0]["actor"]["subject"] == "olga"


@pytest.mark.parametrize("kind", ["wrong schema id", "bad utf-8", "oversized"])
def test_each_is_put_back_with_a_mend_and_runs(site: Site, tmp_path: Path, kind: str) -> None:
    fields = {"workflow": "case-review", "input": {"content": {"case_id": kind}}}
    mend = tmp_path / "mend.json"
    mend.write_text(json.dumps({"type": "StartRun", "entity_id": site.runs[kind], "fields": fields}))
    if kind == "oversized":
        site.type("dlq", "redrive", site.ids[kind], "--reason", "as it came", code=2)
    site.type("dlq", "redrive", site.ids[kind], "--reason", "mended", "--mend", str(mend))
    site.until_completed(kind)
    assert site.started(kind) == 1


def test_by_filter_nothing_is_done_until_it_is_said_and_then_each_is_told(site: Site) -> None:
    words = ["dlq", "discard", "--reason", "rubbish", "--error", "Undecodable", "--json"]
    assert json.loads(site.type(*words))["count"] >= 1
    assert site.show("rubbish")["state"] == "open"
    told = [json.loads(line) for line in site.type(*words, "--yes").splitlines()]
    assert site.ids["rubbish"] in {one["id"] for one in told}
    assert {one["outcome"] for one in told} == {"discarded"}
    site.until_state("rubbish", "discarded")
    actions = json.loads(site.type("actions", "--json", "--by", "olga"))
    assert actions[0]["action"] == "dead-letter.discard"
    assert "dead-letter.bulk-discard" in {one["action"] for one in actions}


def test_who_is_no_operator_may_not(site: Site) -> None:
    words = ["dlq", "redrive", site.ids["rubbish"], "--reason", "x", "--as", "ana"]
    assert "none of the roles operator" in site.type(*words, code=2)


def test_those_of_schedules_are_put_back_mended_and_given_up(site: Site, tmp_path: Path) -> None:
    sent = schedule_letters.send(site.log, Keyring.load(site.home / "keys.json"))
    site.ids |= {f"schedule's {kind}": ident for kind, ident in sent.items()}
    for kind in sent:
        site.until_state(f"schedule's {kind}", "open")
    listed = json.loads(site.type("dlq", "list", "--topic", SCHEDULE_INBOX, "--json"))
    assert {one["id"]: one["error"]["class"] for one in listed} == {
        sent["misplaced"]: "Misplaced",
        sent["malformed"]: "Undecodable",
    }
    site.type("dlq", "redrive", sent["misplaced"], "--reason", "the sender is mended")
    eventually(lambda: schedule_letters.shown(site.database_url) == ("active", None), 60, site.children.tails)
    mend = schedule_letters.mend(tmp_path / "mend.json")
    site.type("dlq", "redrive", sent["malformed"], "--reason", "as it was meant", "--mend", mend)
    eventually(
        lambda: schedule_letters.shown(site.database_url) == ("paused", "olga"), 60, site.children.tails
    )
    said = site.type("dlq", "redrive", sent["event"], "--reason", "x", code=2)
    assert f"Only its owner writes {SCHEDULE_EVENTS}" in said
    shown = site.show("schedule's event")["refused_by"]
    assert "penstock.streams.firing" in {one["group"] for one in shown}
    site.type("dlq", "discard", sent["event"], "--reason", "a stranger's")
    site.until_state("schedule's event", "discarded")
