"""The next deployment: all workflows as they were, and a version 2 of the order that looks nothing up."""

from datetime import timedelta

from penstock import Application, Run, workflow
from tests.chaos.matrix.orders import (
    Order,
    Paid,
    ask_and_pay,
    beat,
    case_review,
    look_up,
    notices,
    notify,
    order,
    pay,
    stamp,
    stamps,
)


@workflow("order", version=2, deadline=timedelta(hours=1), max_steps=50)
async def order_without_look_up(run: Run, given: Order) -> Paid:
    """Pay what somebody granted, after the naps."""
    for _ in range(given.naps):
        await run.sleep(timedelta(milliseconds=300))
    return await ask_and_pay(run, given.number)


application = Application(
    "orders",
    workflows=(order, order_without_look_up, case_review, beat),
    tools=(look_up, pay, notify, stamp),
    rules=(notices, stamps),
)
