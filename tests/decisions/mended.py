"""Workflows whose code changes under their runs."""

from collections.abc import Callable, Coroutine

from penstock import Application, Run, workflow
from penstock.schemas.run.records import (
    RunStalled,
)

from .acts import completes
from .cases import Case, application, look_up
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
