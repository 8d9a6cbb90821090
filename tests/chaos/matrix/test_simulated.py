"""The matrix's schedules on the in-memory log: some at each test run, thousands by `make chaos ARGS=--simulate`."""

import pytest

from penstock.audit.witnesses import Finding
from penstock.streams.journal import Commit
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.schedules import decision
from tests.chaos.matrix.beats_simulated import BeatSimulation
from tests.chaos.matrix.schedule import KINDS, schedule
from tests.chaos.matrix.simulated import HARMS, simulate

SEEDS = range(60)
# Seeds that were broken once, each with what broke it.
REGRESSIONS: tuple[int, ...] = ()


@pytest.mark.parametrize("seed", [*SEEDS, *REGRESSIONS])
def test_a_schedule_on_the_in_memory_log(seed: int) -> None:
    assert simulate(schedule(seed, quick=True)) == []


def test_every_kind_of_fault_has_a_simulation() -> None:
    assert set(HARMS) == set(KINDS)


def test_a_journal_that_fences_nobody_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(self: MemoryJournal, batch: Commit) -> bool:
        self._insert(batch.partition, batch.rows)
        return True

    monkeypatch.setattr(MemoryJournal, "_committed_by_owner", commit)
    freezes = range(KINDS.index("freeze"), 5 * len(KINDS), len(KINDS))
    assert any(_broken(seed) for seed in freezes)


def test_a_schedule_that_forgets_what_somebody_has_overtaken_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decision, "overtaken", lambda *_: None)
    assert any(finding.kind == "forgotten" for seed in SEEDS for finding in beats_simulated(seed))


def beats_simulated(seed: int) -> list[Finding]:
    return BeatSimulation(schedule(seed, quick=True)).play(HARMS)


def _broken(seed: int) -> bool:
    try:
        return bool(simulate(schedule(seed, quick=True)))
    except (RuntimeError, ValueError):
        return True
