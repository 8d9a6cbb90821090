"""Nobody gets more by a key that they make than they have."""

import json
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from penstock.runtime import postgres_api_keys as table
from penstock.runtime.api_keys import ApiKey, key_sha256, new_key_text
from penstock.runtime.postgres import connect
from tests.api.conftest import Api
from tests.api.key_calls import LEARNED_S, SERVICE, listed, make, recorded, revoke, rotate, within, works
from tests.api.test_every_route import assert_problem


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"roles": ["supervisor"]}, "more-than-yours"),
        ({"roles": ["analyst", "manager"]}, "more-than-yours"),
        ({"roles": ["admin"]}, "more-than-yours"),
        ({"kind": "person"}, "not-for-people"),
        ({"kind": "person", "subject": "ada"}, "not-for-people"),
    ],
)
def test_nobody_gives_more_than_they_have(api: Api, changes: dict[str, Any], slug: str) -> None:
    assert_problem(make(api, **changes), 403, slug)
    assert recorded(api) == []


def test_who_is_limited_gives_only_these_scopes(api: Api, home: Path) -> None:
    key = limited_admin(home)
    headers = {"Authorization": f"Bearer {key}"}

    def asked(**changes: object) -> Response:
        answer: Response = api.client.post("/v1/keys", json=SERVICE | changes, headers=headers)
        return answer

    assert within(LEARNED_S, lambda: asked().status_code == 403)
    assert_problem(asked(), 403, "more-than-yours")
    assert_problem(asked(scopes=["runs:start"]), 403, "more-than-yours")
    assert asked(scopes=["runs:read"]).status_code == 201


def limited_admin(home: Path) -> str:
    """One more key in the file, of an admin with two scopes."""
    path = home / "api-keys.json"
    entries = json.loads(path.read_text())["keys"]
    text = new_key_text("limited")
    who = {"id": "limited", "sha256": key_sha256(text), "tenant": "local", "subject": "lim"}
    entries.append(who | {"roles": ["admin", "analyst"], "scopes": ["keys:manage", "runs:read"]})
    path.write_text(json.dumps({"keys": entries}))
    return text


def test_nobody_is_told_the_key_of_another_person_or_of_a_service_that_may_more(api: Api) -> None:
    assert_problem(rotate(api, "sam"), 403, "not-for-people")
    with connect(api.settings.database_url) as connection:
        table.add(connection, ApiKey("robot", "0" * 64, "local", "robot", ("supervisor",), "service"))
    assert_problem(rotate(api, "robot"), 403, "more-than-yours")
    assert rotate(api, "ada").status_code == 201, "one's own"


def test_another_tenants_keys_are_neither_seen_nor_touched(api: Api) -> None:
    made = make(api).json()
    assert set(listed(api, "eve")) == {"eve", "mallory"}
    assert_problem(rotate(api, made["id"], "eve"), 404, "not-found")
    assert revoke(api, made["id"], "eve") == 404
    assert revoke(api, "nothing", "eve") == 404
    assert within(LEARNED_S, works(api, made["key"]))
