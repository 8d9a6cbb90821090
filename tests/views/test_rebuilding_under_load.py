"""Rebuilds on a real broker, beside a projector that goes on, and writers and readers without a pause; and killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from penstock.api.event_rows import EventRows
from penstock.api.views import Views
from penstock.audit import shadow as shadows
from penstock.audit.leftovers import leftovers
from penstock.audit.shadowing import RebuildUnderWay
from tests.views.database import address
from tests.views.histories import call_of, case_review, new_run, started
from tests.views.rebuilds import counts, rebuilding, schemas
from tests.views.stage import Stage, eventually, running

pytestmark = pytest.mark.broker
OLD = b'"subject":"old"'
JOINED = """
SELECT e.actor->>'subject' AS subject, r.requester FROM views.run_event AS e JOIN views.run AS r USING (run_id)
WHERE run_id = %(run_id)s AND r.tenant = %(tenant)s"""
OF_TABLES = """
SELECT (SELECT a.requester FROM views.approval_row AS a WHERE a.run_id = r.run_id) AS asked, r.requester,
       (SELECT min(c.tool) FROM views.tool_call_row AS c WHERE c.run_id = r.run_id) AS tool
FROM views.run_row AS r WHERE r.run_id = %(run_id)s AND r.tenant = %(tenant)s"""
PLANTED = (
    "UPDATE views.run_row SET requester = 'old', workflow = 'old', requesters_before = '{old}' WHERE run_id = %s",
    "UPDATE views.approval_row SET requester = 'old' WHERE run_id = %s",
    "UPDATE views.tool_call_row SET tool = 'old' WHERE run_id = %s",
    """UPDATE views.run_event_row SET actor = '{"subject":"old"}' WHERE run_id = %s""",
)


@pytest.fixture(autouse=True)
def tidied(stage: Stage) -> Iterator[None]:
    yield
    shadows.drop(stage.views)


class Readers:
    """Ask what the API asks, without a pause: whether each answer was old or new, and what was neither."""

    def __init__(self, where: str, run_id: str) -> None:
        self.wrong: list[object] = []
        self._where = where
        self._run_id = run_id
        self._done = threading.Event()
        self.seen: list[list[bool]] = [[] for _ in range(6)]

    @contextmanager
    def asking(self) -> Iterator[None]:
        thread = threading.Thread(target=asyncio.run, args=[self._ask_all()])
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join(30)

    async def _ask_all(self) -> None:
        views, rows, run_id = Views(self._where), EventRows(self._where), self._run_id
        asked = {"run_id": run_id, "tenant": "local"}

        async def approvals() -> list[object]:
            found = await views.approvals("local", run_id=run_id)
            return [value for row in found for value in (row["requester"], *row["requesters_before"])]

        async def run() -> list[object]:
            row = await views.run("local", run_id)
            return [row and row["requester"]]

        async def call() -> list[object]:
            row = await views.call("local", call_of(run_id, 5))
            return [row and row["tool"]]

        async def page() -> list[object]:
            events = (await rows.page("local", run_id, 1)).events
            return [
                word
                for each in events
                for word in (each.workflow, "old" if OLD in each.text(True) else "new")
            ]

        async def joined() -> list[object]:
            return [value for row in await views.ask(JOINED, asked) for value in row.values()]

        async def of_tables() -> list[object]:
            return [value for row in await views.ask(OF_TABLES, asked) for value in row.values()]

        try:
            questions = (approvals, run, call, page, joined, of_tables)
            await asyncio.gather(*(self._ask(number, each) for number, each in enumerate(questions)))
        finally:
            views.close()
            rows.close()

    async def _ask(self, number: int, question: Callable[[], Awaitable[list[object]]]) -> None:
        while not self._done.is_set():
            try:
                values = await question()
            except Exception as error:  # noqa: BLE001 whatever a reader is told is wrong
                self.wrong.append((number, error))
                return
            kinds = {value == "old" for value in values}
            if len(kinds) != 1:
                self.wrong.append((number, values))
            elif self.seen[number][-1:] != list(kinds):
                self.seen[number] += kinds


@contextmanager
def writing(stage: Stage) -> Iterator[None]:
    """Case reviews, one after the other, until it ends."""
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            stage.write_reviews(3)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def test_readers_and_projector_go_on_while_the_views_are_mended(stage: Stage) -> None:
    stage.write_reviews(20)
    run_id = new_run()
    bodies = (started(requesters_before=("ben",)), *case_review(run_id)[1:])
    stage.log.append([stage.historian.outgoing(run_id, body) for body in bodies])
    with running(stage.projector()) as raised:
        eventually(lambda: stage.behind() == 0)
        for statement in PLANTED:
            stage.views.execute(statement.encode(), (run_id,))
        stage.views.execute(
            "DELETE FROM views.run_row WHERE run_id = (SELECT min(run_id) FROM views.run_row WHERE run_id <> %s)",
            (run_id,),
        )
        readers = Readers(address(stage.views), run_id)
        with readers.asking(), writing(stage), rebuilding(address(stage.views), stage.log) as work:
            found = work.compare(3)
            assert counts(found) == {
                "approval": (0, 0, 1),
                "run": (0, 1, 1),
                "run_event": (0, 0, 16),
                "tool_call": (0, 0, 5),
            }
            eventually(lambda: all(readers.seen) or bool(readers.wrong))
            before = work.swap()
            eventually(lambda: all(len(seen) > 1 for seen in readers.seen) or bool(readers.wrong))
        assert readers.wrong == []
        # The old rows until the swap, the new ones from then on, and never back.
        assert readers.seen == [[True, False] for _ in readers.seen]
        stage.assert_views_equal_the_log()
    assert raised == []
    assert schemas(stage.views) == [before]


def test_a_rebuild_that_is_killed_goes_on_where_it_was(stage: Stage) -> None:
    stage.write_reviews(20)
    with running(stage.projector()) as raised:
        eventually(lambda: stage.behind() == 0)
        stage.views.execute("UPDATE views.run_row SET requester = 'old'")
        words = [sys.executable, "-m", "tests.views.rebuilds", stage.kafka, address(stage.views)]
        killed = subprocess.run(words, env={**os.environ, "PENSTOCK_CRASH_AT": "shadow-folded:2"}, timeout=60)
        assert killed.returncode == -signal.SIGKILL
        begun = leftovers(stage.views).begun
        assert begun is not None
        assert 0 < begun.records_done < begun.records
        stage.write_reviews(5)
        told: list[int] = []

        def resumed() -> bool:
            # Postgres hears of the death of a client in its own time.
            with suppress(RebuildUnderWay), rebuilding(address(stage.views), stage.log, resume=True) as work:
                work.catch_up(lambda done, of: told.append(done))
                assert counts(work.compare(0)) == {"run": (0, 0, 20)}
                work.swap()
                return True
            return False

        eventually(resumed)
        assert told[0] == begun.records_done
        stage.write_reviews(5)
        stage.assert_views_equal_the_log()
    assert raised == []
