"""GET /v1/operator-actions: one tenant's, for its operators, in pages."""

import pytest

from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem

PATH = "/v1/operator-actions"


@pytest.fixture
def told(api: Api) -> Api:
    """An API whose tenant `local` has seen three actions, and `elsewhere` one."""
    signer = Keyring.load(api.settings.keys_file).signer(Authority.API)
    publisher = Publisher(api.log, pinned_codec(), signer, "tests")
    olga, mallory = (Actor(kind="person", subject=who, roles=("operator",)) for who in ("olga", "mallory"))
    local = OperatorLog(publisher, "local")
    for number in range(2):
        local.record(olga, "key.create", f"key {number}", "for Ana", {"number": number}).wait(5)
    local.record(olga, "key.revoke", "key 1", "Ana left", {}).wait(5)
    OperatorLog(publisher, "elsewhere").record(mallory, "key.create", "key 9", "", {}).wait(5)
    api.log.project()
    return api


def listed(api: Api, query: str = "", who: str = "olga") -> list[tuple[str, str]]:
    response = api.client.get(PATH + query, headers=api.as_(who))
    assert response.status_code == 200, response.text
    return [(one["action"], one["target"]) for one in response.json()["actions"]]


def test_what_operators_did_is_listed_newest_first(told: Api) -> None:
    actions = told.client.get(PATH, headers=told.as_("olga")).json()["actions"]
    assert [one["target"] for one in actions[1:]] == ["key 1", "key 0"]
    newest = {name: actions[0][name] for name in ("action", "target", "reason", "detail", "said_by", "actor")}
    assert newest == {
        "action": "key.revoke",
        "target": "key 1",
        "reason": "Ana left",
        "detail": {},
        "said_by": "api",
        "actor": {"kind": "person", "subject": "olga", "roles": ["operator"]},
    }


def test_another_tenants_operators_see_only_their_own(told: Api) -> None:
    assert listed(told, who="mallory") == [("key.create", "key 9")]


@pytest.mark.parametrize(
    ("query", "targets"),
    [
        ("?action=key.create", ["key 1", "key 0"]),
        ("?target=key%201", ["key 1", "key 1"]),
        ("?target=key%201&action=key.create&subject=olga", ["key 1"]),
        ("?subject=mallory", []),
    ],
)
def test_it_is_filtered_by_what_by_whom_and_to_what(told: Api, query: str, targets: list[str]) -> None:
    assert [target for _, target in listed(told, query)] == targets


def test_pages_follow_one_another_without_loss(told: Api) -> None:
    seen, after = [], ""
    for _ in range(4):
        page = told.client.get(f"{PATH}?limit=1{after}", headers=told.as_("olga")).json()
        seen += [one["id"] for one in page["actions"]]
        if page["next_cursor"] is None:
            break
        after = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.parametrize("who", ["ana", "sam", "nobody"])
def test_only_operators_may_see_it(told: Api, who: str) -> None:
    assert_problem(told.client.get(PATH, headers=told.as_(who)), 403, "forbidden")


def test_it_takes_a_key(told: Api) -> None:
    assert_problem(told.client.get(PATH), 401, "unauthenticated")


@pytest.mark.parametrize(
    "query", ["?cursor=-1", "?cursor=x_y", "?limit=0", "?limit=501", "?action=", "?target=%00"]
)
def test_a_bad_filter_is_told_what_to_correct(told: Api, query: str) -> None:
    assert_problem(told.client.get(PATH + query, headers=told.as_("olga")), 422, "invalid-request")
