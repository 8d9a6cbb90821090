"""Bulk operations whose process dies, whose log is away, or that are stopped: nobody is told twice."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from penstock import Application
from penstock.api import bulk_driving
from penstock.api.app import create_app
from penstock.api.inbox import Inbox
from tests.api.bulk import (
    CANCEL,
    ask,
    eventually,
    looking_often,
    runs_of,
    shown_by_the_test,
    told,
)
from tests.api.conftest import Api, case_review

__all__ = ["looking_often", "shown_by_the_test"]


class Died(Exception):
    """The process is no more."""


def failing_after(count: int, whole: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    said = 0

    async def say(self: Inbox, caller: object, speak: object) -> object:
        nonlocal said
        said += 1
        if said > count:
            raise error
        return await whole(self, caller, speak)

    return say


def test_another_process_takes_up_what_one_left_in_the_middle(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = runs_of(api, 30)
    whole = Inbox.say
    # It dies between what it said and what it noted: its task ends as if the process had.
    monkeypatch.setattr(Inbox, "say", failing_after(10, whole, Died()))
    monkeypatch.setattr(bulk_driving.BulkDriver, "_driven", dying(bulk_driving.BulkDriver._driven))
    bulk_id = ask(api, "/v1/runs/cancel", {**CANCEL, "dry_run": False}).json()["bulk_id"]
    until = time.monotonic() + 30
    while len(api.log.inputs) < 10:
        assert time.monotonic() < until
        time.sleep(0.02)
    left = api.client.get(f"/v1/bulk/{bulk_id}", headers=api.as_("olga")).json()
    assert left["status"] == "running"
    assert left["runs"]["saying"] > 0
    api.views.execute(b"UPDATE penstock.bulk SET lease_until = now() - interval '1 s'")
    monkeypatch.undo()
    monkeypatch.setattr(bulk_driving, "LOOK_EVERY_S", 0.05)
    other = create_app(api.settings, log=api.log, application=Application("tests", workflows=(case_review,)))
    with TestClient(other):
        found = eventually(api, bulk_id)
    assert found["runs"] == {"said": 30}
    assert sorted(each["run_id"] for each in found["done"]) == sorted(runs)
    assert told(api) == dict.fromkeys(runs, 1)


def dying(whole: Callable[..., Any]) -> Callable[..., Any]:
    async def driven(self: Any, bulk: Any, place: Any) -> None:
        try:
            await self._drive(bulk, place)
        except Died:
            return

    return driven


def test_a_log_that_is_away_is_waited_for(api: Api) -> None:
    runs = runs_of(api, 9)
    api.log.go_away()
    bulk_id = ask(api, "/v1/runs/cancel", {**CANCEL, "dry_run": False}).json()["bulk_id"]
    time.sleep(0.5)
    api.log.come_back()
    assert eventually(api, bulk_id)["runs"] == {"said": 9}
    assert told(api) == dict.fromkeys(runs, 1)


def test_a_stopped_operation_tells_nobody_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_of(api, 30)
    whole = Inbox.say
    stopped: list[Response] = []

    async def say(self: Inbox, caller: Any, speak: Any) -> object:
        if not stopped and len(api.log.inputs) >= 3:
            # As another process does it.
            api.views.execute(b"UPDATE penstock.bulk SET status = 'stopped', stopped_by = 'sam'")
            stopped.append(Response(200))
        return await whole(self, caller, speak)

    monkeypatch.setattr(Inbox, "say", say)
    left, driven = threading.Event(), bulk_driving.BulkDriver._driven

    async def followed(self: bulk_driving.BulkDriver, bulk: Any, place: Any) -> None:
        await driven(self, bulk, place)
        left.set()

    monkeypatch.setattr(bulk_driving.BulkDriver, "_driven", followed)
    bulk_id = ask(api, "/v1/runs/cancel", {**CANCEL, "dry_run": False}).json()["bulk_id"]
    assert left.wait(60)
    found = eventually(api, bulk_id, "stopped")
    # The page that was under way is told to its end, and shown.
    assert found["runs"]["said"] == len(told(api)) == 7
    assert found["stopped_by"] == "sam"
