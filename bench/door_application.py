"""The application of `door`: the bench application's review, under the name that `POST /case-review` starts.

Workers load it as `bench.door_application:application`.
"""

from datetime import timedelta

from bench.application import draft, every_letter, look_up_policy, notify, read_case, update_case
from penstock.declare.application import Application
from penstock.declare.run import Run
from penstock.declare.workflows import workflow


@workflow("case-review", version=1, deadline=timedelta(hours=1))
async def review(run: Run, case: dict[str, str]) -> dict[str, str]:
    """Three steps, and no person to wait for."""
    facts = await run.tool(read_case, case_id=case["case_id"])
    policy = await run.tool(look_up_policy, query=f"disputed transfer of case {case['case_id']}")
    return await run.tool(draft, facts=facts, policy=policy)


application = Application(
    "door",
    workflows=(review,),
    tools=(read_case, look_up_policy, draft, update_case, notify),
    rules=(every_letter,),
)
