"""A workflow with every kind of step side by side, a next version of it, and code that its history doesn't fit."""

from datetime import timedelta

from penstock import Run, ToolFailed, ToolRefused, workflow

from .cases import Case, application, file_note, look_up, notify, pay


@workflow("busy", version=1, deadline=timedelta(hours=3), max_steps=12, signals={"go": Case})
async def busy(run: Run, case: Case) -> str:
    """Every kind of step, side by side, with a loop that can come to the step limit."""

    async def pays() -> str:
        grant = await run.approval(
            action=pay,
            args={"case_id": "c", "amount": 1},
            role="supervisor",
            expires=timedelta(hours=1),
            escalate_to="operator",
            escalate_after=timedelta(minutes=20),
        )
        try:
            return await run.tool(pay, grant=grant)
        except (ToolFailed, ToolRefused):
            return "unpaid"

    async def notes() -> str:
        try:
            await run.tool(file_note, text="short")
            await run.tool(notify, to="customer")
        except (ToolFailed, ToolRefused):
            waits = (run.sleep(timedelta(minutes=10)), run.signal("go", schema=Case))
            await run.race(*waits)
        return "noted"

    try:
        await run.gather(run.tool(look_up, case_id="a"), pays(), notes())
    except ToolFailed:
        return "early"
    while await run.tool(look_up, case_id=str(run.uuid())) == "more":
        pass
    return run.now().isoformat()


@workflow("busy", version=1, deadline=timedelta(hours=3), max_steps=12)
async def unlike(run: Run, case: Case) -> str:
    return await run.tool(look_up, case_id="something else")


busy_next = workflow("busy", version=2, deadline=timedelta(hours=3), max_steps=14, signals={"go": Case})(
    busy.function
)
KNOWN, UNLIKE = application(busy, busy_next), application(unlike)
