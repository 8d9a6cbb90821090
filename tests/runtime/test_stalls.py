"""When a partition that is behind and doesn't move is told, and what is tried in which order."""

import logging
from collections.abc import Collection, Mapping

import pytest

from penstock.producers.kafka_backlog import Place
from penstock.runtime import metric_names as names
from penstock.runtime.meters import Meters
from penstock.runtime.stalls import LOOK_EVERY_S, TELL_EVERY_S, TURNS_MIN, Remedy, Stalls

ONE, TWO = ("topic", 1), ("topic", 2)


class Watched:
    """A consumer's stalls, over a broker that is made of a dictionary, by a clock that is set."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.ends: dict[Place, int] = {}
        self.at: dict[Place, int] = {}
        self.asked: list[Collection[Place]] = []
        self.meters = Meters()
        self._stalls = Stalls(self._ask, "group", self.meters, lambda: self.now_s)

    def _ask(self, places: Collection[Place]) -> Mapping[Place, int]:
        self.asked.append(list(places))
        return self.ends

    def goes_on(self, seconds: float, turns: int = TURNS_MIN) -> list[Remedy]:
        """For so long, in so many turns."""
        found = []
        for _ in range(turns):
            self.now_s += seconds / turns
            found.append(self._stalls.look(self.at))
        return [remedy for remedy in found if remedy]

    @property
    def counted(self) -> float:
        return self.meters.value(names.FETCH_STALLS, "group", "topic")


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_what_moves_or_has_nothing_more_is_no_stall(watched: Watched) -> None:
    watched.at, watched.ends = {ONE: 5, TWO: 7}, {ONE: 5, TWO: 9}
    for _ in range(8):
        assert watched.goes_on(LOOK_EVERY_S) == []
        watched.at[TWO] += 1
        watched.ends[TWO] += 1
    assert len(watched.asked) >= 4
    assert watched.counted == 0


def test_what_stands_still_is_read_anew_then_by_a_new_consumer_then_only_told(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.at, watched.ends = {ONE: 5, TWO: 7}, {ONE: 5, TWO: 9}
    with caplog.at_level(logging.WARNING, "penstock.stalls"):
        found = watched.goes_on(20 * LOOK_EVERY_S, 40 * TURNS_MIN)
    assert found == [Remedy.READ_ANEW, Remedy.NEW_CONSUMER]
    assert watched.counted == 1
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "group: topic/2 stands at 7 and ends at 9: assigning its partitions anew"
    assert lines[1].endswith("making a new consumer")
    assert {line.rpartition(": ")[2] for line in lines[2:]} == {
        "look at the broker's log, then start this process again"
    }
    assert 2 <= len(lines[2:]) <= 20 * LOOK_EVERY_S / TELL_EVERY_S + 1


def test_one_that_went_on_begins_with_the_first_remedy_again(watched: Watched) -> None:
    watched.at, watched.ends = {TWO: 7}, {TWO: 9}
    assert watched.goes_on(2 * LOOK_EVERY_S, 2 * TURNS_MIN) == [Remedy.READ_ANEW]
    watched.at = {TWO: 8}
    assert watched.goes_on(3 * LOOK_EVERY_S, 3 * TURNS_MIN)[0] == Remedy.READ_ANEW
    assert watched.counted == 2


def test_the_stronger_remedy_is_for_all_of_a_consumer(watched: Watched) -> None:
    watched.at, watched.ends = {TWO: 7}, {TWO: 9}
    assert watched.goes_on(2 * LOOK_EVERY_S, 2 * TURNS_MIN) == [Remedy.READ_ANEW]
    watched.at, watched.ends = {ONE: 1, TWO: 7}, {ONE: 2, TWO: 9}
    assert Remedy.NEW_CONSUMER in watched.goes_on(2 * LOOK_EVERY_S, 2 * TURNS_MIN)


def test_a_broker_that_says_nothing_and_a_process_that_was_frozen_are_no_stall(watched: Watched) -> None:
    watched.at, watched.ends = {TWO: 7}, {}
    assert watched.goes_on(10 * LOOK_EVERY_S, 10 * TURNS_MIN) == []
    watched.ends = {TWO: 9}
    assert watched.goes_on(3 * LOOK_EVERY_S, 4) == [], "too few turns to say that nothing comes"
    assert watched.goes_on(3 * LOOK_EVERY_S, 3 * TURNS_MIN)[0] == Remedy.READ_ANEW


def test_nobody_is_asked_of_nothing(watched: Watched) -> None:
    watched.goes_on(10 * LOOK_EVERY_S)
    assert watched.asked == []
