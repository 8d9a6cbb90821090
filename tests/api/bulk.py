"""What tests of bulk operations share."""

import threading
import time
from collections import Counter
from typing import Any

import pytest
from httpx import Response

from penstock.api import bulk_driving
from penstock.schemas.run.records import CancelRun, SignalRun
from tests.api.conftest import Api
from tests.views.histories import new_run, started

CANCEL: dict[str, Any] = {"filter": {"workflow": "case-review"}, "reason": "a bad deploy"}


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_driving, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(bulk_driving, "AGAIN_S", 0.05)
    monkeypatch.setattr(bulk_driving, "PAGE_RUNS", 7)
    monkeypatch.setattr(bulk_driving, "TOLD_AT_ONCE", 3)


@pytest.fixture(autouse=True)
def shown_by_the_test(api: Api) -> None:
    """What is said in other threads is projected by the test alone: the views have one writer."""
    whole, own = api.log.project, threading.current_thread()
    api.log.project = lambda: whole() if threading.current_thread() is own else None


def runs_of(api: Api, count: int, workflow: str = "case-review") -> list[str]:
    runs = [new_run() for _ in range(count)]
    for run in runs:
        api.log.historian.write(run, started(workflow=workflow))
    api.log.project()
    return runs


def ask(api: Api, path: str, body: dict[str, Any], who: str = "olga", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Response = api.client.post(path, json=body, headers=api.as_(who, **named))
    return response


def eventually(api: Api, bulk_id: str, status: str = "done") -> dict[str, Any]:
    until, path = time.monotonic() + 60, f"/v1/bulk/{bulk_id}?limit=500"
    while True:
        api.log.project()
        found: dict[str, Any] = api.client.get(
            f"/v1/bulk/{bulk_id}?limit=500", headers=api.as_("olga")
        ).json()
        if found["status"] == status:
            # What it said last may have come after the look at the log.
            api.log.project()
            last: dict[str, Any] = api.client.get(path, headers=api.as_("olga")).json()
            return last
        assert time.monotonic() < until, found
        time.sleep(0.05)


def told(api: Api) -> Counter[str]:
    """How many different inputs each run got."""
    ids = {
        (meta.entity_id, meta.id) for meta, body in api.log.inputs if isinstance(body, CancelRun | SignalRun)
    }
    return Counter(run_id for run_id, _ in ids)
