"""Resumption (law L10): a stalled run takes what arrives, and goes on once its code fits again."""

from datetime import timedelta

from penstock import Run
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import (
    ApprovalGranted,
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    RunResumed,
    RunStalled,
    TimerArmed,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)

from .acts import cancels, completes, fires, resumes, starts, votes
from .cases import CASES, Case, ask_and_pay, file_note, look_up, notify
from .given import given, start
from .mended import CASE, half_way, known, stall, told_by, two_reads


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
