"""What a runner keeps in memory of a partition stays bounded, and nothing that a turn needs is forgotten."""

import pytest

from penstock.streams.entity import Entity
from penstock.streams.tenure import Tenure


def tenure(*entities: str) -> Tenure[int]:
    return Tenure(0, 1, 0, 0, 0, {name: Entity("local", name, 0) for name in entities})


def test_an_entity_that_has_ended_is_forgotten_when_the_next_turn_begins_and_read_again_if_it_is_spoken_to() -> (
    None
):
    held = tenure("a", "b")
    held.keep(held.entities["a"], 1, ended=True)
    held.keep(held.entities["b"], 2, ended=False)
    assert held.entities["a"].state == 1, "the same turn may speak to it again"
    assert held.turn(["a"]) == ["a"]
    assert set(held.entities) == {"b"}
    assert held.turn(["b"]) == []


def test_the_longest_unused_go_first_and_never_those_of_this_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.streams.tenure.ENTITIES_MAX", 2)
    held = tenure("a", "b", "c")
    assert held.turn(["a"]) == []
    assert set(held.entities) == {"a", "c"}
    held = tenure("a", "b", "c", "d")
    assert held.turn(["d", "a", "b", "x"]) == ["x"]
    assert set(held.entities) == {"a", "b", "d"}
