"""What keeps a run from moving to another version, beside steps that differ: questions, signals, limits, results."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import BaseModel

from penstock import Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import ApprovalGranted, RunCompleted, RunMigrated
from penstock.streams.decider import Input
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.watching import Blocked

from .acts import escalates, migrates, signals, votes
from .cases import Case, application, look_up, pay
from .given import OPERATOR, given, result, start
from .mended import CASE, Body, half_way, two_reads
from .moved import both, refusal, three_reads


def asks(role: str, quorum: int = 1, escalate_to: str | None = None) -> Body:
    async def asking(run: Run, case: Case) -> str:
        args = {"case_id": case.case_id, "amount": 5}
        for_so_long = timedelta(days=2)
        grant = await run.approval(
            action=pay, args=args, role=role, expires=for_so_long, quorum=quorum, escalate_to=escalate_to
        )
        return grant.outcome

    return asking


@pytest.mark.parametrize("other", [asks("chief"), asks("supervisor", 2), asks("supervisor", 1, "chief")])
def test_an_open_question_is_decided_by_the_terms_it_was_asked_with(other: Body) -> None:
    apps = both(asks("supervisor"), other)
    story = given(apps).when(start("it", CASE, 1))
    refused = refusal(story.when(migrates(2)))
    assert "Step 1 of it v2 asks its open question by other terms." in refused.detail
    assert "- history: 1 of the role supervisor\n+ code:    " in refused.detail
    answered = story.when(votes(story, 1)).then(ApprovalGranted, RunCompleted)
    assert result(answered) == '"granted"'


def test_an_escalated_question_is_still_the_one_that_was_asked() -> None:
    apps = both(asks("supervisor", 1, "chief"), asks("supervisor", 1, "chief"))
    story = given(apps).when(start("it", CASE, 1)).when(escalates(1), actor=OPERATOR)
    story.when(migrates(2)).then(RunMigrated)


class Note(BaseModel):
    text: str


class Longer(BaseModel):
    text: str
    more: str


async def listens(run: Run, case: Case) -> str:
    await run.tool(look_up, case_id=case.case_id)
    return "heard"


@pytest.mark.parametrize(
    ("declared", "says"), [({}, "takes no signal 'note'"), ({"note": Longer}, "Signal note of it")]
)
def test_a_signal_that_came_is_not_lost(declared: dict[str, type[BaseModel]], says: str) -> None:
    first = workflow("it", version=1, signals={"note": Note})(listens)
    apps = application(first, workflow("it", version=2, signals=declared)(listens))
    story = given(apps).when(start("it", CASE, 1)).when(signals("note", {"text": "x"}))
    assert says in refusal(story.when(migrates(2))).detail


def test_what_could_not_go_on_is_refused_before_it_has_begun() -> None:
    async def odd(run: Run, case: Case) -> str:
        await run.tool(look_up, case_id=case.case_id)
        await run.gather(run.tool(look_up, case_id="first"), breaks())
        return ""

    async def breaks() -> str:
        raise LookupError("odd")

    async def lies(run: Run, case: Case) -> str:
        return 7  # type: ignore[return-value]

    few = half_way().when(migrates(2), application=both(two_reads, three_reads, max_steps=1))
    assert "has come to step 2, and v2 takes 1 at most" in refusal(few).detail
    raised = half_way().when(migrates(2), application=both(two_reads, odd))
    assert "LookupError: odd" in refusal(raised).detail
    nothing = given(application(workflow("it", version=1, signals={"go": Note})(waits))).when(
        start("it", CASE)
    )
    wrong = nothing.when(
        migrates(2),
        application=application(workflow("it", version=2)(lies), workflow("it", version=1)(waits)),
    )
    assert "Result of it" in refusal(wrong).detail


async def waits(run: Run, case: Case) -> str:
    return (await run.signal("go", schema=Note)).text


def test_code_that_blocks_the_worker_is_no_version_to_move_to() -> None:
    @contextmanager
    def watched(run_id: str) -> Iterator[None]:
        yield
        raise Blocked("it stood in sleeps")

    story = half_way()
    decider = RunDecider(both(two_reads, three_reads), watched, live_runs_max=0)
    meta = replace(story.inputs[-1].meta, type="MigrateRun", actor=OPERATOR)
    asked = Input(meta, migrates(2), Authority.OPERATOR, story.state.time_ms)
    (refused,) = decider.decide(story.state, asked)
    assert isinstance(refused, InputRefused)
    assert refused.reason == "does_not_fit"
    assert "it stood in sleeps" in refused.detail
