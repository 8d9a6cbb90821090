"""A bad deployment: version 1 asks for something else than its runs' histories hold."""

from datetime import timedelta

from penstock import Application, Run, workflow
from tests.chaos.application import Order, Paid, look_up, notices, notify, pay


@workflow("order", version=1, deadline=timedelta(hours=1), max_steps=50)
async def order(run: Run, given: Order) -> Paid:
    """Notifies where it looked up."""
    await run.tool(notify, number=given.number)
    return Paid(number=given.number, outcome="never")


application = Application("orders", workflows=(order,), tools=(look_up, pay, notify), rules=(notices,))
