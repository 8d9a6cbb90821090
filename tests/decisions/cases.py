"""The application that the decisions are tested with."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel

from penstock import Application, Call, Retry, Run, ToolFailed, ToolRefused, approval_rule, tool, workflow
from penstock.declare.tools import Tool

CASE = {"case_id": "c1", "amount": 5}
ARGUMENTS = b'{"amount":5,"case_id":"c1"}'
RETRY = Retry(attempts=2, first=timedelta(seconds=1), longest=timedelta(seconds=8))


class CaseClosed(Exception):
    """The case is closed already."""


class Case(BaseModel):
    case_id: str
    amount: int = 0


@tool(effect="read", retry=RETRY)
def look_up(call: Call, *, case_id: str) -> str:
    raise NotImplementedError


@tool(effect="read", roles=("chief",))
def look_up_secrets(call: Call, *, case_id: str) -> str:
    raise NotImplementedError


@tool(effect="idempotent", retry=RETRY)
def file_note(call: Call, *, text: str) -> str:
    raise NotImplementedError


@tool(effect="unsafe", risk="high", version=2, retry=RETRY, roles=("analyst",))
def pay(call: Call, *, case_id: str, amount: int) -> str:
    raise NotImplementedError


@tool(effect="unsafe")
def notify(call: Call, *, to: str) -> str:
    raise NotImplementedError


@approval_rule(tool=file_note, version=1)
def short_notes(arguments: Mapping[str, object]) -> bool:
    return len(str(arguments["text"])) < 20


@approval_rule(tool=notify, version=1, expires=timedelta(hours=1))
def known_addresses(arguments: Mapping[str, object]) -> bool:
    if arguments["to"] == "broken":
        raise LookupError("the address book is away")
    return arguments["to"] == "customer"


@workflow("read-once", version=1, deadline=timedelta(days=30), fails_with=(CaseClosed,))
async def read_once(run: Run, case: Case) -> str:
    found = await run.tool(look_up, case_id=case.case_id)
    if found == "closed":
        raise CaseClosed("it is closed")
    if found == "odd":
        raise LookupError(f"never seen {found}")
    return found


@workflow("note", version=1, deadline=None)
async def note(run: Run, text: str) -> str:
    try:
        return await run.tool(file_note, text=text)
    except ToolRefused as refused:
        return f"refused: {refused.reason}"
    except ToolFailed as failed:
        return f"failed: {failed.kind}"


@workflow("tell", version=1, deadline=None, max_steps=3)
async def tell(run: Run, to: str) -> str:
    try:
        return await run.tool(notify, to=to)
    except ToolRefused as refused:
        return f"refused: {refused.reason}"
    except ToolFailed as failed:
        return f"failed: {failed.kind}"


async def ask_and_pay(run: Run, case: Case) -> str:
    """Two steps: the question is step 1, the payment step 2."""
    grant = await run.approval(
        action=pay,
        args={"case_id": case.case_id, "amount": case.amount},
        role="supervisor",
        expires=timedelta(days=2),
    )
    if grant.refused:
        return f"{grant.outcome} {' '.join(grant.by)} {grant.reason}".strip()
    try:
        return await run.tool(pay, grant=grant)
    except ToolRefused as refused:
        return f"refused: {refused.reason}"
    except ToolFailed as failed:
        return f"failed: {failed.kind}"


payment = workflow("payment", version=1, deadline=timedelta(days=30))(ask_and_pay)

TOOLS: tuple[Tool[object], ...] = (look_up, look_up_secrets, file_note, pay, notify)
RULES = (short_notes, known_addresses)


def application(*workflows: object, tools: tuple[Tool[object], ...] = TOOLS) -> Application:
    """The tools and rules above with these workflows, or with those above."""
    known = {each.name for each in tools}
    return Application(
        "cases",
        workflows=workflows or (read_once, note, tell, payment),
        tools=tools,
        rules=tuple(rule for rule in RULES if rule.tool in known),
    )


CASES = application()
