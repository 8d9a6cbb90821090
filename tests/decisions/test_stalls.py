"""Stalls and resumptions (law L10): code that doesn't fit its history waits for code that does."""

from datetime import timedelta

from penstock import Run, workflow
from penstock.schemas.run.records import (
    RunStalled,
    ToolCallCompleted,
)

from .acts import completes, fires
from .cases import CASES, Case, application, file_note, look_up
from .given import given, start
from .mended import CASE, Body, half_way, known, stall, told_by


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
