"""What a process knows of open runs between two counts of the views, and how much it remembers."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from penstock.api import admission as module
from penstock.api.admission import GROUPS_MAX, RETRY_AFTER_S, Admission, Limits
from penstock.api.problems import Problem
from penstock.api.views import database_away
from penstock.producers.log import Record

TENANT_MAX = 2
TOTAL_MAX = 3


@pytest.fixture(autouse=True)
def counted_at_each_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNT_EVERY_S", 0)
    monkeypatch.setattr(module, "_PAUSE_FACTOR", 0)


class FakeViews:
    """Views that show what a test lets them."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self.rows: set[str] = set()
        self.away = False
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def shown(self, run_ids: Collection[str]) -> Collection[str]:
        await self.answers.wait()
        self.asked += 1
        if self.away:
            raise database_away(TimeoutError())
        return [each for each in run_ids if each in self.rows]

    async def open_by_tenant(self) -> Mapping[str, int]:
        return dict(self.open)


class Started:
    """An admission with a clock, and starts that the log takes at once."""

    def __init__(self, limits: Limits) -> None:
        self.now_s = 1000.0
        self.views = FakeViews()
        self.admission = Admission(self.views, limits, lambda: self.now_s)
        self._offset = 0

    async def start(self, tenant: str = "a", partition: int = 0) -> str:
        async with self.admission.place(tenant) as place:
            self._offset += 1
            run = f"run-{self._offset}"
            place.taken(run, Record("inbox", partition, self._offset, 0, None, None, ()))
        for _ in range(5):
            # A count that was begun and not waited for.
            await asyncio.sleep(0)
        return run

    async def refused(self, tenant: str = "a") -> str:
        with pytest.raises(Problem) as found:
            await self.start(tenant)
        return found.value.slug

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds


LIMITS = Limits(tenant_max=5, total_max=50, views_lag_max_s=60)


def test_a_start_that_fits_waits_for_no_count_but_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNT_EVERY_S", 1.0)

    async def scenario() -> None:
        started = Started(LIMITS)
        await started.start()
        assert started.views.asked == 1
        started.views.answers.clear()
        started.pass_s(2)
        await asyncio.wait_for(started.start(), 1)
        started.views.answers.set()
        await asyncio.sleep(0)
        await started.start()
        assert started.views.asked == 2, "once in a period, however much is started"

    asyncio.run(scenario())


def test_what_the_views_show_counts_once() -> None:
    async def scenario() -> None:
        started = Started(LIMITS)
        for number in range(4):
            run = await started.start(partition=number % 2)
            started.views.rows.add(run)
            started.views.open["a"] = number + 1
        assert await started.start()
        assert await started.refused() == "too-many-open-runs", "four of theirs and one of ours"
        started.views.open["a"] = 2
        for _ in range(2):
            await started.start()
        assert await started.refused() == "too-many-open-runs"

    asyncio.run(scenario())


def test_a_partition_is_shown_up_to_its_last_start_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNT_EVERY_S", 1.0)

    async def scenario() -> None:
        started = Started(LIMITS)
        other = await started.start(partition=2)
        last = [await started.start(partition=1) for _ in range(3)][-1]
        started.pass_s(1)
        # The dead letter that was one of the three never gets a row.
        started.views.rows.add(last)
        started.views.open["a"] = 2
        for _ in range(2):
            assert await started.start(partition=3), "two in the views, and what partitions 2 and 3 have"
        assert await started.refused() == "too-many-open-runs"
        started.views.rows.add(other)
        started.pass_s(1)
        assert await started.start(partition=3)
        assert await started.refused() == "too-many-open-runs"

    asyncio.run(scenario())


def test_views_that_are_behind_close_the_door_to_who_they_do_not_show() -> None:
    async def scenario() -> None:
        started = Started(LIMITS)
        run = await started.start("a")
        started.pass_s(61)
        assert await started.start("b"), "its own starts are shown"
        assert await started.start("a"), "one is let through to see"
        assert await started.refused("a") == "views-behind"
        started.pass_s(RETRY_AFTER_S)
        second = await started.start("a")
        assert await started.refused("a") == "views-behind"
        started.views.rows |= {run, second}
        assert await started.start("a")

    asyncio.run(scenario())


def test_a_database_that_is_away_closes_the_door_only_after_a_while() -> None:
    async def scenario() -> None:
        started = Started(Limits(tenant_max=50, total_max=50, views_lag_max_s=60))
        started.views.away = True
        await started.start("a")
        started.pass_s(59)
        await started.start("b")
        started.pass_s(2)
        await started.start("b")
        assert await started.refused("b") == "views-behind"
        started.views.away = False
        assert await started.start("c")

    asyncio.run(scenario())


def test_an_idle_process_counts_before_it_refuses() -> None:
    async def scenario() -> None:
        started = Started(LIMITS)
        started.views.open["a"] = 5
        assert await started.refused() == "too-many-open-runs"
        started.views.open["a"] = 4
        started.pass_s(7200)
        assert await started.start()

    asyncio.run(scenario())


def test_what_is_remembered_of_starts_that_are_never_shown_is_bounded() -> None:
    async def scenario() -> None:
        started = Started(Limits(tenant_max=10_000, total_max=10_000, views_lag_max_s=10**9))
        last = [await started.start(partition=number % 6) for number in range(2 * GROUPS_MAX)][-1]
        assert len(started.admission._waiting) <= GROUPS_MAX + 6
        assert started.admission._unseen["a"] == 2 * GROUPS_MAX
        started.views.rows.add(last)
        await started.start(partition=0)
        assert started.admission._unseen["a"] < 2 * GROUPS_MAX

    asyncio.run(scenario())
