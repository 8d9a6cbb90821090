"""A run is known by its receipt at a process that neither took its start nor sees it in the views."""

import threading
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from penstock import Application
from penstock.api.app import create_app
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import RUN_INBOX
from tests.api.conftest import Api, case_review, look_up
from tests.api.dead import RUN
from tests.api.dead import start as start_record
from tests.api.test_case_reviews import starting
from tests.api.test_every_route import assert_problem

BODY = {"workflow": "case-review", "input": {"case_id": "case-1"}}


@pytest.fixture
def other(api: Api) -> Iterator[TestClient]:
    """Another process of the same API."""
    application = Application("tests", workflows=(case_review,), tools=(look_up,))
    app = create_app(api.settings, log=api.log, application=application, acknowledged_s=0.5, effect_s=0.2)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def accepted(api: Api) -> tuple[str, str]:
    """A run that the views don't show, and its receipt."""
    said = api.client.post("/v1/runs", json=BODY, headers=api.as_("ana")).json()
    return said["run_id"], said["receipt"]


def test_every_link_of_a_start_leads_to_the_run_at_any_process(api: Api, other: TestClient) -> None:
    said = api.client.post("/v1/runs", json=BODY, headers=api.as_("ana"))
    run_id, to, ana = said.json()["run_id"], said.json()["links"], api.as_("ana")
    assert said.headers["location"] == to["self"]
    assert_problem(other.get(f"/v1/runs/{run_id}", headers=ana), 404, "not-found")
    shown, result = (other.get(to[name], headers=ana) for name in ("self", "result"))
    assert (shown.json()["status"], shown.json()["links"]) == ("accepted", to)
    assert (result.status_code, result.json()["links"]) == (202, to)
    assert other.get(to["events"], headers=ana).json()["events"] == []
    cancelled = other.post(to["cancel"], json={"reason": "no"}, headers=ana)
    assert (cancelled.status_code, cancelled.json()["outcome"]) == (202, "pending")
    for verb in ("pause", "continue"):
        behind = other.post(to[verb], json={"reason": "why"}, headers=api.as_("olga"))
        assert_problem(behind, 503, "not-shown-yet")
    assert_problem(other.post(to["retry"], json={}, headers=api.as_("olga")), 503, "not-shown-yet")


def test_every_link_of_a_review_does(api: Api, other: TestClient) -> None:
    said = api.client.post("/case-review", json=BODY["input"], headers=api.as_("ana"))
    to, ana = said.json()["links"], api.as_("ana")
    assert said.headers["location"] == to["self"]
    shown = other.get(to["self"], headers=ana).json()
    assert (shown["status"], shown["links"]) == ("accepted", to)
    assert other.post(to["cancel"], json={"reason": "no"}, headers=ana).json()["outcome"] == "pending"
    assert other.get(to["events"], headers=ana).status_code == 200


def test_the_same_start_again_has_the_same_receipt_until_the_views_show_it_elsewhere(
    api: Api, other: TestClient
) -> None:
    starting(api)
    ana = api.as_("ana", **{"Idempotency-Key": "one"})
    first = api.client.post("/v1/runs", json=BODY, headers=ana).json()
    assert api.client.post("/v1/runs", json=BODY, headers=ana).json() == first
    shown = other.post("/v1/runs", json=BODY, headers=ana).json()
    assert (shown["run_id"], shown["receipt"]) == (first["run_id"], None)
    assert shown["links"]["self"] == f"/v1/runs/{first['run_id']}"


def test_a_receipt_is_of_no_use_to_another_tenant_nor_for_another_run(api: Api, other: TestClient) -> None:
    (one, receipt), (two, _) = accepted(api), accepted(api)
    mallory = api.as_("mallory")
    assert_problem(other.get(f"/v1/runs/{one}?receipt={receipt}", headers=mallory), 404, "not-found")
    assert_problem(other.get(f"/v1/runs/{two}?receipt={receipt}", headers=api.as_("ana")), 404, "not-found")
    assert_problem(other.get(f"/v1/runs/none?receipt={receipt}", headers=api.as_("ana")), 404, "not-found")


@pytest.mark.parametrize("moved", ["{p}.999999", "{q}.{o}", "999999.{o}", "{p}.999999999999999999"])
def test_a_place_where_its_start_does_not_stand_tells_nothing(
    api: Api, other: TestClient, moved: str
) -> None:
    run_id, receipt = accepted(api)
    partition, _, offset = receipt.partition(".")
    elsewhere = moved.format(p=partition, q=int(partition) ^ 1, o=offset)
    found = other.get(f"/v1/runs/{run_id}?receipt={elsewhere}", headers=api.as_("ana"))
    assert_problem(found, 404, "not-found")


@pytest.mark.parametrize("receipt", ["", "1", "1.", ".1", "1.1.1", "-1.0", "1.x", "١.١", "1." + "9" * 19])
def test_what_is_no_receipt_is_said_so(api: Api, receipt: str) -> None:
    run_id, _ = accepted(api)
    params = {"receipt": receipt}
    found = api.client.get(f"/v1/runs/{run_id}", params=params, headers=api.as_("ana"))
    assert_problem(found, 422, "invalid-request")


@pytest.mark.parametrize(
    ("authority", "status"), [(Authority.API, 200), (Authority.TIMERS, 404), (Authority.NONE, 404)]
)
def test_a_start_that_its_runner_will_not_take_is_no_run(
    api: Api, other: TestClient, authority: Authority, status: int
) -> None:
    """Whoever can write to the topic can write records that look like starts."""
    keyring = Keyring.load(api.settings.keys_file)
    forged = start_record(keyring, authority=Authority.API if authority is Authority.NONE else authority)
    if authority is Authority.NONE:
        forged = type(forged)(forged.topic, forged.key, forged.value, ())
    (record,) = api.log.append([forged])
    found = other.get(f"/v1/runs/{RUN}?receipt={record.partition}.{record.offset}", headers=api.as_("ana"))
    assert found.status_code == status


def test_what_cannot_be_read_is_no_run(api: Api, other: TestClient) -> None:
    run_id, _ = accepted(api)
    partition = partition_of(run_id.encode(), api.log.partitions(RUN_INBOX))
    noise = start_record(Keyring.load(api.settings.keys_file))
    (record,) = api.log.append([type(noise)(RUN_INBOX, run_id.encode(), b"\0noise", (), partition)])
    found = other.get(f"/v1/runs/{run_id}?receipt={partition}.{record.offset}", headers=api.as_("ana"))
    assert_problem(found, 404, "not-found")


def test_a_log_that_does_not_answer_is_said_so_and_holds_nobody_else(
    api: Api, other: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, receipt = accepted(api)
    back = threading.Event()
    monkeypatch.setattr(type(api.log), "read", lambda *_: iter(()) if back.wait(10) else None)
    for _ in range(3):
        found = other.get(f"/v1/runs/{run_id}?receipt={receipt}", headers=api.as_("ana"))
        assert_problem(found, 503, "log-away")
        assert found.headers["retry-after"] == "5"
    assert other.post("/v1/runs", json=BODY, headers=api.as_("ana")).status_code == 202
    back.set()
