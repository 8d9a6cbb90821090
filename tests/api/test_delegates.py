"""A delegated question gives its delegate a vote, and lifts nothing that keys, services and admins are kept from."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx import Response

from penstock.schemas.codec import EventBody
from penstock.schemas.run.records import ApprovalDelegated
from tests.api.conftest import Api
from tests.api.key_calls import LEARNED_S, make, within
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of, asked, granted, started

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
APPROVAL = approval_of(RUN, 1)
PATH = f"/v1/approvals/{APPROVAL}"
VOTE = {"decision": "grant", "args_sha256": asked(RUN, 1).arguments.sha256}
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("votes", VOTE),
    ("delegate", {"delegate": "chloe"}),
    ("escalate", {"reason": "over my limit"}),
]


def delegated(api: Api, to: str) -> None:
    handed = ApprovalDelegated(approval_id=APPROVAL, delegated_by="sam", delegate=to)
    api.tell(RUN, started(), asked(RUN, 1), handed)


def judged(event: EventBody) -> Callable[..., EventBody]:
    return lambda meta, body: event


def act(api: Api, verb: str, body: dict[str, Any], headers: dict[str, str]) -> Response:
    response: Response = api.client.post(f"{PATH}/{verb}", json=body, headers=headers)
    return response


def test_who_has_no_role_votes_on_what_was_delegated_to_them_and_on_nothing_else(api: Api) -> None:
    delegated(api, "nobody")
    assert act(api, "votes", VOTE, api.as_("chloe")).status_code == 403
    api.log.judge = judged(granted(RUN, 1, by="nobody"))
    assert act(api, "votes", VOTE, api.as_("nobody")).status_code == 200


@pytest.mark.parametrize(("verb", "body"), ACTS)
def test_an_admin_is_nobodys_delegate(api: Api, verb: str, body: dict[str, Any]) -> None:
    delegated(api, "ada")
    assert_problem(act(api, verb, body, api.as_("ada")), 403, "role-excludes")
    assert api.log.inputs == []


@pytest.mark.parametrize(("verb", "body"), ACTS)
def test_a_key_without_the_scope_is_nobodys_delegate(api: Api, verb: str, body: dict[str, Any]) -> None:
    made = make(api, subject="pat", roles=["analyst"], scopes=["runs:read"]).json()
    delegated(api, "pat")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert within(LEARNED_S, lambda: act(api, verb, body, headers).status_code != 401)
    assert_problem(act(api, verb, body, headers), 403, "scope-missing")


def test_a_service_is_nobodys_delegate(api: Api) -> None:
    made = make(api, subject="nightly", roles=["analyst"]).json()
    delegated(api, "nightly")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert within(LEARNED_S, lambda: act(api, "votes", VOTE, headers).status_code != 401)
    assert_problem(act(api, "votes", VOTE, headers), 403, "people-only")


def test_what_is_mine_takes_the_scope_to_read(api: Api) -> None:
    made = make(api, subject="pat", roles=["analyst"], scopes=["runs:start"]).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    mine = "/v1/approvals?mine=true"
    assert within(LEARNED_S, lambda: api.client.get(mine, headers=headers).status_code != 401)
    assert_problem(api.client.get(mine, headers=headers), 403, "scope-missing")
