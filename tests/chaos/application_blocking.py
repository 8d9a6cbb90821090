"""A bad deployment: version 1 never comes back."""

from datetime import timedelta

from penstock import Application, Run, workflow
from tests.chaos.application import Order, Paid, look_up, notices, notify, pay


@workflow("order", version=1, deadline=timedelta(hours=1), max_steps=50)
async def order(run: Run, given: Order) -> Paid:
    """Spins."""
    while given.number >= 0:
        pass
    return Paid(number=given.number, outcome="never")


application = Application("orders", workflows=(order,), tools=(look_up, pay, notify), rules=(notices,))
