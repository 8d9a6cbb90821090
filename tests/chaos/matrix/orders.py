"""What runs while the matrix breaks things: read, wait, ask, pay (unsafe, no reconciler), notify.

Every seventh look-up fails once and every ninth payment says once that it was not done, so that retries of both
kinds are under way whenever something breaks.
"""

import time
from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, field_validator

from penstock import Application, Call, Grant, NotDone, Retry, Run, approval_rule, tool, workflow
from tests.chaos.matrix.target import PAY, STAMP, Target


class Order(BaseModel):
    number: int
    naps: int = 0

    @field_validator("number")
    @classmethod
    def spoiled(cls, number: int) -> int:
        """A defect of this application: an input that raises what no validator may, so nobody can decide it."""
        if number < 0:
            raise ZeroDivisionError("an order below zero")
        return number


class Case(BaseModel):
    case_id: str


class Beat(BaseModel):
    name: str


class Paid(BaseModel):
    number: int
    outcome: str


PATIENT = Retry(attempts=50, first=timedelta(milliseconds=50), longest=timedelta(seconds=2))


@tool(effect="read", retry=PATIENT)
def look_up(call: Call, *, number: int) -> int:
    """What is known of a number."""
    if number % 7 == 0 and call.attempt == 1:
        raise ConnectionError("try again")
    return number * 2


@tool(effect="unsafe", timeout=timedelta(seconds=5), concurrency=4, retry=PATIENT)
def pay(call: Call, *, number: int) -> str:
    """Pays; twice if called twice."""
    if number % 9 == 0 and call.attempt == 1:
        raise NotDone("busy")
    Target.named().execute(call, PAY)
    time.sleep(0.02)
    return f"paid {number}"


@tool(effect="unsafe", timeout=timedelta(seconds=5), concurrency=4, retry=PATIENT)
def stamp(call: Call, *, name: str) -> str:
    """Notes that a scheduled run was here; twice if called twice."""
    Target.named().execute(call, STAMP)
    return name


@tool(effect="idempotent", timeout=timedelta(seconds=5), retry=PATIENT)
def notify(call: Call, *, number: int) -> str:
    """Notifies; the target knows the key."""
    return f"notified {number}"


@approval_rule(tool=notify, version=1)
def notices(arguments: Mapping[str, object]) -> bool:
    """Every notice is low risk."""
    return True


@approval_rule(tool=stamp, version=1)
def stamps(arguments: Mapping[str, object]) -> bool:
    """Nobody is asked about what happens every two seconds."""
    return True


async def ask_and_pay(run: Run, number: int) -> Paid:
    """What all the workflows end with."""
    grant: Grant = await run.approval(
        action=pay, args={"number": number}, role="supervisor", expires=timedelta(minutes=30)
    )
    if grant.refused:
        return Paid(number=number, outcome="refused")
    paid = await run.tool(pay, grant=grant)
    await run.tool(notify, number=number)
    # None where a person settled it: that it happened is known, what it returned isn't.
    return Paid(number=number, outcome=paid or "paid")


@workflow("order", version=1, deadline=timedelta(hours=1), max_steps=50)
async def order(run: Run, given: Order) -> Paid:
    """Pay an order that somebody granted."""
    await run.gather(run.tool(look_up, number=given.number), run.tool(look_up, number=given.number + 1))
    for _ in range(given.naps):
        await run.sleep(timedelta(milliseconds=300))
    return await ask_and_pay(run, given.number)


@workflow("case-review", version=1, deadline=timedelta(hours=1), max_steps=50)
async def case_review(run: Run, given: Case) -> Paid:
    """The same for what comes in over HTTP, whose door knows this name."""
    number = int(given.case_id.rpartition("-")[2])
    await run.tool(look_up, number=number)
    return await ask_and_pay(run, number)


@workflow("beat", version=1, deadline=timedelta(hours=1), max_steps=20)
async def beat(run: Run, given: Beat) -> str:
    """What schedules start: one effect that can't be repeated."""
    return await run.tool(stamp, name=given.name) or given.name


application = Application(
    "orders",
    workflows=(order, case_review, beat),
    tools=(look_up, pay, notify, stamp),
    rules=(notices, stamps),
)
