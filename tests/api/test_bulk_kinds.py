"""Many runs paused, continued and done again: whom each is for, and what comes of it."""

from typing import Any

from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.run.records import (
    ContinueRun,
    PauseRun,
    RunContinued,
    RunPaused,
    StartRun,
)
from tests.api.bulk import CANCEL, ask, eventually, looking_often, runs_of, shown_by_the_test
from tests.api.conftest import Api
from tests.api.key_calls import LEARNED_S, make, within
from tests.api.test_every_route import assert_problem
from tests.views.histories import failed, started

__all__ = ["looking_often", "shown_by_the_test"]
DO = {**CANCEL, "dry_run": False}


def done(api: Api, verb: str, body: dict[str, Any] = DO, **headers: str) -> dict[str, Any]:
    answer = ask(api, f"/v1/runs/{verb}", body, **headers)
    assert answer.status_code == 202, answer.text
    return eventually(api, answer.json()["bulk_id"])


def test_all_are_paused_and_only_the_paused_are_continued(api: Api) -> None:
    def judge(meta: InputMeta, body: InputBody) -> EventBody:
        if isinstance(body, PauseRun):
            return RunPaused(paused_by=meta.actor.subject, reason=body.reason)
        assert isinstance(body, ContinueRun)
        return RunContinued(continued_by=meta.actor.subject, reason=body.reason)

    first = runs_of(api, 3)
    api.log.judge = judge
    found = done(api, "pause")
    assert {each["run_id"]: each["came_of"]["type"] for each in found["done"]} == dict.fromkeys(
        first, "RunPaused"
    )
    runs_of(api, 2)
    assert ask(api, "/v1/runs/continue", CANCEL).json()["count"] == 3
    found = done(api, "continue")
    assert {each["run_id"] for each in found["done"]} == set(first)
    assert {meta.actor.kind for meta, _ in api.log.inputs} == {"person"}


def test_a_service_pauses_nobody_and_cancels_in_its_own_kind(api: Api) -> None:
    runs_of(api, 1)
    key = make(api, roles=["operator"]).json()["key"]
    own = {"Authorization": f"Bearer {key}"}
    assert within(5 * LEARNED_S, lambda: api.client.get("/v1/me", headers=own).status_code == 200)
    assert_problem(api.client.post("/v1/runs/pause", json=DO, headers=own), 403, "people-only")
    bulk_id = api.client.post("/v1/runs/cancel", json=DO, headers=own).json()["bulk_id"]
    eventually(api, bulk_id)
    assert [meta.actor.kind for meta, _ in api.log.inputs] == ["service"]


def test_failed_runs_are_done_again_once_each_as_new_runs(api: Api) -> None:
    runs = runs_of(api, 4)
    for run_id in runs[:3]:
        api.tell(run_id, failed())
    wrong = ask(api, "/v1/runs/retry", {**DO, "filter": {"all": True, "status": "cancelled"}})
    assert_problem(wrong, 422, "invalid-request")

    def judge(meta: InputMeta, body: InputBody) -> EventBody:
        assert isinstance(body, StartRun)
        return started(requester=meta.actor.subject, retry_of=body.retry_of)

    api.log.judge = judge
    found: dict[str, Any] = {}
    for _ in range(2):
        found = done(api, "retry", Idempotency_Key="again")
        assert [each["run_id"] for each in found["done"]] == runs[2::-1]
        assert [each["came_of"]["type"] for each in found["done"]] == ["RunStarted"] * 3
    asked = {body.retry_of: meta.entity_id for meta, body in api.log.inputs if isinstance(body, StartRun)}
    assert asked == {each["run_id"]: each["new_run_id"] for each in found["done"]}
    assert len(api.log.inputs) == 3
