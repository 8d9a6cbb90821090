"""What a workflow may not await or block on (law L10), and what it is told instead."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import pytest

from penstock import Run
from penstock.schemas.run.records import (
    RunStalled,
    RunStarted,
    ToolCallRequested,
)
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.testing import World
from penstock.streams.runs.watching import Blocked

from .cases import Case, look_up
from .mended import CASE, Body, known, stall, told_by, two_reads


async def sleeps(run: Run, case: Case) -> str:
    await asyncio.sleep(1)
    return ""


async def yields(run: Run, case: Case) -> str:
    await asyncio.sleep(0)
    return ""


async def makes_tasks(run: Run, case: Case) -> str:
    coroutine = two_reads(run, case)
    try:
        await asyncio.create_task(coroutine)
    finally:
        coroutine.close()
    return ""


async def uses_threads(run: Run, case: Case) -> str:
    return await asyncio.to_thread(str)


class Strange:
    def __await__(self) -> Iterator[object]:
        yield self


async def awaits_anything(run: Run, case: Case) -> str:
    strange: Awaitable[None] = Strange()  # type: ignore[assignment]
    await strange
    return ""


async def swallows(run: Run, case: Case) -> str:
    try:
        await asyncio.sleep(0)
    except BaseException:  # noqa: BLE001 the worst that user code can do
        return "swallowed"
    return ""


@pytest.mark.parametrize(
    ("body", "named", "instead"),
    [
        (sleeps, "asyncio", "run.sleep"),
        (yields, "bare yield", "run.sleep"),
        (makes_tasks, "create_task", "run.gather"),
        (uses_threads, "run_in_executor", "a tool"),
        (awaits_anything, "Strange", "run.tool"),
        (swallows, "bare yield", "run.sleep"),
    ],
)
def test_a_foreign_awaitable_stalls_and_names_what_to_use(body: Body, named: str, instead: str) -> None:
    stalled = stall(told_by(body).then(RunStarted, RunStalled))
    assert stalled.kind == "exception"
    assert named in stalled.detail
    assert instead in stalled.detail


def test_deciding_inside_somebodys_event_loop_leaves_that_loop_alone() -> None:
    async def inside() -> str:
        story = told_by(sleeps)
        assert stall(story).kind == "exception"
        await asyncio.sleep(0)
        return type(asyncio.get_running_loop()).__name__

    assert "Loop" in asyncio.run(inside())


@contextmanager
def impatient(run_id: str) -> Iterator[None]:
    """A watchdog that finds every step too slow, once it is over."""
    yield
    raise Blocked("in two_reads, line 30")


def decided_under_it(body: Body) -> list[str]:
    world = World(known(body), {})
    world.decider = RunDecider(known(body), watchdog=impatient)
    world.start("it", CASE)
    return [f"{type(event).__name__} {getattr(event, 'kind', '')}".strip() for event in world.events]


def test_a_watchdogs_verdict_stalls_the_run() -> None:
    assert decided_under_it(two_reads)[-2:] == ["ToolCallRequested", "RunStalled blocked"]


def test_a_watchdogs_verdict_comes_too_late_for_a_run_that_has_ended() -> None:
    async def returns(run: Run, case: Case) -> str:
        return "done"

    assert decided_under_it(returns)[-1] == "RunCompleted"


def test_what_a_given_up_coroutine_raises_counts_for_nothing() -> None:
    async def untidy(run: Run, case: Case) -> str:
        try:
            return await run.tool(look_up, case_id="a")
        finally:
            if case.amount == 0:
                await asyncio.sleep(1)

    async def raises(run: Run, case: Case) -> str:
        try:
            return await run.tool(look_up, case_id="a")
        except GeneratorExit:
            raise SystemExit("given up") from None

    for body in (untidy, raises):
        told_by(body).then(RunStarted, ToolCallRequested)
