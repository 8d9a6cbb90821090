"""The application of the peers' comparison: three no-op reads, an approval, two no-op writes.

Payloads are of 1 to 2 KiB, targets do nothing, so that what is measured is Penstock. Workers load it as
`bench.application:application`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from penstock.declare.application import Application
from penstock.declare.call import Call
from penstock.declare.rules import approval_rule
from penstock.declare.run import Run
from penstock.declare.tools import tool
from penstock.declare.workflows import workflow

ROLE: Final = "supervisor"
_PARAGRAPH: Final = (
    "The consumer says that the transfer wasn't hers, that the card never left her, and that she told the "
    "bank on the day she saw it. "
)
_TEXT: Final = (_PARAGRAPH * 12)[:1_400]


@tool(effect="read", owner="bench")
def read_case(call: Call, *, case_id: str) -> dict[str, str]:
    """The facts of a case: 1.4 KiB."""
    return {"case_id": case_id, "narrative": _TEXT}


@tool(effect="read", owner="bench")
def look_up_policy(call: Call, *, query: str) -> list[str]:
    """Paragraphs of the manual: 1.4 KiB."""
    return [_TEXT[:700], _TEXT[700:]]


@tool(effect="read", owner="bench")
def draft(call: Call, *, facts: dict[str, str], policy: list[str]) -> dict[str, str]:
    """A recommendation from facts and policy: 2.8 KiB go in, 1 KiB comes out."""
    return {"outcome": "credit", "letter": _TEXT[:1_000]}


@tool(effect="unsafe", risk="high", owner="bench")
def update_case(call: Call, *, case_id: str, outcome: str, reason: str) -> dict[str, str]:
    """Carry out the decision; the target can't tell a repetition."""
    return {"case_id": case_id, "status": "updated"}


@tool(effect="idempotent", risk="low", owner="bench")
def notify(call: Call, *, case_id: str, letter: str) -> dict[str, str]:
    """Send the letter; the target knows a repetition by its key."""
    return {"case_id": case_id, "status": "sent"}


@approval_rule(tool=notify, version=1)
def every_letter(arguments: Mapping[str, object]) -> bool:
    """Releases every letter."""
    return True


@workflow("bench-review", version=1, deadline=timedelta(hours=1))
async def review(run: Run, case: dict[str, str]) -> dict[str, str]:
    """Five steps and a person between the third and the fourth."""
    facts = await run.tool(read_case, case_id=case["case_id"])
    policy = await run.tool(look_up_policy, query=f"disputed transfer of case {case['case_id']}")
    drafted = await run.tool(draft, facts=facts, policy=policy)
    update = {"case_id": case["case_id"], "outcome": drafted["outcome"], "reason": drafted["letter"]}
    grant = await run.approval(action=update_case, args=update, role=ROLE, expires=timedelta(hours=1))
    await run.tool(update_case, grant=grant)
    await run.tool(notify, case_id=case["case_id"], letter=drafted["letter"])
    return {"case_id": case["case_id"], "outcome": drafted["outcome"], "letter": drafted["letter"]}


application = Application(
    "bench",
    workflows=(review,),
    tools=(read_case, look_up_policy, draft, update_case, notify),
    rules=(every_letter,),
)
