"""The case review: read, look up, draft, wait for the right person, act, write to the consumer.

Reads and writes nothing itself. The final action is a person's: no update without a person's grant of exactly
its arguments.
"""

from datetime import timedelta
from typing import Final

from penstock.declare.errors import ToolFailed, ToolRefused
from penstock.declare.run import Run
from penstock.declare.workflows import workflow
from penstock.examples.casework.drafter import questions
from penstock.examples.casework.facts import CaseFacts, CaseReviewRequest
from penstock.examples.casework.recommendation import Draft, NoticeAction, Recommendation
from penstock.examples.casework.tools import (
    letters_that_refuse_nothing,
    notify_consumer,
    read_case,
    update_case_status,
)

EVIDENCE_HITS: Final = 12
APPROVAL_EXPIRES: Final = timedelta(days=2)
# A grant can go void, or the policy change, while a person thinks. One more review is due then; after that a
# person should see why.
REVIEWS_MAX: Final = 2


class CaseClosed(Exception):
    """The case is closed: reopen it in the case system, then ask for a review under a new idempotency key."""


@workflow(
    "case-review",
    version=1,
    deadline=timedelta(days=30),
    max_steps=40,
    fails_with=(CaseClosed, ToolFailed, ToolRefused),
)
async def case_review(run: Run, request: CaseReviewRequest) -> Recommendation:
    """Recommend on one case, and carry out what a person grants."""
    for review in range(1, REVIEWS_MAX + 1):
        facts = await run.tool(read_case, case_id=request.case_id)
        if facts.status == "closed":
            raise CaseClosed(f"case {request.case_id} is closed")
        draft = await _draft(run, facts)
        grant = await run.approval(
            action=update_case_status, args=draft.update, role=draft.role, expires=APPROVAL_EXPIRES
        )
        if grant.outcome != "granted":
            return Recommendation(draft=draft, action=grant.outcome, notice="not_due")
        try:
            await run.tool(update_case_status, grant=grant)
        except (ToolRefused, ToolFailed):
            # Either way nothing was done: a started call that is in doubt raises neither.
            if review < REVIEWS_MAX:
                continue
            return Recommendation(draft=draft, action="not_updated", notice="not_due")
        return Recommendation(draft=draft, action="updated", notice=await _notify(run, draft))
    raise AssertionError("the last review returns")


async def _draft(run: Run, facts: CaseFacts) -> Draft:
    evidence = await run.retrieve("policy", query=questions(facts), k=EVIDENCE_HITS)
    return await run.model("recommendation", inputs={"facts": facts, "policy": evidence}, schema=Draft)


async def _notify(run: Run, draft: Draft) -> NoticeAction:
    """Send the letter: by the rule where it releases it, else when a person has read it."""
    try:
        if letters_that_refuse_nothing.grants(draft.notice):
            await run.tool(notify_consumer, case_id=draft.case_id, kind=draft.outcome, letter=draft.letter)
            return "sent"
        grant = await run.approval(
            action=notify_consumer, args=draft.notice, role=draft.role, expires=APPROVAL_EXPIRES
        )
        if grant.refused:
            return "withheld"
        await run.tool(notify_consumer, grant=grant)
    except (ToolRefused, ToolFailed):
        return "failed"
    return "sent"
