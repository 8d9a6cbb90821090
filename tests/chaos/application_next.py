"""The next deployment of the orders: version 1 as it was, and a version 2 that skips the look-ups."""

from datetime import timedelta

from penstock import Application, Run, workflow
from tests.chaos.application import Order, Paid, look_up, notices, notify, order, pay


@workflow("order", version=2, deadline=timedelta(hours=1))
async def order_without_look_up(run: Run, given: Order) -> Paid:
    """Pay what somebody granted, and look nothing up."""
    arguments = {"number": given.number, "amount": given.amount}
    grant = await run.approval(action=pay, args=arguments, role="supervisor", expires=timedelta(minutes=30))
    if grant.refused:
        return Paid(number=given.number, outcome="refused")
    await run.tool(pay, grant=grant)
    return Paid(number=given.number, outcome="paid by version 2")


application = Application(
    "orders", workflows=(order, order_without_look_up), tools=(look_up, pay, notify), rules=(notices,)
)
