"""What a schedule's decider failed on: seen, released and given up over HTTP, and who did it is recorded."""

from tests.api.conftest import Api
from tests.api.scheduled import decided, failing, tell_of_a_parked_input
from tests.views.schedules import PLAN

PATH = "/v1/schedules/nightly/parked-inputs"


def test_a_parked_input_is_seen_released_once_and_the_next_given_up(api: Api) -> None:
    ids = tell_of_a_parked_input(api)
    olga = api.as_("olga", **{"Idempotency-Key": "once"})
    shown = api.client.get(PATH, headers=api.as_("ana")).json()["parked_inputs"]
    assert [each["input_id"] for each in shown] == [ids["parked"], ids["behind"]]
    assert "a bad deploy" in shown[0]["error"]["message"]
    assert api.client.get("/v1/schedules/nightly", headers=olga).json()["parked_inputs"] == list(ids.values())

    late = api.client.post(
        f"{PATH}/{ids['behind']}/release", json={"reason": "mended"}, headers=api.as_("olga")
    )
    assert (late.status_code, late.json()["reason"]) == (409, "not_the_oldest")
    gone = api.client.post(
        f"{PATH}/{ids['behind']}/discard", json={"reason": "twice"}, headers=api.as_("olga")
    )
    assert gone.json()["schedule"]["parked_inputs"] == [ids["parked"]]
    path, body = f"{PATH}/{ids['parked']}/release", {"reason": "mended"}
    first, again = (api.client.post(path, json=body, headers=olga) for _ in range(2))
    assert first.status_code == 200, first.text
    assert (first.json()["outcome"], first.json()["schedule"]["parked_inputs"]) == ("applied", [])
    assert first.json()["schedule"]["fired"] == 1
    assert again.json() == first.json()
    assert api.client.post(path, json=body, headers=api.as_("olga")).status_code == 404

    actions = api.client.get("/v1/operator-actions", headers=olga).json()["actions"]
    assert [(a["action"], a["target"], a["reason"], a["actor"]["subject"]) for a in reversed(actions)] == [
        ("parked-input.release", ids["behind"], "mended", "olga"),
        ("parked-input.discard", ids["behind"], "twice", "olga"),
        ("parked-input.release", ids["parked"], "mended", "olga"),
    ]


def test_a_trigger_that_was_parked_has_its_run_once_it_is_released(api: Api) -> None:
    decided(api).client().create("nightly", PLAN)
    key, asked = api.as_("olga", **{"Idempotency-Key": "tonight"}), {"reason": "a check"}
    trigger = "/v1/schedules/nightly/trigger"
    with failing():
        parked = api.client.post(trigger, json=asked, headers=key).json()
    assert (parked["outcome"], "run_id" in parked) == ("parked", False)
    release = f"{PATH}/{parked['input_id']}/release"
    assert api.client.post(release, json={"reason": "mended"}, headers=api.as_("olga")).status_code == 200
    again = api.client.post(trigger, json=asked, headers=key).json()
    assert again["outcome"] == "applied"
    assert again["run_id"] in again["schedule"]["last_run_ids"]


def test_what_takes_longer_is_pending(api: Api) -> None:
    ids = tell_of_a_parked_input(api)
    api.log.decide_schedules = lambda: None
    headers = api.as_("olga", Prefer="wait=0")
    asked = api.client.post(f"{PATH}/{ids['parked']}/release", json={}, headers=headers)
    assert (asked.status_code, asked.json()["outcome"]) == (202, "pending")
    api.log.project()
    (action,) = api.client.get("/v1/operator-actions", headers=headers).json()["actions"]
    assert (action["target"], action["detail"]["schedule"]) == (ids["parked"], "nightly")
