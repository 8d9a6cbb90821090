"""A question that may be handed on, and the people around it."""

from datetime import timedelta

from penstock import Grant, Run, workflow
from penstock.schemas.envelope.records import Actor
from penstock.schemas.run.records import (
    ApprovalDelegated,
)

from .acts import delegates
from .cases import CASE, Case, application, pay
from .given import APP, SUPERVISOR, Story, approval_id, given, start

PAT = Actor(kind="person", subject="pat", roles=("analyst",))
QUINN = Actor(kind="person", subject="quinn", roles=())
SVEN = Actor(kind="person", subject="sven", roles=("supervisor",))
CHIEF = Actor(kind="person", subject="chloe", roles=("chief",))
REQUESTER = Actor(kind="person", subject=APP.subject, roles=("supervisor", "chief", "operator"))


def asking(quorum: int = 1, to: str | None = "chief", after: timedelta | None = timedelta(hours=4)) -> Story:
    @workflow("ask", version=1, deadline=timedelta(days=9))
    async def ask(run: Run, case: Case) -> str:
        grant: Grant = await run.approval(
            action=pay,
            args={"case_id": "c", "amount": 5},
            role="supervisor",
            expires=timedelta(days=2),
            quorum=quorum,
            escalate_to=to,
            escalate_after=after,
        )
        return grant.outcome if grant.refused else await run.tool(pay, grant=grant)

    return given(application(ask)).when(start("ask", CASE))


def delegated(story: Story, to: Actor = PAT, by: Actor = SUPERVISOR) -> Story:
    return story.when(delegates(1, to.subject, "on leave"), actor=by).then(
        ApprovalDelegated(
            approval_id=approval_id(1), delegated_by=by.subject, delegate=to.subject, reason="on leave"
        )
    )
