"""Moving a run to another version: only if its whole history fits that version's code, and else with the difference."""

from dataclasses import replace

import pytest

from penstock import Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.envelope.records import Actor
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    RunCompleted,
    RunContinued,
    RunMigrated,
    RunResumed,
    RunStalled,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.runs.decision import RunDecider

from .acts import cancels, completes, continues, migrates, pauses, resumes, starts
from .cases import Case, application, file_note, look_up, notify
from .given import APP, OPERATOR, SUPERVISOR, given, result, start
from .living import Live
from .mended import CASE, half_way, known, two_reads
from .moved import another_way, both, pin, refusal, three_reads


def test_a_run_that_fits_goes_on_under_the_new_version() -> None:
    apps = both(two_reads, three_reads, max_steps=7)
    story = half_way().when(migrates(2), application=apps).then(RunMigrated)
    moved = story.only()
    newest = apps.workflow("it", 2)
    assert newest is not None
    assert moved == RunMigrated(
        from_version=1,
        to_version=2,
        code_hash=newest.code_hash,
        max_steps=7,
        migrated_by=OPERATOR.subject,
        reason="version 1 is to go",
    )
    assert story.state.started is not None
    assert (pin(story), story.state.started.max_steps) == (2, 7)
    story = story.when(completes(2, "second")).then(ToolCallCompleted, ToolCallRequested)
    story = story.when(completes(3, "third")).then(ToolCallCompleted, RunCompleted)
    assert result(story) == '"third"'


def test_what_the_new_version_asks_for_at_once_is_asked_for_at_once() -> None:
    async def tells_as_well(run: Run, case: Case) -> str:
        first = await run.tool(look_up, case_id=case.case_id)
        both = await run.gather(run.tool(look_up, case_id=first), run.tool(file_note, text="moved"))
        return "".join(both)

    story = half_way().when(migrates(2), application=both(two_reads, tells_as_well))
    assert [type(event).__name__ for event in story.events] == [
        "RunMigrated",
        "ApprovalGranted",
        "ToolCallRequested",
    ]


def test_a_run_that_does_not_fit_stays_as_it_was_with_the_difference_in_the_refusal() -> None:
    apps = both(two_reads, another_way)
    story = half_way().when(migrates(2), application=apps)
    refused = refusal(story)
    assert (refused.input_type, refused.reason) == ("MigrateRun", "does_not_fit")
    assert refused.detail.startswith("Step 2 of it v2 isn't what its history says.\n- history: tool look_up")
    assert "+ code:    tool file_note" in refused.detail
    assert refused.detail.endswith("The run stays on v1.")
    assert (pin(story), story.state.stalled) == (1, None)
    story.when(completes(2, "end")).then(ToolCallCompleted, RunCompleted)


def test_a_trial_says_whether_it_fits_and_changes_nothing() -> None:
    fits = half_way().when(migrates(2, trial=True), application=both(two_reads, three_reads))
    assert fits.only() == InputAccepted(input_type="MigrateRun", note="fits v2")
    assert pin(fits) == 1
    fits.when(completes(2, "end")).then(ToolCallCompleted, RunCompleted)
    other = half_way().when(migrates(2, trial=True), application=both(two_reads, another_way))
    assert refusal(other).reason == "does_not_fit"


@pytest.mark.parametrize(
    ("actor", "authority", "reason"),
    [
        (SUPERVISOR, Authority.API, "not_an_operator"),
        (APP, Authority.APP, "not_authorized"),
        (OPERATOR, Authority.NONE, "unsigned"),
    ],
)
def test_only_an_operator_migrates(actor: Actor, authority: Authority, reason: str) -> None:
    apps = both(two_reads, three_reads)
    story = half_way().when(migrates(2), application=apps, actor=actor, authority=authority)
    assert refusal(story).reason == reason
    assert pin(story) == 1


def test_a_service_that_is_an_operator_migrates_too() -> None:
    deployer = Actor(kind="service", subject="ci", roles=("operator",))
    half_way().when(migrates(2), application=both(two_reads, three_reads), actor=deployer).then(RunMigrated)


