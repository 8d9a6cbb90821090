"""Stalls and resumptions (law L10): code that doesn't fit its history waits for code that does."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from penstock import Application, Run, workflow
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import (
    ApprovalGranted,
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    RunResumed,
    RunStalled,
    RunStarted,
    TimerArmed,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.testing import World
from penstock.streams.runs.watching import Blocked

from .acts import cancels, completes, fires, resumes, starts, votes
from .cases import CASES, Case, application, ask_and_pay, file_note, look_up, notify
from .given import Story, given, start

CASE = {"case_id": "c1"}
Body = Callable[[Run, Case], Coroutine[object, object, str]]


async def two_reads(run: Run, case: Case) -> str:
    first = await run.tool(look_up, case_id=case.case_id)
    return await run.tool(look_up, case_id=first)


def told_by(body: Body) -> Story:
    """A story whose workflow has that body."""
    return given(known(body)).when(start("it", CASE))


def known(body: Body) -> Application:
    return application(workflow("it", version=1, fails_with=(KeyError,))(body))


def stall(story: Story) -> RunStalled:
    found = story.events[-1]
    assert isinstance(found, RunStalled), story.events
    return found


def half_way() -> Story:
    return told_by(two_reads).when(completes(1, "first"))


def test_an_undeclared_exception_stalls_with_its_line_and_no_paths() -> None:
    story = given(CASES).when(start("read-once", CASE)).when(completes(1, "odd"))
    story.then(ToolCallCompleted, RunStalled)
    stalled = stall(story)
    assert stalled.kind == "exception"
    assert "builtins.LookupError: never seen odd" in stalled.detail
    assert "cases:" in stalled.detail
    assert "read_once" in stalled.detail
    assert "/" not in stalled.detail


def test_other_arguments_stall_with_a_diff_that_names_the_field_and_no_value() -> None:
    async def changed(run: Run, case: Case) -> str:
        first = await run.tool(look_up, case_id="another-value")
        return await run.tool(look_up, case_id=first)

    story = half_way().when(completes(2, "end"), application=known(changed))
    stalled = stall(story.then(ToolCallCompleted, RunStalled))
    assert stalled.kind == "nondeterminism"
    assert "- history: tool look_up, arguments" in stalled.detail
    assert "+ code:    tool look_up, arguments" in stalled.detail
    assert "differ in: case_id" in stalled.detail
    assert "another-value" not in stalled.detail


def test_another_tool_stalls() -> None:
    async def changed(run: Run, case: Case) -> str:
        return await run.tool(file_note, text="short")

    stalled = stall(half_way().when(completes(2, "end"), application=known(changed)))
    assert "- history: tool look_up" in stalled.detail
    assert "+ code:    tool file_note" in stalled.detail


def test_another_kind_of_step_stalls() -> None:
    async def changed(run: Run, case: Case) -> str:
        await run.sleep(timedelta(seconds=3))
        return "slept"

    stalled = stall(half_way().when(completes(2, "end"), application=known(changed)))
    assert "+ code:    sleep 3000 ms" in stalled.detail


def test_a_sleep_of_another_length_stalls() -> None:
    def sleeping(seconds: int) -> Body:
        async def sleeps(run: Run, case: Case) -> str:
            await run.sleep(timedelta(seconds=seconds))
            return await run.tool(look_up, case_id="a")

        return sleeps

    story = told_by(sleeping(2)).when(fires(1), later=timedelta(seconds=2))
    stalled = stall(story.when(completes(2, "x"), application=known(sleeping(3))))
    assert "- history: sleep 2000 ms" in stalled.detail
    assert "+ code:    sleep 3000 ms" in stalled.detail


def test_a_step_that_is_asked_for_no_more_stalls() -> None:
    async def returns(run: Run, case: Case) -> str:
        return await run.tool(look_up, case_id=case.case_id)

    stalled = stall(half_way().when(completes(2, "end"), application=known(returns)))
    assert stalled.kind == "nondeterminism"
    assert "Step 2 of it v1 isn't asked for any more" in stalled.detail
    assert "+ code:    returns" in stalled.detail


def test_a_declared_failure_before_a_recorded_step_stalls() -> None:
    async def fails(run: Run, case: Case) -> str:
        await run.tool(look_up, case_id=case.case_id)
        raise KeyError("no")

    stalled = stall(half_way().when(completes(2, "end"), application=known(fails)))
    assert stalled.kind == "nondeterminism"


def test_code_that_waits_where_the_history_went_on_stalls() -> None:
    """The history settles step 2 first; the code asks for step 2 only after step 1."""

    async def both(run: Run, case: Case) -> str:
        return "".join(await run.gather(run.tool(look_up, case_id="a"), run.tool(look_up, case_id="b")))

    async def one_by_one(run: Run, case: Case) -> str:
        return await run.tool(look_up, case_id="a") + await run.tool(look_up, case_id="b")

    story = told_by(both).when(completes(2, "B"))
    stalled = stall(story.when(completes(1, "A"), application=known(one_by_one)))
    assert "Step 2 of it v1 is settled in its history before the code asks for it" in stalled.detail


def test_catching_everything_does_not_hide_a_stall() -> None:
    async def greedy(run: Run, case: Case) -> str:
        try:
            return await run.tool(look_up, case_id="other")
        except BaseException:  # noqa: BLE001 the worst that user code can do
            return "swallowed"

    assert stall(half_way().when(completes(2, "end"), application=known(greedy))).kind == "nondeterminism"


def test_a_missing_version_stalls_and_its_return_resumes() -> None:
    story = half_way().when(completes(2, "end"), application=CASES)
    assert stall(story).kind == "missing_version"
    again = story.when(resumes(), application=CASES).then(InputAccepted)
    again.when(resumes(), application=known(two_reads)).then(RunResumed, RunCompleted)


def test_putting_the_code_back_resumes_the_run_where_it_stood() -> None:
    async def changed(run: Run, case: Case) -> str:
        return await run.tool(file_note, text="short")

    story = half_way().when(completes(2, "end"), application=known(changed))
    stalled = stall(story)
    same = story.when(resumes(), application=known(changed)).then(InputAccepted)
    accepted = same.only()
    assert isinstance(accepted, InputAccepted)
    assert accepted.note.startswith("still stalled")
    resumed = same.when(resumes(), application=known(two_reads)).then(RunResumed, RunCompleted)
    first = resumed.events[0]
    assert isinstance(first, RunResumed)
    assert first.code_hash != stalled.code_hash


def test_other_code_that_fits_no_better_stalls_anew_with_its_own_reason() -> None:
    async def changed(run: Run, case: Case) -> str:
        return await run.tool(file_note, text="short")

    async def changed_again(run: Run, case: Case) -> str:
        return await run.tool(file_note, text="shorter")

    story = half_way().when(completes(2, "end"), application=known(changed))
    story = story.when(resumes(), application=known(changed_again)).then(RunStalled)
    story.when(resumes(), application=known(changed_again)).then(InputAccepted)


def test_a_mended_workflow_goes_on_from_what_arrived_while_it_was_stalled() -> None:
    async def mended(run: Run, case: Case) -> str:
        both = await run.gather(run.tool(look_up, case_id="a"), run.tool(notify, to="customer"))
        return both[0] + await run.tool(look_up, case_id=both[1])

    async def broken(run: Run, case: Case) -> str:
        await run.gather(run.tool(look_up, case_id="a"), run.tool(notify, to="customer"))
        raise LookupError("broken")

    story = told_by(broken).when(completes(1, "A")).when(starts(2)).when(completes(2, "sent"))
    assert stall(story).kind == "exception"
    story = story.when(resumes(), application=known(mended)).then(RunResumed, ToolCallRequested)
    story.when(completes(3, "!")).then(ToolCallCompleted, RunCompleted)


def test_a_stalled_run_takes_answers_starts_and_votes_and_uses_them_when_it_resumes() -> None:
    async def asks(run: Run, case: Case) -> str:
        await run.gather(
            run.tool(look_up, case_id="a"),
            run.tool(notify, to="customer"),
            ask_and_pay(run, case),
        )
        return "done"

    async def other(run: Run, case: Case) -> str:
        return await run.tool(look_up, case_id="z")

    story = told_by(asks).when(completes(1, "A"), application=known(other))
    assert stall(story).kind == "nondeterminism"
    story = story.when(starts(2)).then(ToolCallStarted)
    story = story.when(completes(2, "sent")).then(ToolCallCompleted)
    story = story.when(votes(story, 3)).then(ApprovalGranted)
    story = story.when(resumes(), application=known(asks)).then(RunResumed, ToolCallRequested)
    story.when(starts(4)).when(completes(4, "paid")).then(ToolCallCompleted, RunCompleted)


def test_time_in_a_resumed_run_is_the_same_in_every_later_replay() -> None:
    """What was told during the stall keeps its own time, so that ids and sleeps made from it replay."""

    async def asks(run: Run, case: Case) -> str:
        await run.tool(look_up, case_id="a")
        stamp = run.now().isoformat()
        await run.sleep(timedelta(seconds=5))
        return await run.tool(look_up, case_id=stamp)

    async def other(run: Run, case: Case) -> str:
        return await run.tool(look_up, case_id="z")

    story = told_by(asks).when(completes(1, "A"), application=known(other))
    story = story.when(resumes(), application=known(asks), later=timedelta(hours=1)).then(
        RunResumed, TimerArmed
    )
    story = story.when(fires(2), later=timedelta(seconds=5))
    story.when(completes(3, "ok")).then(ToolCallCompleted, RunCompleted)


def test_a_stalled_run_can_be_cancelled_and_reach_its_deadline() -> None:
    story = given(CASES).when(start("read-once", CASE)).when(completes(1, "odd"))
    story.when(cancels()).then(RunEnding, RunCancelled)
    late = story.when(fires("deadline"), later=timedelta(days=31))
    assert isinstance(late.events[-1], RunFailed)


def test_resuming_what_is_not_stalled_changes_nothing() -> None:
    half_way().when(resumes()).then(InputAccepted)
    half_way().when(cancels()).when(resumes()).then(InputAccepted)


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
    stalled = stall(told_by(body).then(RunStarted, TimerArmed, RunStalled))
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


def test_a_result_of_the_wrong_type_stalls() -> None:
    async def lies(run: Run, case: Case) -> str:
        return 7  # type: ignore[return-value]

    assert "Result of it" in stall(told_by(lies)).detail


def test_too_large_arguments_stall_at_the_workflows_own_line() -> None:
    async def shouts(run: Run, case: Case) -> str:
        return await run.tool(look_up, case_id="x" * 300_000)

    stalled = stall(told_by(shouts))
    assert "PayloadTooLarge" in stalled.detail
    assert "shouts" in stalled.detail


def test_an_input_that_the_type_refuses_after_a_change_stalls() -> None:
    async def stricter(run: Run, case: int) -> str:
        return ""

    story = half_way().when(completes(2, "x"), application=application(workflow("it", version=1)(stricter)))
    assert "Input of it" in stall(story).detail


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
        told_by(body).then(RunStarted, TimerArmed, ToolCallRequested)
