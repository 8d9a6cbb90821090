"""The matrix's schedules on the in-memory log: a few hundred at each test run, thousands by `--simulate`."""

import pytest

from tests.chaos.matrix.schedule import KINDS, schedule
from tests.chaos.matrix.simulated import HARMS, simulate

SEEDS = range(150)
# Seeds that once were broken. None so far.
REGRESSIONS: tuple[int, ...] = ()


@pytest.mark.parametrize("seed", [*SEEDS, *REGRESSIONS])
def test_a_schedule_on_the_in_memory_log(seed: int) -> None:
    assert simulate(schedule(seed, quick=True)) == []


def test_every_kind_of_fault_has_a_simulation() -> None:
    assert set(HARMS) == set(KINDS)
