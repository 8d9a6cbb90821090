"""A workflow in two versions, and what became of moving a run from one to the other."""

from penstock import Application, Run, workflow
from penstock.schemas.log.records import InputRefused

from .cases import Case, application, file_note, look_up
from .given import Story
from .mended import Body, two_reads


async def three_reads(run: Run, case: Case) -> str:
    """As two_reads, and one more."""
    return await run.tool(look_up, case_id=await two_reads(run, case))


async def another_way(run: Run, case: Case) -> str:
    await run.tool(look_up, case_id=case.case_id)
    return await run.tool(file_note, text="short")


def both(old: Body, new: Body, **more: object) -> Application:
    """The same workflow in two versions."""
    second = workflow("it", version=2, **more)(new)  # type: ignore[arg-type]
    return application(workflow("it", version=1, fails_with=(KeyError,))(old), second)


def refusal(story: Story) -> InputRefused:
    found = story.only()
    assert isinstance(found, InputRefused), found
    return found


def pin(story: Story) -> int:
    assert story.state.started is not None
    return story.state.started.workflow_version
