"""Approvals in pages and one at a time: all of them can be reached, whatever is asked meanwhile."""

from collections.abc import Iterator
from typing import Any

import pytest

from penstock.schemas.run.records import ApprovalDelegated
from tests.api.conftest import Api
from tests.api.route_case import RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of, asked, granted, new_run, started

OTHER = "another-desk"


def pages(api: Api, query: str, who: str = "ana") -> Iterator[list[str]]:
    cursor: str | None = ""
    while cursor is not None:
        path = f"/v1/approvals?{query}" + (f"&cursor={cursor}" if cursor else "")
        answer = api.client.get(path, headers=api.as_(who))
        assert answer.status_code == 200, answer.text
        yield [each["approval_id"] for each in answer.json()["approvals"]]
        cursor = answer.json()["next_cursor"]


def ask(api: Api) -> str:
    run_id = new_run()
    api.tell(run_id, started(), asked(run_id, 1))
    return approval_of(run_id, 1)


@pytest.mark.parametrize("query", ["limit=2", "limit=2&mine=true", "limit=1&status=waiting&role=supervisor"])
def test_pages_hold_while_approvals_are_asked_for(api: Api, query: str) -> None:
    before = [ask(api) for _ in range(5)]
    seen: list[str] = []
    for page in pages(api, query, "sam"):
        seen += page
        if len(seen) < len(before):
            ask(api)
    assert seen[: len(before)] == before
    assert len(seen) == len(set(seen)) > len(before)


def test_what_a_rule_has_granted_stands_at_the_time_of_its_grant(api: Api) -> None:
    first = ask(api)
    by_rule = new_run()
    api.tell(by_rule, started(), granted(by_rule, 1, by="rule", rule="small-sums"))
    last = ask(api)
    assert list(pages(api, "limit=1")) == [[first], [approval_of(by_rule, 1)], [last]]


def test_a_cursor_is_good_for_its_own_list_alone(api: Api) -> None:
    for _ in range(2):
        ask(api)
    answer = api.client.get("/v1/approvals?limit=1&status=waiting", headers=api.as_("ana")).json()
    cursor = answer["next_cursor"]
    again = f"/v1/approvals?limit=1&status=waiting&cursor={cursor}"
    assert api.client.get(again, headers=api.as_("ana")).status_code == 200
    for who, path in (
        ("ana", f"/v1/approvals?limit=1&cursor={cursor}"),
        ("ana", f"/v1/approvals?limit=1&status=waiting&mine=true&cursor={cursor}"),
        ("ana", f"/v1/approvals?limit=1&status=waiting&cursor={cursor[:-1]}"),
        ("ana", f"/v1/runs?cursor={cursor}"),
        ("mallory", again),
    ):
        assert_problem(api.client.get(path, headers=api.as_(who)), 422, "invalid-request")


def test_a_runs_approvals_and_one_of_them(api: Api) -> None:
    ask(api)
    api.tell(RUN, started(), asked(RUN, 1, role=OTHER))
    own = api.client.get(f"/v1/approvals?run_id={RUN}", headers=api.as_("ana")).json()["approvals"]
    assert [each["approval_id"] for each in own] == [approval_of(RUN, 1)]
    path = own[0]["links"]["self"]
    assert api.client.get(path, headers=api.as_("ana")).json() == own[0]
    assert api.client.get(path, headers=api.as_("nobody")).status_code == 403
    handed_on = ApprovalDelegated(
        approval_id=approval_of(RUN, 1), delegated_by="sam", delegate="nobody", reason=""
    )
    api.tell(RUN, handed_on)
    shown: dict[str, Any] = api.client.get(path, headers=api.as_("nobody")).json()
    assert (shown["delegate"], shown["may_vote"]) == ("nobody", True)


def test_who_may_never_vote_is_shown_no_vote(api: Api) -> None:
    """An admin who is a supervisor too is refused by the door: a button that always fails helps nobody."""
    api.tell(RUN, started(), asked(RUN, 1, role="analyst"))
    assert not next(iter(pages(api, "mine=true", "ada")))
    (shown,) = api.client.get("/v1/approvals", headers=api.as_("ada")).json()["approvals"]
    assert shown["may_vote"] is False
