"""`penstock tail` on real views: what it prints, once and in order, and where it ends."""

import json
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow
from tests.views.database import database_with_views, empty
from tests.views.histories import Historian, case_review, new_run, started

from penstock.audit.applier import Applier, catch_up
from penstock.audit.rebuild import rebuild
from penstock.cli.tail import follow, of_all, of_run
from penstock.producers.memory import MemoryLog
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import ALL_TOPICS, RUN_EVENTS

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        yield url


class Views:
    """A log in memory, and views that see it when they are told to."""

    def __init__(self, connection: psycopg.Connection[TupleRow], url: str) -> None:
        self.log = MemoryLog(ALL_TOPICS)
        self.settings = Settings(database_url=url, kafka_bootstrap_servers="unused:9092")
        self._applier = Applier(connection, pinned_codec())
        self.historian = Historian(self.log)

    def project(self) -> None:
        catch_up(self._applier, self.log, [RUN_EVENTS])


@pytest.fixture
def views(database: str) -> Iterator[Views]:
    with connect(empty(database)) as connection:
        yield Views(connection, database)


def test_a_run_is_printed_until_it_has_ended(views: Views, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = new_run()
    views.historian.write(run_id, *case_review(run_id)[:3])
    views.project()
    lines = of_run(views.settings, run_id)
    assert [next(lines).line.seq for _ in range(3)] == [1, 2, 3]
    views.historian.write(run_id, *case_review(run_id)[3:])
    views.project()
    assert [line.line.seq for line in lines] == list(range(4, 17))
    follow(views.settings, run_id, "", 15, as_json=False)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[1:4] for line in printed] == [
        [run_id, "15", "ToolCallCompleted"],
        [run_id, "16", "RunCompleted"],
    ]


def test_for_programs_each_event_is_a_line_of_json(views: Views, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = new_run()
    views.historian.write(run_id, *case_review(run_id))
    views.project()
    follow(views.settings, run_id, "", 1, as_json=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["run_id"], each["tenant"], each["seq"]) for each in printed] == [
        (run_id, "local", seq) for seq in range(1, 17)
    ]


@pytest.mark.parametrize("tenant", ["local", None])
def test_all_runs_from_now_on_of_a_tenant_or_of_all(views: Views, tenant: str | None) -> None:
    views.historian.write(new_run(), started())
    views.project()
    own, foreign = [new_run(), new_run()], new_run()
    found: list[tuple[str, int]] = []

    def read() -> None:
        for line in of_all(views.settings, tenant):
            found.append((line.run_id, line.line.seq))
            if len(found) == (2 if tenant else 3):
                return

    reader = threading.Thread(target=read)
    reader.start()
    other = Historian(views.log, "elsewhere", inputs=1_000)
    with connect(views.settings) as connection:
        _until_reading(connection)
    other.write(foreign, started())
    for run_id in own:
        views.historian.write(run_id, started())
    views.project()
    reader.join(20)
    assert not reader.is_alive()
    wanted = {(run_id, 1) for run_id in own} | (set() if tenant else {(foreign, 1)})
    assert set(found) == wanted
    assert len(found) == len(wanted)


def _until_reading(connection: psycopg.Connection[TupleRow]) -> None:
    """Wait until a reader has asked for more than its first place."""
    select = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'penstock.tail' AND query LIKE '%stretch%'"
    for _ in range(10_000):
        row = connection.execute(select.encode()).fetchone()
        if row and row[0]:
            return
    raise AssertionError("nobody reads")


def test_views_made_anew_repeat_nothing(views: Views) -> None:
    runs = [new_run() for _ in range(3)]
    views.historian.write(new_run(), started())
    views.project()
    lines = of_all(views.settings, None)
    first = threading.Thread(target=lambda: found.append(next(lines).run_id))
    found: list[str] = []
    first.start()
    with connect(views.settings) as connection:
        _until_reading(connection)
    views.historian.write(runs[0], started())
    views.project()
    first.join(20)
    rebuild(views.settings)
    for run_id in runs[1:]:
        views.historian.write(run_id, started())
    views.project()
    found += [next(lines).run_id, next(lines).run_id]
    assert sorted(found) == sorted(runs)


def test_what_cant_be_asked_is_told_so(views: Views) -> None:
    with pytest.raises(SetupError, match="know no run"):
        follow(views.settings, new_run(), "", 1, as_json=False)
    with pytest.raises(SetupError, match="not both"):
        follow(views.settings, new_run(), "local", 1, as_json=False)
    with pytest.raises(SetupError, match="name the run"):
        follow(views.settings, "", "", 2, as_json=False)
