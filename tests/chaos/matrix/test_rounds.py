"""Thirteen quick rounds on real processes, which together have every kind of fault; more by `make chaos`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.matrix.results import last_line
from tests.chaos.matrix.round import History, play
from tests.chaos.matrix.schedule import KINDS, schedule
from tests.chaos.matrix.site import Site

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(360)]

# By topology, so that each needs one site. Whoever changes `schedule` picks new ones: the last test says so.
ROUNDS = [
    *(("separate", seed) for seed in (28, 1657, 2479, 3920, 8757, 9523)),
    *(("combined", seed) for seed in (1070, 4383, 5577, 6579, 6976, 8249, 12161)),
]
MUST_HAVE = {
    "kill:api",
    "kill-at:runs:mid-publish",
    "kill-at:tools:after-effect",
    "kill-at:schedules:run-requested",
    "kill-at:webhooks:webhook-posted",
    "kill-at:all:after-commit",
    "freeze:runs",
    "freeze:all",
}


class Stage:
    """One site at a time, kept from round to round until one breaks or the topology changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._site: Site | None = None
        self._topology = ""
        self._sites = 0
        self.history = History()

    def site(self, topology: str) -> Site:
        """The site that stands, if it is of that topology, or a new one."""
        if self._site is None or self._topology != topology:
            self.clear()
            self._sites += 1
            home = self._folder / str(self._sites)
            home.mkdir()
            self._site, self._topology, self.history = Site(home, topology).up(), topology, History()
        return self._site

    def clear(self) -> None:
        """Take it down; the next round begins on a new one."""
        site, self._site = self._site, None
        if site is not None:
            site.down()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("sites"))
    try:
        yield made
    finally:
        made.clear()


@pytest.mark.parametrize(("topology", "seed"), ROUNDS)
def test_a_quick_round(stage: Stage, topology: str, seed: int) -> None:
    site = stage.site(topology)
    try:
        outcome = play(site, schedule(seed, quick=True, topology=topology), stage.history, print)
    except BaseException:
        # What the clients heard is lost: another round on this site would be judged without it.
        stage.clear()
        raise
    said = f"{last_line(outcome)}\n" + "\n".join(map(str, outcome.findings[:20]))
    if outcome.findings:
        said += site.workers.children.tails()
        stage.clear()
    assert outcome.verdict == "ok", said
    assert outcome.unfired == (), said


def test_these_rounds_have_every_kind_of_fault() -> None:
    faults = [
        fault for topology, seed in ROUNDS for fault in schedule(seed, quick=True, topology=topology).faults
    ]
    assert {fault.kind for fault in faults} == set(KINDS)
    had = {":".join(filter(None, (fault.kind, fault.role, fault.point))) for fault in faults}
    assert had >= MUST_HAVE
