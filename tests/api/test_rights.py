"""Which role and which scope an action takes."""

import ast
from pathlib import Path

import pytest

from penstock.api.callers import Caller
from penstock.api.problems import Problem
from penstock.api.rights import READ, RIGHTS, SCOPES, SETTLE, START, VOTE, right_to
from penstock.runtime.mends import _RIGHTS

EVERYTHING = ("analyst", "supervisor", "operator", "admin")


def slug(caller: Caller, roles: tuple[str, ...], action: str) -> str:
    """What the caller is told, empty if they may."""
    try:
        caller.needs(roles, action)
    except Problem as problem:
        return f"{problem.status_code} {problem.slug}".removeprefix("403 ")
    return ""


def test_without_scopes_all_that_the_roles_give_and_with_scopes_these_of_it() -> None:
    whole = Caller("local", "ana", ("analyst",))
    limited = Caller("local", "ana", ("analyst",), scopes=frozenset({"runs:read", "operate"}))
    assert [slug(each, READ, "read a run") for each in (whole, limited)] == ["", ""]
    assert [slug(each, START, "start a run") for each in (whole, limited)] == ["", "scope-missing"]
    assert slug(limited, SETTLE, "settle a call") == "forbidden", "a scope gives nothing that no role gives"


def test_no_scopes_at_all_may_nothing() -> None:
    assert slug(Caller("local", "ana", EVERYTHING, scopes=frozenset()), READ, "read a run") == "scope-missing"


@pytest.mark.parametrize("roles", [VOTE, ("manager",)])
def test_only_people_who_are_no_admins_vote(roles: tuple[str, ...]) -> None:
    held = (*roles, "analyst")
    assert slug(Caller("local", "sam", held), roles, "vote") == ""
    assert slug(Caller("local", "bot", held, "service"), roles, "vote") == "people-only"
    assert slug(Caller("local", "ada", (*held, "admin")), roles, "vote") == "role-excludes"


def test_the_scope_follows_from_the_first_words() -> None:
    actions = (
        "start a run",
        "read metrics",
        "read a run",
        "manage keys",
        "cancel many runs",
        "do what nobody named",
    )
    scopes = ["runs:start", "metrics:read", "runs:read", "keys:manage", "operate", "operate"]
    assert [right_to(action).scope for action in actions] == scopes
    assert len(SCOPES) < len(RIGHTS)


def test_every_action_of_the_api_is_in_the_table() -> None:
    named = {words for right in RIGHTS for words in right.actions}
    for path in sorted((Path(__file__).parents[2] / "api").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".needs")):
                continue
            if isinstance(node.args[0], ast.Starred):
                # A dead letter's mend takes the right to say what it says: the test after this one has these.
                continue
            if isinstance(node.args[1], ast.Constant):
                action = str(node.args[1].value)
                assert right_to(action).actions, (
                    f"{path.name}: api/rights.py has no row for {action!r}: {named}"
                )


def test_every_mend_of_a_dead_letter_is_in_the_table() -> None:
    assert _RIGHTS
    for _, action in _RIGHTS.values():
        assert right_to(action).actions, action
