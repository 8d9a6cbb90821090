"""The projector on a real broker and Postgres: killed, doubled, cut from its database, made to start over."""

import os
import signal
import threading

import pytest

from penstock.audit.applier import PositionRefused
from penstock.audit.projector import run
from penstock.audit.rebuild import rebuild
from penstock.producers.log import Outgoing
from penstock.runtime.exits import STAY_DOWN
from tests.views.database import address
from tests.views.histories import new_run, started
from tests.views.stage import Stage, eventually, running

pytestmark = pytest.mark.broker


def test_what_is_written_is_shown(stage: Stage) -> None:
    stage.write_reviews(20)
    stage.log.append([Outgoing(stage.dead, b"key", b"broken", ())])
    with running(stage.projector()) as raised:
        eventually(lambda: stage.behind() == 0)
        stage.write_reviews(5)
        stage.assert_views_equal_the_log()
        eventually(lambda: stage.views.execute("SELECT count(*) FROM views.dead_letter").fetchone() == (1,))
    assert raised == []
    assert stage.views.execute("SELECT count(*), min(status) FROM views.run").fetchone() == (25, "completed")


def test_a_projector_that_is_killed_again_and_again_shows_each_record_once(stage: Stage) -> None:
    def write() -> None:
        for _ in range(12):
            stage.write_reviews(15)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(4):
        with stage.process("one") as process:
            seen = stage.views.execute("SELECT count(*) FROM views.run_event").fetchone()
            eventually(
                lambda seen=seen: (
                    stage.views.execute("SELECT count(*) FROM views.run_event").fetchone() != seen  # type: ignore[misc]
                    or (not writer.is_alive() and stage.behind() == 0)
                )
            )
            os.kill(process.pid, signal.SIGKILL)
    writer.join()
    with stage.process("one"):
        stage.assert_views_equal_the_log()
    assert stage.views.execute("SELECT count(*) FROM views.run").fetchone() == (180,)


def test_projectors_that_come_and_go_share_the_work_and_repeat_none(stage: Stage) -> None:
    stage.write_reviews(10)
    with running(stage.projector("a")) as raised:
        eventually(lambda: stage.behind() == 0)
        with running(stage.projector("b"), stage.projector("c")) as raised_too:
            for _ in range(5):
                stage.write_reviews(5)
                eventually(lambda: stage.behind() == 0)
        stage.write_reviews(5)
        stage.assert_views_equal_the_log()
    assert raised + raised_too == []


def test_a_projector_outlives_its_database_connections(stage: Stage) -> None:
    with running(stage.projector()) as raised:
        for _ in range(3):
            stage.write_reviews(5)
            stage.views.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            stage.write_reviews(5)
        stage.assert_views_equal_the_log()
    assert raised == []


def test_views_are_made_anew_under_a_running_projector(stage: Stage) -> None:
    stage.write_reviews(10)
    with running(stage.projector()) as raised:
        eventually(lambda: stage.behind() == 0)
        assert rebuild(address(stage.views)) == 10
        stage.log.append([stage.historian.outgoing(new_run(), started())])
        stage.assert_views_equal_the_log()
    assert raised == []
    assert stage.views.execute("SELECT count(*) FROM views.run").fetchone() == (11,)


def test_views_of_another_log_stop_the_projector_with_the_way_out(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.write_reviews(2)
    with running(stage.projector()):
        eventually(lambda: stage.behind() == 0)
    stage.views.execute("UPDATE views.position SET cluster_id = 'another'")
    with running(stage.projector()) as raised:
        eventually(lambda: bool(raised))
    (error,) = raised
    assert isinstance(error, PositionRefused)
    assert "penstock rebuild-views" in str(error)
    assert run(stage.projector()) == STAY_DOWN
    assert "penstock rebuild-views" in capsys.readouterr().err
