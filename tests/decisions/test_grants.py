"""Grants are bound to one call (law L12): every way to use one for another is refused."""

from datetime import timedelta

import pytest

from penstock import Application, Grant, Run, ToolRefused, approval_rule, tool, workflow
from penstock.declare.call import Call
from penstock.declare.tools import Tool
from penstock.schemas.run.records import (
    ApprovalGranted,
    RunCompleted,
    ToolCallRefused,
    ToolCallRequested,
)

from .acts import completes, fires, starts, votes
from .cases import ARGUMENTS, CASE, Case, application, notify, pay
from .given import Story, given, result, start


def paying(pays: Tool[str], grant_used: str) -> Story:
    """A workflow that uses its grant in some wrong way."""

    @workflow("payment", version=1)
    async def wrong(run: Run, case: Case) -> str:
        grant = await run.approval(action=pay, args=CASE, role="supervisor", expires=timedelta(days=2))
        try:
            match grant_used:
                case "other arguments":
                    return await run.tool(pay, grant=grant, case_id="c1", amount=5000)
                case "other tool":
                    return await run.tool(notify, grant=grant, to="customer")
                case "other version":
                    return await run.tool(pays, grant=grant)
                case "forged":
                    forged = Grant("granted", "a", "pay", 2, ARGUMENTS, grant_id="forged")
                    return await run.tool(pay, grant=forged)
                case "without":
                    return await run.tool(pay, case_id="c1", amount=5)
                case "late":
                    await run.sleep(timedelta(days=3))
                    return await run.tool(pay, grant=grant)
                case _:
                    first = await run.tool(pay, grant=grant)
                    return first + await run.tool(pay, grant=grant)
        except ToolRefused as refused:
            return f"refused: {refused.reason}"

    tools: tuple[Tool[object], ...] = (pay, notify) if pays is pay else (pay, notify, pays)
    story = given(application(wrong, tools=tools)).when(start("payment", CASE))
    return story.when(votes(story, 1))


@tool(name="pay", version=3, effect="unsafe", risk="high")
def pay_three(call: Call, *, case_id: str, amount: int) -> str:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ("other arguments", "grant_mismatch"),
        ("other tool", "grant_mismatch"),
        ("other version", "grant_mismatch"),
        ("forged", "grant_unknown"),
        ("without", "grant_missing"),
    ],
)
def test_a_grant_covers_its_own_call_only(use: str, reason: str) -> None:
    story = paying(pay_three, use).then(ApprovalGranted, ToolCallRefused, RunCompleted)
    assert result(story) == f'"refused: {reason}"'


def test_a_grant_used_after_its_expiry_is_refused() -> None:
    story = paying(pay, "late").when(fires(2), later=timedelta(days=3))
    assert result(story) == '"refused: grant_expired"'


def test_a_grant_used_twice_is_refused_the_second_time() -> None:
    story = paying(pay, "twice").when(starts(2)).when(completes(2, "paid"))
    assert result(story) == '"refused: grant_spent"'


def test_a_refused_question_gives_no_grant_to_spend() -> None:
    @workflow("payment", version=1)
    async def stubborn(run: Run, case: Case) -> str:
        grant = await run.approval(action=pay, args=CASE, role="supervisor", expires=timedelta(days=2))
        try:
            return await run.tool(pay, grant=grant)
        except ToolRefused as refused:
            return refused.reason

    story = given(application(stubborn)).when(start("payment", CASE))
    assert result(story.when(votes(story, 1, "refuse"))) == '"grant_missing"'


def test_a_rule_does_not_grant_what_a_person_refused() -> None:
    @workflow("payment", version=1)
    async def stubborn(run: Run, case: Case) -> str:
        grant = await run.approval(
            action=notify, args={"to": "customer"}, role="supervisor", expires=timedelta(days=2)
        )
        try:
            return await run.tool(notify, grant=grant)
        except ToolRefused as refused:
            return refused.reason

    story = given(application(stubborn)).when(start("payment", CASE))
    assert result(story.when(votes(story, 1, "refuse"))) == '"grant_missing"'


def test_a_new_version_of_the_rule_voids_the_grants_of_the_old_one() -> None:
    async def ask(run: Run, case: Case) -> str:
        grant = await run.approval(
            action=notify, args={"to": "stranger"}, role="supervisor", expires=timedelta(days=2)
        )
        try:
            return await run.tool(notify, grant=grant)
        except ToolRefused as refused:
            return refused.reason

    asks = workflow("payment", version=1)(ask)

    @approval_rule(tool=notify, version=2)
    def stricter(arguments: object) -> bool:
        return False

    before = application(asks)
    after = Application("cases", workflows=(asks,), tools=(notify,), rules=(stricter,))
    story = given(before).when(start("payment", CASE))
    assert result(story.when(votes(story, 1), application=after)) == '"rule_changed"'
    granted = story.when(votes(story, 1)).then(ApprovalGranted, ToolCallRequested)
    started = granted.when(starts(2), application=after).then(ToolCallRefused, RunCompleted)
    assert result(started) == '"rule_changed"'
