"""Webhooks over HTTP: what is shown, recorded and refused beside what holds for every route."""

import json
from typing import Any

import pytest
from httpx import Response

from penstock.api.webhook_changes import WebhookChanges
from penstock.producers.signing import Keyring
from penstock.runtime.webhook_secrets import unseal
from penstock.runtime.webhooks import KINDS, WEBHOOKS_TENANT_MAX
from tests.api.conftest import Api
from tests.api.key_calls import detail_of, recorded
from tests.api.routes_of_webhooks import NEW
from tests.api.test_every_route import assert_problem


def call(
    api: Api, method: str, path: str = "", body: object = None, who: str = "olga", **headers: str
) -> Response:
    answer: Response = api.client.request(
        method, f"/v1/webhooks{path}", json=body, headers=api.as_(who, **headers)
    )
    return answer


def sealed(api: Api) -> Any:
    return api.views.execute("SELECT secret, secret_before FROM penstock.webhook").fetchone()


def test_a_secret_is_told_once_and_kept_sealed_and_two_are_good_during_a_rotation(api: Api) -> None:
    made = call(api, "POST", body=NEW | {"reason": "for the desk"}).json()
    keyring = Keyring.load(api.settings.keys_file)
    assert unseal(keyring, made["id"], sealed(api)[0]) == made["secret"]
    rotated = call(api, "POST", f"/{made['id']}/rotate", {"grace_s": 60}).json()
    assert [unseal(keyring, made["id"], each) for each in sealed(api)] == [rotated["secret"], made["secret"]]
    shown = json.dumps([call(api, "GET").json(), call(api, "GET", f"/{made['id']}").json()])
    said = recorded(api)
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in shown
        assert not any(secret in str(detail_of(each)) for each in said)
    assert [(each.action, each.target, each.reason) for each in said] == [
        ("webhook.create", made["id"], "for the desk"),
        ("webhook.rotate", made["id"], ""),
    ]
    assert detail_of(said[0])["host"] == "hooks.example.com"
    assert not any("/penstock" in str(detail_of(each)) for each in said), "a path may be a secret too"


def test_a_change_takes_what_was_seen(api: Api) -> None:
    made = call(api, "POST", body=NEW)
    path, seen = f"/{made.json()['id']}", made.headers["etag"]
    changed = call(api, "PATCH", path, {"kinds": ["run.ended", "run.ended"]}, **{"If-Match": seen})
    assert (changed.json()["kinds"], changed.json()["url"]) == (["run.ended"], NEW["url"])
    assert changed.headers["etag"] != seen
    late = call(api, "PATCH", path, {"kinds": list(KINDS)}, **{"If-Match": seen})
    assert_problem(late, 412, "webhook-moved-on")
    assert late.headers["etag"] == changed.headers["etag"]
    assert call(
        api, "PATCH", path, {"kinds": list(KINDS)}, **{"If-Match": f'"0", {late.headers["etag"]}'}
    ).is_success
    assert [each.action for each in recorded(api)] == ["webhook.create"] + 2 * ["webhook.change"]


DONE = (("POST", "/rotate"), ("POST", "/disable"), ("POST", "/enable"), ("DELETE", ""))


@pytest.mark.parametrize(("method", "what"), DONE)
def test_what_is_done_to_it_takes_what_was_seen_too(api: Api, method: str, what: str) -> None:
    path = f"/{call(api, 'POST', body=NEW).json()['id']}"
    if what == "/enable":
        call(api, "POST", f"{path}/disable")
    seen = call(api, "PATCH", path, {"description": "the desk's"}).headers["etag"]
    before, said = sealed(api), recorded(api)
    late = call(api, method, path + what, **{"If-Match": '"1"'})
    assert_problem(late, 412, "webhook-moved-on")
    assert (late.headers["etag"], sealed(api), recorded(api)) == (seen, before, said)
    assert call(api, method, path + what, **{"If-Match": seen}).is_success
    assert len(recorded(api)) == len(said) + 1


