"""What the kill tests run: read, ask, pay (unsafe, no reconciler), notify. The target is a file.

PENSTOCK_TEST_TARGET names the file; a line is one execution: call key, tool, a nonce of its own, milliseconds.
"""

import os
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel

from penstock import Application, Call, Grant, Retry, Run, approval_rule, tool, workflow


class Order(BaseModel):
    number: int
    amount: int
    naps: int = 0


class Paid(BaseModel):
    number: int
    outcome: str


def execute(call: Call, name: str) -> None:
    """Append to the target's journal; one write call, so that a line is there whole or not at all."""
    line = f"{call.idempotency_key} {name} {uuid.uuid4()} {int(time.time() * 1000)}\n"
    descriptor = os.open(os.environ["PENSTOCK_TEST_TARGET"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


@tool(effect="read", retry=Retry(attempts=5, first=timedelta(milliseconds=50)))
def look_up(call: Call, *, number: int) -> int:
    """The amount's limit."""
    return number * 2


@tool(effect="unsafe", timeout=timedelta(seconds=5), concurrency=4)
def pay(call: Call, *, number: int, amount: int) -> str:
    """Pays; twice if called twice."""
    execute(call, "pay")
    time.sleep(0.01)
    return f"paid {amount}"


@tool(effect="idempotent", timeout=timedelta(seconds=5))
def notify(call: Call, *, number: int) -> str:
    """Notifies; the target knows the key."""
    return f"notified {number}"


@tool(effect="unsafe", timeout=timedelta(seconds=5), deferred=timedelta(minutes=10))
def transfer(call: Call, *, number: int) -> str:
    """Hands the payment to a bank, which says later how it went: its token stands beside the target's journal."""
    execute(call, "transfer")
    with open(f"{os.environ['PENSTOCK_TEST_TARGET']}.{call.run_id}", "w") as file:
        file.write(call.callback.token)
    call.defer()


@approval_rule(tool=transfer, version=1)
def transfers(arguments: Mapping[str, object]) -> bool:
    """As if they were."""
    return True


@approval_rule(tool=notify, version=1)
def notices(arguments: Mapping[str, object]) -> bool:
    """Every notice is low risk."""
    return True


@workflow("order", version=1, deadline=timedelta(hours=1), max_steps=50)
async def order(run: Run, given: Order) -> Paid:
    """Pay an order that somebody granted."""
    await run.gather(run.tool(look_up, number=given.number), run.tool(look_up, number=given.number + 1))
    for _ in range(given.naps):
        await run.sleep(timedelta(milliseconds=200))
    grant: Grant = await run.approval(
        action=pay,
        args={"number": given.number, "amount": given.amount},
        role="supervisor",
        expires=timedelta(minutes=30),
    )
    if grant.refused:
        return Paid(number=given.number, outcome="refused")
    paid = await run.tool(pay, grant=grant)
    await run.tool(notify, number=given.number)
    return Paid(number=given.number, outcome=paid or "paid")


@workflow("urgent-order", version=1, deadline=timedelta(hours=1), max_steps=50)
async def urgent_order(run: Run, given: Order) -> Paid:
    """An order that goes to the chief when no supervisor decides it in time."""
    args = {"number": given.number, "amount": given.amount}
    grant: Grant = await run.approval(
        action=pay,
        args=args,
        role="supervisor",
        expires=timedelta(minutes=30),
        escalate_to="chief",
        escalate_after=timedelta(seconds=2),
    )
    if grant.refused:
        return Paid(number=given.number, outcome="refused")
    return Paid(number=given.number, outcome=await run.tool(pay, grant=grant) or "paid")


@workflow("transfer-order", version=1, deadline=timedelta(hours=1))
async def transfer_order(run: Run, given: Order) -> Paid:
    """An order that an outside system pays."""
    return Paid(number=given.number, outcome=await run.tool(transfer, number=given.number))


application = Application(
    "orders",
    workflows=(order, urgent_order, transfer_order),
    tools=(look_up, pay, notify, transfer),
    rules=(notices, transfers),
)
