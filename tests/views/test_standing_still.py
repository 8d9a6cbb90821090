"""A consumer that brings nothing of a partition any more doesn't leave the views behind."""

import logging
from collections.abc import Collection, Mapping

import pytest

from penstock.producers.kafka_backlog import Place
from penstock.producers.kafka_ends import Ends
from tests.deaf import Until, deaf_consumers
from tests.views.stage import Stage, eventually, running

pytestmark = pytest.mark.broker


@pytest.mark.parametrize(("until", "consumers"), [("assigned", 1), ("closed", 2)])
def test_the_views_go_on(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    until: Until,
    consumers: int,
) -> None:
    made = deaf_consumers(monkeypatch, "penstock.audit.fetching")
    with caplog.at_level(logging.WARNING, "penstock.stalls"), running(stage.projector("one")) as raised:
        stage.write_reviews(3)
        eventually(lambda: stage.behind() == 0)
        made[0].hear_nothing_of(0, 2, until=until)
        stage.write_reviews(30)
        stage.assert_views_equal_the_log()
    assert raised == []
    assert len(made) >= consumers
    assert f"{stage.topic}/2 stands at" in caplog.text


def test_an_end_behind_the_marks_of_transactions_is_an_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is given those: the views stand before them, and nothing stands still."""
    looks = []

    class Counted(Ends):
        def __call__(self, places: Collection[Place]) -> Mapping[Place, int]:
            looks.append(places)
            return super().__call__(places)

    monkeypatch.setattr("penstock.audit.fetching.Ends", Counted)
    made = deaf_consumers(monkeypatch, "penstock.audit.fetching")
    with caplog.at_level(logging.WARNING, "penstock.stalls"), running(stage.projector("one")):
        stage.write_reviews(3)
        stage.write_aborted()
        eventually(lambda: stage.behind() == 3)
        before = len(looks)
        eventually(lambda: len(looks) >= before + 3)
        assert stage.behind() == 3
    assert len(made) == 1
    # Others in this process speak too: of what an earlier test has left behind.
    assert [record.message for record in caplog.records if record.name == "penstock.stalls"] == []
