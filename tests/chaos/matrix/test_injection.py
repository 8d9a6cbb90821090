"""Faults at their times: what is healed late, what waits for it, and kills that are armed until they happen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.runtime import points
from tests.chaos.matrix import results, visiting
from tests.chaos.matrix.harm import FIRED, NEVER_FIRED, Heal
from tests.chaos.matrix.injection import inject
from tests.chaos.matrix.round import Outcome
from tests.chaos.matrix.schedule import POINTS, Fault, schedule
from tests.chaos.matrix.workers import Workers
from tests.integration.processes import Processes, eventually

KILL = Fault("kill-at", 0.0, 0.1, role="runs", point=visiting.POINT, visits=3)
OTHER = Fault("broker-stopped", 0.2, 0.2)
IN_ITS_WAY = Fault("freeze", 0.3, 0.1, role="runs")


def test_what_cannot_be_healed_yet_is_asked_again_and_only_those_in_its_way_wait() -> None:
    happened: list[str] = []
    asked = iter([None, None, FIRED])

    def harm(_: None, fault: Fault) -> Heal:
        happened.append(f"{fault.kind} begins")

        def heal() -> str | None:
            note = next(asked) if fault is KILL else ""
            happened.extend([f"{fault.kind} is healed"] if note is not None else [])
            return note

        return heal

    faults = (KILL, OTHER, IN_ITS_WAY)
    notes = inject(None, faults, {fault.kind: harm for fault in faults}, lambda _: None)
    assert happened == [
        "kill-at begins",
        "broker-stopped begins",
        "broker-stopped is healed",
        "kill-at is healed",
        "freeze begins",
        "freeze is healed",
    ]
    assert notes == (f"{KILL} fired", str(OTHER), str(IN_ITS_WAY))


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(Processes({visiting.LIVES: str(tmp_path / "lives")}, tmp_path))
    made.keep()
    try:
        yield made
    finally:
        made.close()


def test_a_worker_stays_armed_through_other_deaths_until_it_has_died_at_its_point(
    workers: Workers, tmp_path: Path
) -> None:
    lives = tmp_path / "lives"
    lives.touch()

    def begun(count: int) -> None:
        eventually(lambda: len(lives.read_text().splitlines()) >= count, 30, lives.read_text)

    workers.start("runs", module=visiting.__name__)
    begun(1)
    workers.arm("runs", visiting.POINT, 3)
    eventually(lambda: workers.fired("runs"), 30, lives.read_text)
    begun(4)
    armed = f"{visiting.POINT}:3"
    assert lives.read_text().splitlines() == ["unarmed", armed, armed, "unarmed"]
    assert [death.code for death in workers.deaths] == [3, -9]


def test_a_disarmed_worker_goes_on_unarmed(workers: Workers, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    lives.write_text("earlier\nearlier\n")
    workers.start("runs", module=visiting.__name__)
    workers.arm("runs", visiting.POINT, 1_000_000)
    eventually(lambda: f"{visiting.POINT}:1000000" in lives.read_text(), 30, lives.read_text)
    assert not workers.fired("runs")
    workers.disarm("runs")
    eventually(lambda: lives.read_text().endswith("unarmed\n"), 30, lives.read_text)


def test_whoever_starts_a_worker_again_has_it_run_the_code_that_is_deployed(
    workers: Workers, tmp_path: Path
) -> None:
    """Seed 8602, separate: who came back after `halved` was of the version before; a run of the next stalled."""
    lives = tmp_path / "lives"
    lives.write_text("earlier\nearlier\n")
    workers.code = {"PENSTOCK_CRASH_AT": "before-ack:7"}
    workers.start("runs", module=visiting.__name__)
    eventually(lambda: lives.read_text().endswith("before-ack:7\n"), 30, lives.read_text)


def test_a_round_tells_which_armed_kills_never_happened(tmp_path: Path) -> None:
    seed = next(seed for seed in range(1000) if _armed(seed) == 2)
    plan = schedule(seed, quick=True)
    first, second = plan.faults
    outcome = Outcome(
        schedule=plan,
        findings=(),
        faults=(f"{first} {NEVER_FIRED}", f"{second} {FIRED}"),
        **dict.fromkeys(("runs", "ended", "executions", "doubts"), 0),
        deaths=(),
        seconds=0.0,
        recovered_s=0.0,
    )
    assert outcome.unfired == (str(first),)
    assert results.last_line(outcome).endswith(f" fired=1/2 NEVER-FIRED={first}")
    results.append(outcome, tmp_path / "results")
    said = f"1 of 2 kills that were armed at a named point fired; not {first} (seed {seed})."
    assert results.summary(tmp_path / "results").endswith(said)


def test_every_named_point_is_on_some_roles_way() -> None:
    # No worker puts dead letters back or rebuilds views: tests/integration/test_dead_letters.py and tests/views kill
    # who does.
    ways = set(points.POINTS) - {"redrive-recorded", "redrive-put-back", "shadow-folded"}
    assert {point for way in POINTS.values() for point in way} == ways


def _armed(seed: int) -> int:
    return sum(fault.kind == "kill-at" for fault in schedule(seed, quick=True).faults)
