"""The case review on Restate: the service that its server calls, served by Hypercorn as its docs have it."""

# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
# The SDK isn't among Penstock's packages, so there is nothing to check this against.
import restate
import steps

reviews = restate.Service("reviews")
flows = restate.Workflow("flows")


async def read_case(case_id: str) -> dict[str, str]:
    return steps.read_case(case_id)


async def look_up_policy(query: str) -> list[str]:
    return steps.look_up_policy(query)


async def draft(facts: dict[str, str], policy: list[str]) -> dict[str, str]:
    return steps.draft(facts, policy)


async def update_case(run_id: str, update: dict[str, str]) -> dict[str, str]:
    return steps.update_case(run_id, update)


async def notify(run_id: str, case_id: str, letter: str) -> dict[str, str]:
    return steps.notify(run_id, case_id, letter)


async def five_steps(ctx, case: dict[str, str], run_id: str, ask) -> dict[str, str]:
    """Three steps, a person, two steps."""
    case_id = case["case_id"]
    facts = await ctx.run_typed("read_case", read_case, case_id=case_id)
    query = f"disputed transfer of case {case_id}"
    policy = await ctx.run_typed("look_up_policy", look_up_policy, query=query)
    drafted = await ctx.run_typed("draft", draft, facts=facts, policy=policy)
    granted = await ask()
    if granted["vote"] != "grant":
        raise restate.TerminalError(f"{run_id} wasn't granted: {granted!r}")
    update = steps.update_of(case_id, drafted)
    await ctx.run_typed("update_case", update_case, run_id=run_id, update=update)
    await ctx.run_typed("notify", notify, run_id=run_id, case_id=case_id, letter=drafted["letter"])
    return steps.result_of(case_id, drafted)


@reviews.handler()
async def review(ctx: restate.Context, case: dict) -> dict:
    """With an awakeable, whose id a person gets."""
    run_id = ctx.request().id

    async def ask():
        token, granted = ctx.awakeable(type_hint=dict)
        steps.tell("ask", run_id, token)
        return await granted

    return await five_steps(ctx, case, run_id, ask)


@flows.main()
async def review_flow(ctx: restate.WorkflowContext, case: dict) -> dict:
    """As a workflow with a promise, which a person resolves through the workflow's other handler."""

    async def ask():
        steps.tell("ask", ctx.key())
        return await ctx.promise("approval", type_hint=dict).value()

    return await five_steps(ctx, case, ctx.key(), ask)


@flows.handler()
async def approve(ctx: restate.WorkflowSharedContext, vote: dict) -> None:
    """The person's answer."""
    await ctx.promise("approval", type_hint=dict).resolve(vote)


app = restate.app([reviews, flows])
