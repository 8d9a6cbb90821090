"""How long a turn of the projector waits for more: not at all when there is little, never past its bound."""

import pytest

from penstock.audit.projector import BATCH_RECORDS_MAX, TURN_S_MAX, patience_s


def test_a_lone_record_is_projected_at_once() -> None:
    assert patience_s(1) == 0
    assert patience_s(2) <= 0.002


def test_much_work_makes_long_turns_but_not_longer_than_the_bound() -> None:
    assert patience_s(60) == pytest.approx(0.118)
    assert patience_s(1_000) == patience_s(BATCH_RECORDS_MAX) == TURN_S_MAX


@pytest.mark.parametrize(
    ("records_per_s", "settles"), [(100, False), (400, False), (700, True), (10_000, True)]
)
def test_turns_grow_only_from_500_records_a_second(records_per_s: int, settles: bool) -> None:
    turn_s = 0.05
    for _ in range(200):
        turn_s = max(0.002, patience_s(round(records_per_s * turn_s)))
    assert (turn_s == TURN_S_MAX) is settles
