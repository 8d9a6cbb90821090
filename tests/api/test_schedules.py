"""Schedules over HTTP: made, seen with what is due next, changed, paused, triggered, deleted."""

from datetime import UTC, datetime

import pytest
from httpx import Response

from penstock.schemas.ids import schedule_id
from penstock.schemas.schedule.records import ScheduleFired
from tests.api.conftest import Api
from tests.api.routes_of_schedules import PLAN
from tests.api.scheduled import decided
from tests.api.test_every_route import assert_problem
from tests.views.schedules import Schedules

BODY = {**PLAN, "name": "weekdays"}


@pytest.fixture
def schedules(api: Api) -> Schedules:
    return decided(api)


def make(api: Api, **changes: object) -> Response:
    response: Response = api.client.post("/v1/schedules", json=BODY | changes, headers=api.as_("olga"))
    return response


def test_a_schedule_is_made_and_shown_with_its_next_due_times(api: Api, schedules: Schedules) -> None:
    made = make(api)
    assert made.status_code == 200, made.text
    assert made.headers["location"] == "/v1/schedules/weekdays"
    read = api.client.get("/v1/schedules/weekdays", headers=api.as_("ana"))
    assert read.headers["etag"] == '"1"'
    shown = read.json()
    assert shown == made.json()["schedule"]
    assert (shown["state"], shown["created_by"], shown["input"]) == (
        "active",
        "olga",
        {"case_id": "case-1", "note": ""},
    )
    assert (shown["catch_up"], shown["fired"], shown["last_run_ids"]) == ("last", 0, [])
    due = [datetime.fromisoformat(each) for each in shown["next_due"]]
    assert len(due) == 5
    assert all((each.hour, each.minute, each.weekday() < 5) == (6, 30, True) for each in due)
    assert datetime.fromisoformat(shown["next_due_at"]) == due[0] > datetime.now(UTC)


def test_the_same_again_is_the_same_and_another_of_its_name_a_conflict(
    api: Api, schedules: Schedules
) -> None:
    assert make(api).json()["outcome"] == "applied"
    again = make(api)
    assert (again.status_code, again.json()["outcome"]) == (200, "as-it-was")
    other = make(api, priority=3)
    assert (other.status_code, other.json()["reason"]) == (409, "exists")
    assert "PUT" in other.json()["detail"]


def test_a_change_takes_the_plan_that_was_looked_at(api: Api, schedules: Schedules) -> None:
    make(api)
    path, body = "/v1/schedules/weekdays", {**PLAN, "cron": "0 12 * * *"}
    changed = api.client.put(path, json=body, headers=api.as_("olga", **{"If-Match": '"1"'}))
    assert changed.status_code == 200, changed.text
    assert (changed.json()["schedule"]["cron"], changed.json()["schedule"]["revision"]) == ("0 12 * * *", 2)
    for tag in ('"1"', '"none"', 'W/"2"'):
        late = api.client.put(path, json=body, headers=api.as_("olga", **{"If-Match": tag}))
        assert late.status_code == 412, tag
        assert late.json()["type"] == "urn:penstock:problem:schedule-moved-on"


def test_a_schedule_is_paused_triggered_resumed_and_deleted(api: Api, schedules: Schedules) -> None:
    make(api)
    path, olga = "/v1/schedules/weekdays", api.as_("olga")
    paused = api.client.post(f"{path}/pause", json={"reason": "closed"}, headers=olga).json()["schedule"]
    assert (paused["state"], paused["paused_by"], paused["pause_reason"]) == ("paused", "olga", "closed")
    assert (paused["next_due"], paused["next_due_at"]) == ([], None)
    triggered = api.client.post(f"{path}/trigger", json={}, headers=olga).json()
    assert triggered["schedule"]["last_run_ids"] == [triggered["run_id"]]
    assert triggered["schedule"]["state"] == "paused"
    resumed = api.client.post(f"{path}/resume", json={}, headers=olga).json()["schedule"]
    assert (resumed["state"], resumed["pause_reason"], len(resumed["next_due"])) == ("active", None, 5)
    gone = api.client.delete(path, headers=olga)
    assert (gone.status_code, gone.json()["schedule"]["state"]) == (200, "deleted")
    assert api.client.delete(path, headers=olga).status_code == 404
    assert api.client.post(f"{path}/trigger", json={}, headers=olga).status_code == 404
    assert api.client.get("/v1/schedules", headers=olga).json()["schedules"] == []
    (deleted,) = api.client.get("/v1/schedules?state=deleted", headers=olga).json()["schedules"]
    assert deleted["name"] == "weekdays"
    # Its name is free again.
    assert make(api, priority=3).json()["schedule"]["revision"] == 2


def test_one_key_is_one_triggered_run(api: Api, schedules: Schedules) -> None:
    make(api)
    headers = api.as_("olga", **{"Idempotency-Key": "once"})
    first, second = (
        api.client.post("/v1/schedules/weekdays/trigger", json={}, headers=headers).json() for _ in range(2)
    )
    assert first["run_id"] == second["run_id"]
    assert second["schedule"]["fired"] == 1
    path, body = "/v1/schedules/weekdays/trigger", {"reason": "other words"}
    assert_problem(api.client.post(path, json=body, headers=headers), 409, "idempotency-conflict")
    assert api.client.get("/v1/schedules/weekdays", headers=api.as_("olga")).json()["fired"] == 1


def test_a_list_goes_on_where_its_cursor_says(api: Api, schedules: Schedules) -> None:
    for name in ("a", "b", "c"):
        make(api, name=name)
    names, cursor = [], ""
    while True:
        page = api.client.get(f"/v1/schedules?limit=1{cursor}", headers=api.as_("ana")).json()
        names += [each["name"] for each in page["schedules"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert names == ["a", "b", "c"]
    other = api.client.get(f"/v1/schedules?state=paused{cursor}", headers=api.as_("ana"))
    assert other.status_code == 422


def test_what_takes_longer_is_pending_and_is_said_once(api: Api) -> None:
    headers = api.as_("olga", **{"Idempotency-Key": "slow", "Prefer": "wait=0"})
    pending = api.client.post("/v1/schedules", json=BODY, headers=headers)
    assert (pending.status_code, pending.json()["outcome"]) == (202, "pending")
    decided(api).decide()
    api.log.project()
    assert api.client.post("/v1/schedules", json=BODY, headers=headers).json()["outcome"] == "applied"
    assert len(api.log.inputs) == 1
    assert schedule_id("local", "weekdays") == api.log.inputs[0][0].entity_id


def test_whoever_made_it_is_a_requester_of_its_runs(api: Api, schedules: Schedules) -> None:
    make(api)
    answer = api.client.post("/v1/schedules/weekdays/trigger", json={}, headers=api.as_("ada")).json()
    fired = api.views.execute(
        "SELECT event -> 'requesters' FROM views.schedule_event WHERE type = %s AND event ->> 'run_id' = %s",
        (ScheduleFired.__name__, answer["run_id"]),
    ).fetchone()
    assert fired == (["olga", "ada"],)
