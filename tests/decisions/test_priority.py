"""Priority: the workflow's, or what the start of a run says; each of its calls carries it."""

import pytest

from penstock import Run, workflow
from penstock.declare.errors import DeclarationError
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import RunStarted, ToolCallRequested

from .acts import completes, fails
from .cases import Case, application, look_up
from .given import Story, given, start

CASE = {"case_id": "c1"}


async def two_reads(run: Run, case: Case) -> str:
    first = await run.tool(look_up, case_id=case.case_id)
    return await run.tool(look_up, case_id=first)


def of_priority(priority: int) -> Story:
    return given(application(workflow("it", version=1, priority=priority)(two_reads)))


def priorities(story: Story) -> list[int]:
    bodies = [happened.body for happened in story.history]
    return [body.priority for body in bodies if isinstance(body, RunStarted | ToolCallRequested)]


def test_calls_carry_the_workflows_priority_their_retries_too() -> None:
    story = of_priority(7).when(start("it", CASE)).when(fails(1)).when(completes(1, "x", attempt=2))
    assert priorities(story) == [7, 7, 7, 7]


def test_a_workflow_has_priority_zero_unless_it_says_otherwise() -> None:
    assert priorities(given(application()).when(start("read-once", CASE))) == [0, 0]


@pytest.mark.parametrize("said", [-100, 0, 100])
def test_the_start_of_a_run_overrides_its_workflow(said: int) -> None:
    assert priorities(of_priority(7).when(start("it", CASE, priority=said))) == [said, said]


@pytest.mark.parametrize("said", [-101, 101])
def test_a_priority_out_of_bounds_is_refused_and_nothing_starts(said: int) -> None:
    story = of_priority(7).when(start("it", CASE, priority=said)).then(InputRefused)
    assert story.reason() == "invalid_priority"
    assert story.state.started is None


@pytest.mark.parametrize("said", [-101, 101])
def test_a_workflow_of_a_priority_out_of_bounds_cant_be_declared(said: int) -> None:
    with pytest.raises(DeclarationError, match="priority"):
        workflow("it", version=1, priority=said)
