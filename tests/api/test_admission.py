"""How many runs may be open: who is refused, by what is known, and who isn't."""

import pytest
from httpx import Response

from penstock.api import admission as module
from penstock.schemas.canonical import json_payload
from penstock.schemas.ids import run_id
from penstock.schemas.run.records import RunCompleted
from tests.api.conftest import Api
from tests.api.test_case_reviews import start, starting
from tests.api.test_every_route import assert_problem

TENANT_MAX = 2
TOTAL_MAX = 3


@pytest.fixture
def set_up() -> dict[str, int]:
    return {"open_runs_tenant_max": TENANT_MAX, "open_runs_total_max": TOTAL_MAX}


@pytest.fixture(autouse=True)
def counted_at_each_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNT_EVERY_S", 0)
    monkeypatch.setattr(module, "_PAUSE_FACTOR", 0)


def test_a_tenant_that_is_full_is_told_so_and_another_goes_on(api: Api) -> None:
    starting(api)
    assert [start(api, key).status_code for key in ("a", "b")] == [202, 202]
    refused = start(api, "c")
    assert_problem(refused, 429, "too-many-open-runs")
    _says_what_to_do(refused, "PENSTOCK_OPEN_RUNS_TENANT_MAX")
    assert start(api, "a", who="mallory").status_code == 202
    assert len(api.log.inputs) == 3, "nothing was said for whom there was no room"


def test_a_full_installation_says_so(api: Api) -> None:
    starting(api)
    for key, who in (("a", "ana"), ("b", "ana"), ("c", "mallory")):
        assert start(api, key, who=who).status_code == 202
    refused = start(api, "d", who="mallory")
    assert_problem(refused, 503, "installation-full")
    _says_what_to_do(refused, "PENSTOCK_OPEN_RUNS_TOTAL_MAX")


def test_a_repeat_is_never_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    starting(api)
    first = [start(api, key).json() for key in ("a", "b")]
    assert start(api, "c").status_code == 429
    assert [start(api, key).json() for key in ("a", "b")] == first
    # Another process knows of them only what the views say.
    monkeypatch.setattr("penstock.api.accepted.AcceptedRuns.get", lambda *_: None)
    ids = [each["task_id"] for each in first]
    assert [start(api, key).json()["task_id"] for key in ("a", "b")] == ids
    assert len(api.log.inputs) == 2


def test_a_run_that_ends_makes_room(api: Api) -> None:
    starting(api)
    for key in ("a", "b"):
        start(api, key)
    assert start(api, "c").status_code == 429
    api.tell(run_id("local", "a"), RunCompleted(result=json_payload("done")))
    assert start(api, "c").status_code == 202
    assert start(api, "d").status_code == 429


def test_starts_that_the_views_do_not_show_count_too(api: Api) -> None:
    for key in ("a", "b"):
        assert start(api, key).status_code == 202
    assert_problem(start(api, "c"), 429, "too-many-open-runs")


def test_a_start_that_the_log_does_not_take_leaves_its_room(api: Api) -> None:
    api.log.go_away()
    for key in ("a", "b", "c"):
        assert_problem(start(api, key), 503, "log-away")
    api.log.come_back()  # or the API's end waits for what is under way


def _says_what_to_do(response: Response, setting: str) -> None:
    assert int(response.headers["retry-after"]) > 0
    for words in (setting, "open runs", "same Idempotency-Key"):
        assert words in response.json()["detail"]
