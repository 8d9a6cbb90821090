"""Who may not do what with dead letters, and replacements that are none: nothing is said and nothing put back."""

from dataclasses import replace

import pytest

from penstock.schemas.ids import dead_letter_id
from penstock.schemas.topics import RUNS_GROUP
from penstock.streams.dead_letters import dead_letter
from tests.api.conftest import Api
from tests.api.dead import MEND, RUN, Dead, dead_letters, start
from tests.api.test_dead_letters import LIST, post
from tests.api.test_every_route import assert_problem


@pytest.fixture
def dead(api: Api) -> Dead:
    return dead_letters(api)


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("POST", "/redrive"), ("POST", "/discard")],
    ids=["show", "redrive", "discard"],
)
def test_another_tenants_is_not_there(dead: Dead, method: str, tail: str) -> None:
    for kind, who in (("misplaced", "mallory"), ("malformed", "mallory"), ("foreign", "olga")):
        body = {"reason": "mine"} if method == "POST" else None
        path = f"{LIST}/{dead.ids[kind]}{tail}"
        assert_problem(
            dead.api.client.request(method, path, json=body, headers=dead.api.as_(who)), 404, "not-found"
        )
        path = f"{LIST}/no-id%00{tail}"
        assert_problem(
            dead.api.client.request(method, path, json=body, headers=dead.api.as_(who)), 404, "not-found"
        )
    assert dead.actions() == []


@pytest.mark.parametrize("who", ["ana", "sam", "nobody"])
def test_only_operators_may(dead: Dead, who: str) -> None:
    headers = dead.api.as_(who)
    for path in ("", f"/{dead.ids['malformed']}"):
        assert_problem(dead.api.client.get(LIST + path, headers=headers), 403, "forbidden")
    for verb in ("redrive", "discard"):
        assert_problem(post(dead, "malformed", verb, {"reason": "r"}, who), 403, "forbidden")
        bulk = {"filter": {}, "reason": "r", "dry_run": False}
        assert_problem(dead.api.client.post(f"{LIST}/{verb}", json=bulk, headers=headers), 403, "forbidden")
    assert dead.actions() == []


def test_it_takes_a_key(dead: Dead) -> None:
    for path in ("", "/x"):
        assert_problem(dead.api.client.get(LIST + path), 401, "unauthenticated")
    for path in ("/x/redrive", "/x/discard", "/redrive", "/discard"):
        assert_problem(dead.api.client.post(LIST + path), 401, "unauthenticated")


def mend(**changes: object) -> dict[str, object]:
    return {"reason": "r", "replacement": {"input": {**MEND["input"], **changes}}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"reason": ""}, 422),
        ({"reason": "r", "replacement": {}}, 422),
        ({"reason": "r", "replacement": {"value": "%%"}}, 422),
        ({"reason": "r", "replacement": {"value": "AAAA"}}, 422),
        (mend(type="Nothing"), 422),
        (mend(entity_id="case-1"), 422),
        (mend(fields={}), 422),
        (mend(fields={"workflow": 7, "input": {"content": {}}}), 422),
        (mend(fields={"workflow": "w", "input": "case-1"}), 422),
        (mend(fields={"workflow": "w", "input": {"content": {}}, "tenant": "elsewhere"}), 422),
        # What only services say, and what this operator has no role to say.
        (mend(type="FireTimer", fields={"timer_id": "t"}), 422),
        (
            mend(
                type="CastVote",
                fields={"approval_id": RUN, "decision": "grant", "args_sha256": "0" * 64, "reason": ""},
            ),
            403,
        ),
    ],
)
def test_a_replacement_that_is_none_is_told_what_to_correct(dead: Dead, body: object, status: int) -> None:
    slug = "invalid-request" if status == 422 else "forbidden"
    assert_problem(post(dead, "malformed", "redrive", body), status, slug)
    assert dead.actions() == []
    assert dead.back("malformed") == []


def test_bytes_that_dont_stand_where_a_dead_letter_says_arent_put_back(dead: Dead) -> None:
    (taken,) = dead.api.log.append([start(dead.keyring)])
    claimed = replace(taken, value=b"\x00invented")
    dead.api.log.append([dead_letter(claimed, RUNS_GROUP, error="Undecodable", stage="decode", message="")])
    dead.ids["claimed"] = dead_letter_id(taken.topic, taken.partition, taken.offset)
    dead.project()
    assert_problem(post(dead, "claimed", "redrive", {"reason": "r"}), 409, "dead-letter:not-where-it-says")
    assert dead.actions() == []
    assert dead.back("claimed") == []
