"""API keys over HTTP: made, listed, rotated and revoked while the API runs."""

import hashlib
import json

from penstock.runtime.postgres import connect
from tests.api.conftest import Api
from tests.api.key_calls import (
    LEARNED_S,
    detail_of,
    fails,
    listed,
    make,
    recorded,
    revoke,
    rotate,
    start,
    within,
    works,
)
from tests.api.route_case import VOTE
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"


def test_a_new_key_works_within_two_seconds_as_a_service_that_never_votes(api: Api) -> None:
    assert start(api, api.keys["ana"]).status_code == 202, "the table has been looked at before"
    made = make(api, roles=["analyst", "operator"], requests_per_minute=600)
    assert made.status_code == 201
    key = made.json()["key"]
    assert within(LEARNED_S, works(api, key))
    meta, _ = api.log.inputs[-1]
    assert (meta.tenant, meta.actor.kind, meta.actor.subject) == ("local", "service", "nightly")
    votes = f"/v1/approvals/{approval_of(RUN, 1)}/votes"
    response = api.client.post(votes, json=VOTE, headers={"Authorization": f"Bearer {key}"})
    assert_problem(response, 403, "people-only")


def test_a_key_is_shown_once_and_kept_as_a_hash(api: Api) -> None:
    made = make(api).json()
    whole = json.dumps(listed(api))
    assert made["id"] in whole
    assert made["key"] not in whole
    with connect(api.settings.database_url) as connection:
        rows = connection.execute("SELECT k::text, sha256 FROM penstock.api_key AS k").fetchall()
    assert [sha for _, sha in rows] == [hashlib.sha256(made["key"].encode()).hexdigest()]
    assert made["key"].rpartition("_")[2] not in str(rows)


def test_every_key_can_be_reached_while_others_are_made(api: Api) -> None:
    """One that can't be seen can't be revoked."""
    before = list(listed(api))
    assert len(before) > 3
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        path = "/v1/keys?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = api.client.get(path, headers=api.as_("ada")).json()
        seen += [key["id"] for key in page["keys"]]
        cursor = page["next_cursor"]
        make(api)
    assert seen == before


def test_every_action_is_on_the_log_before_it_is_done_and_says_no_secret(api: Api) -> None:
    made = make(api, scopes=["runs:start"], reason="the nightly import").json()
    new = rotate(api, made["id"], grace_s=60, reason="monthly").json()
    assert revoke(api, new["id"], reason="no longer needed") == 204
    said = recorded(api)
    assert [(each.action, each.target, each.reason) for each in said] == [
        ("key.create", made["id"], "the nightly import"),
        ("key.rotate", made["id"], "monthly"),
        ("key.revoke", new["id"], "no longer needed"),
    ]
    assert detail_of(said[0])["scopes"] == ["runs:start"]
    assert detail_of(said[1]) == {"new_key": new["id"], "grace_s": 60}
    assert not any(made["key"] in str(detail_of(each)) for each in said)


def test_with_the_log_away_nothing_is_done(api: Api) -> None:
    made = make(api).json()
    api.log.go_away()
    assert_problem(make(api), 503, "log-away")
    assert_problem(rotate(api, made["id"]), 503, "log-away")
    assert revoke(api, made["id"]) == 503
    api.log.come_back()
    ours = {key_id: key for key_id, key in listed(api).items() if key["kind"] == "service"}
    assert [(key_id, key["state"]) for key_id, key in ours.items()] == [(made["id"], "active")]


def test_a_revoked_key_is_refused_within_two_seconds(api: Api) -> None:
    made = make(api).json()
    assert within(LEARNED_S, works(api, made["key"]))
    assert [revoke(api, made["id"]), revoke(api, made["id"])] == [204, 204]
    assert within(LEARNED_S, fails(api, made["key"]))
    assert listed(api)[made["id"]]["state"] == "revoked"
    assert [each.action for each in recorded(api)] == ["key.create", "key.revoke"]
    assert_problem(rotate(api, made["id"]), 409, "key-not-active")


def test_a_key_of_the_file_is_revoked_for_every_process(api: Api) -> None:
    assert works(api, api.keys["ana"])()
    assert revoke(api, "ana") == 204
    assert within(LEARNED_S, fails(api, api.keys["ana"]))
    assert listed(api)["ana"]["state"] == "revoked"


def test_both_keys_count_during_the_grace_of_a_rotation(api: Api) -> None:
    made = make(api, scopes=["runs:start"]).json()
    new = rotate(api, made["id"], grace_s=3_600).json()
    assert {name: new[name] for name in ("subject", "roles", "scopes")} == {
        name: made[name] for name in ("subject", "roles", "scopes")
    }
    assert within(LEARNED_S, works(api, new["key"]))
    assert works(api, made["key"])()
    assert listed(api)[made["id"]]["replaced_by"] == new["id"]
    assert_problem(rotate(api, made["id"]), 409, "key-not-active")


def test_without_grace_the_old_key_ends_at_once(api: Api) -> None:
    made = make(api).json()
    assert within(LEARNED_S, works(api, made["key"]))
    new = rotate(api, made["id"], grace_s=0).json()
    assert within(LEARNED_S, fails(api, made["key"]))
    assert works(api, new["key"])()


def test_an_expired_key_counts_no_longer_although_nobody_says_so(api: Api) -> None:
    made = make(api, expires_in_s=60).json()
    assert within(LEARNED_S, works(api, made["key"]))
    with connect(api.settings.database_url) as connection:
        connection.execute(
            "UPDATE penstock.api_key SET expires_at = clock_timestamp() + interval '1 s',"
            " changed_at = clock_timestamp()"
        )
    assert within(LEARNED_S + 1, fails(api, made["key"]))
    assert listed(api)[made["id"]]["state"] == "expired"


def test_the_same_request_with_the_same_key_makes_one(api: Api) -> None:
    first = make(api, key="once").json()
    again = make(api, key="once")
    assert_problem(again, 409, "key-made-before")
    assert again.json()["id"] == first["id"]
    assert len(recorded(api)) == 1


def test_scopes_limit_a_key(api: Api) -> None:
    key = make(api, scopes=["runs:read"]).json()["key"]
    assert within(LEARNED_S, lambda: start(api, key).status_code == 403)
    assert_problem(start(api, key), 403, "scope-missing")


def test_a_key_names_groups_of_its_makers_and_says_so(api: Api) -> None:
    refused = make(api, groups=["/bank/desk"])
    assert_problem(refused, 403, "more-than-yours")
    assert "the group /bank/desk" in refused.json()["detail"]
    assert_problem(make(api, groups=["a\nb"]), 422, "invalid-request")
    made = make(api, scopes=["runs:start"], expires_in_s=600).json()
    with connect(api.settings.database_url) as connection:
        connection.execute(
            "UPDATE penstock.api_key SET groups = '{/bank/desk}', changed_at = clock_timestamp()"
        )

    def mine() -> dict[str, object]:
        answer: dict[str, object] = api.client.get(
            "/v1/me", headers={"Authorization": f"Bearer {made['key']}"}
        ).json()
        return answer

    assert within(LEARNED_S, lambda: mine().get("groups") == ["/bank/desk"])
    assert mine() == {
        "tenant": "local",
        "subject": "nightly",
        "kind": "service",
        "roles": ["analyst"],
        "groups": ["/bank/desk"],
        "scopes": ["runs:start"],
        "authenticated_by": "api_key",
        "key_id": made["id"],
        "expires_at": made["expires_at"],
    }
    assert rotate(api, made["id"]).status_code == 403, "it would tell more than the admin has"