def test_what_makes_no_sense_is_told() -> None:
    apps = both(two_reads, three_reads)
    assert refusal(half_way().when(migrates(9), application=apps)).reason == "unknown_version"
    half_way().when(migrates(1), application=apps).then(InputAccepted)
    calling = given(both(two_reads, three_reads)).when(start("it", CASE, 1))
    ended = calling.when(cancels()).when(migrates(2))
    assert refusal(ended).reason == "ending"


def test_a_stalled_run_goes_on_under_a_version_that_fits_and_back() -> None:
    gone = application(workflow("it", version=2)(three_reads))
    story = half_way().when(completes(2, "second"), application=gone)
    assert isinstance(story.events[-1], RunStalled)
    assert story.events[-1].kind == "missing_version"
    story = story.when(migrates(2), application=gone).then(RunMigrated, ToolCallRequested)
    assert story.state.stalled is None
    # What goes on under version 2 has come further than version 1 goes.
    back = story.when(migrates(1), application=both(two_reads, three_reads))
    assert "Step 3 of it v1 isn't asked for any more" in refusal(back).detail


def test_a_stalled_run_that_does_not_fit_stays_stalled() -> None:
    story = half_way().when(completes(2, "end"), application=known(another_way))
    assert isinstance(story.events[-1], RunStalled)
    story = story.when(migrates(2), application=both(another_way, another_way))
    assert refusal(story).reason == "does_not_fit"
    assert story.state.stalled is not None
    story.when(migrates(2), application=both(another_way, two_reads)).then(RunMigrated, RunCompleted)


def test_a_paused_run_is_migrated_and_goes_on_when_it_is_continued() -> None:
    apps = both(two_reads, three_reads)
    story = half_way().when(pauses()).when(completes(2, "second"))
    story = story.when(migrates(2), application=apps).then(RunMigrated)
    assert story.state.paused is not None
    story.when(continues()).then(RunContinued, ToolCallRequested)


def test_a_call_that_was_started_is_neither_started_again_nor_forgotten() -> None:
    async def tells(run: Run, case: Case) -> str:
        return await run.tool(notify, to="customer")

    async def tells_and_reads(run: Run, case: Case) -> str:
        return await run.tool(look_up, case_id=await run.tool(notify, to="customer"))

    apps = both(tells, tells_and_reads)
    story = given(apps).when(start("it", CASE, 1)).when(starts(1)).then(ToolCallStarted)
    story = story.when(migrates(2)).then(RunMigrated)
    assert isinstance(story.when(starts(1, lease="L2")).only(), InputRefused)
    story.when(completes(1, "sent")).then(ToolCallCompleted, ToolCallRequested)


def test_what_was_alive_under_the_old_version_is_given_up() -> None:
    first = workflow("it", version=1, max_steps=9, deadline=None)(two_reads)
    live = Live(RunDecider(application(first, workflow("it", version=2, deadline=None)(three_reads))))
    live.take(replace(start("it", CASE), workflow_version=1), Authority.APP).read(1, "first")
    moved = replace(live.given(migrates(2), Authority.OPERATOR))
    live.state = live.after(replace(moved, meta=replace(moved.meta, actor=OPERATOR)))
    assert live.state.started is not None
    assert live.state.started.workflow_version == 2
    live.read(1, "second")
    assert len(live.state.steps) == 3
    live.read(1, "third")
    assert isinstance(live.state.terminal, RunCompleted)


def test_resuming_asks_whether_the_new_versions_code_fits() -> None:
    apps = both(two_reads, three_reads)
    story = (
        half_way().when(migrates(2), application=apps).when(completes(2, "x"), application=known(two_reads))
    )
    assert isinstance(story.events[-1], RunStalled)
    assert "it v2 isn't registered" in story.events[-1].detail
    story.when(resumes(), application=apps).then(RunResumed, ToolCallRequested)