@pytest.mark.parametrize(("method", "what"), DONE)
def test_who_is_overtaken_after_the_look_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, method: str, what: str
) -> None:
    path = f"/{call(api, 'POST', body=NEW).json()['id']}"
    if what == "/enable":
        call(api, "POST", f"{path}/disable")
    seen, before = call(api, "GET", path), sealed(api)
    record = WebhookChanges._record

    async def overtaken(*words: Any, **named: Any) -> int:
        api.views.execute("UPDATE penstock.webhook SET version = version + 1")
        return await record(*words, **named)

    monkeypatch.setattr(WebhookChanges, "_record", overtaken)
    late = call(api, method, path + what, **{"If-Match": seen.headers["etag"]})
    assert_problem(late, 412, "webhook-moved-on")
    now = call(api, "GET", path)
    assert (now.json()["state"], sealed(api)) == (seen.json()["state"], before)
    assert now.headers["etag"] == late.headers["etag"] != seen.headers["etag"]


def test_a_disabled_one_takes_no_test_and_says_who_disabled_it(api: Api) -> None:
    made = call(api, "POST", body=NEW).json()
    path = f"/{made['id']}"
    tested = call(api, "POST", f"{path}/test").json()
    off = call(api, "POST", f"{path}/disable", {"reason": "noise"}).json()
    assert (off["state"], off["disabled_reason"]) == ("disabled", "olga: noise")
    assert_problem(call(api, "POST", f"{path}/test"), 409, "webhook-disabled")
    again = call(api, "POST", f"{path}/deliveries/{tested['id']}/redeliver")
    assert_problem(again, 409, "webhook-disabled")
    on = call(api, "POST", f"{path}/enable").json()
    assert (on["state"], on["disabled_reason"]) == ("active", None)


def test_deliveries_are_paged_newest_first_and_filtered(api: Api) -> None:
    made = call(api, "POST", body=NEW).json()
    path = f"/{made['id']}"
    filed = [call(api, "POST", f"{path}/test").json()["id"] for _ in range(5)]
    first = call(api, "GET", f"{path}/deliveries?limit=3").json()
    rest = call(api, "GET", f"{path}/deliveries?limit=3&cursor={first['next_cursor']}").json()
    assert [each["id"] for each in (*first["deliveries"], *rest["deliveries"])] == filed[::-1]
    assert rest["next_cursor"] is None
    assert json.loads(first["deliveries"][0]["body"])["type"] == "webhook.test"
    assert call(api, "GET", f"{path}/deliveries?status=failed").json()["deliveries"] == []
    api.views.execute(
        "UPDATE penstock.webhook_delivery SET status = 'failed', ended_at = now() WHERE event_id = %s",
        filed[:1],
    )
    assert call(api, "POST", f"{path}/deliveries/{filed[0]}/redeliver").status_code == 202
    found = call(api, "GET", f"{path}/deliveries?status=waiting").json()["deliveries"]
    assert found[0]["id"] == filed[0], "it is filed anew"
    assert call(api, "DELETE", path).status_code == 204
    assert api.views.execute("SELECT count(*) FROM penstock.webhook_delivery").fetchone() == (0,)


def test_with_the_log_away_nothing_is_done_and_a_tenant_has_so_many_at_most(api: Api) -> None:
    made = [call(api, "POST", body=NEW).json()["id"] for _ in range(WEBHOOKS_TENANT_MAX)]
    assert_problem(call(api, "POST", body=NEW), 409, "too-many-webhooks")
    assert call(api, "POST", body=NEW, who="mallory").status_code == 201
    api.log.go_away()
    for method, path in (("DELETE", ""), ("POST", "/disable"), ("POST", "/rotate")):
        assert_problem(call(api, method, f"/{made[0]}{path}"), 503, "log-away")
    api.log.come_back()
    shown = call(api, "GET").json()["webhooks"]
    assert [(each["id"], each["state"], each["version"]) for each in shown] == [
        (each, "active", 1) for each in made
    ]
