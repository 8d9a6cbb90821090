"""What Penstock's kill test runs: `bench.application`'s review with two writes that append a line to a file.

Both are unsafe, as an append is: nobody can tell a repetition by its key. Workers load it as
`bench.peers.kill_application:application`; PEERS_EFFECTS names the file.
"""

import os
from collections.abc import Mapping
from datetime import timedelta

from bench.application import ROLE, draft, look_up_policy, read_case
from bench.peers.side import EFFECTS
from penstock.declare.application import Application
from penstock.declare.call import Call
from penstock.declare.rules import approval_rule
from penstock.declare.run import Run
from penstock.declare.tools import tool
from penstock.declare.workflows import workflow


def append(call: Call) -> None:
    """One line, in one write, so that it is there whole or not at all."""
    descriptor = os.open(os.environ[EFFECTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{call.call_id}\n".encode())
    finally:
        os.close(descriptor)


@tool(effect="unsafe", risk="high", owner="bench")
def append_update(call: Call, *, case_id: str, outcome: str, reason: str) -> dict[str, str]:
    """Carry out the decision."""
    append(call)
    return {"case_id": case_id, "status": "updated"}


@tool(effect="unsafe", risk="low", owner="bench")
def append_letter(call: Call, *, case_id: str, letter: str) -> dict[str, str]:
    """Send the letter."""
    append(call)
    return {"case_id": case_id, "status": "sent"}


@approval_rule(tool=append_letter, version=1)
def every_letter(arguments: Mapping[str, object]) -> bool:
    """Releases every letter."""
    return True


@workflow("kill-review", version=1, deadline=timedelta(hours=1))
async def kill_review(run: Run, case: dict[str, str]) -> dict[str, str]:
    """Five steps and a person between the third and the fourth."""
    facts = await run.tool(read_case, case_id=case["case_id"])
    policy = await run.tool(look_up_policy, query=f"disputed transfer of case {case['case_id']}")
    drafted = await run.tool(draft, facts=facts, policy=policy)
    update = {"case_id": case["case_id"], "outcome": drafted["outcome"], "reason": drafted["letter"]}
    grant = await run.approval(action=append_update, args=update, role=ROLE, expires=timedelta(hours=1))
    await run.tool(append_update, grant=grant)
    await run.tool(append_letter, case_id=case["case_id"], letter=drafted["letter"])
    return {"case_id": case["case_id"], "outcome": drafted["outcome"], "letter": drafted["letter"]}


application = Application(
    "kill",
    workflows=(kill_review,),
    tools=(read_case, look_up_policy, draft, append_update, append_letter),
    rules=(every_letter,),
)
