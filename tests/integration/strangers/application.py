"""What runs between the strangers' records, so that each process which one could stop has a part in it."""

from datetime import timedelta

from pydantic import BaseModel

from penstock import Application, Call, Run, tool, workflow


class Order(BaseModel):
    number: int


@tool(effect="read", timeout=timedelta(seconds=5))
def look_up(call: Call, *, number: int) -> int:
    """The number's double."""
    return number * 2


@workflow("order", version=1, deadline=timedelta(hours=1), max_steps=20)
async def order(run: Run, given: Order) -> int:
    """Look a number up, twice, and sleep between."""
    first = await run.tool(look_up, number=given.number)
    await run.sleep(timedelta(milliseconds=20))
    return first + await run.tool(look_up, number=given.number)


application = Application("orders", workflows=(order,), tools=(look_up,), rules=())
