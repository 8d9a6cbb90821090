"""Waiting for what a run comes to: until it ends, the time is over, or the client has gone; and how many may."""

import asyncio
from collections.abc import Collection, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from fastapi import Request

from penstock.api.problems import Problem
from penstock.api.views import Views, database_away
from penstock.api.waiting_room import WaitingRoom
from penstock.schemas.canonical import json_payload
from penstock.schemas.run.records import RunCancelled, RunCompleted
from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem
from tests.views.histories import asked, failed, new_run, started

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
PATH = f"/v1/runs/{RUN}/result"


def test_a_result_takes_credentials_a_role_and_a_run_of_the_tenants(api: Api) -> None:
    api.tell(RUN, started())
    assert_problem(api.client.get(PATH), 401, "unauthenticated")
    assert_problem(api.client.get(PATH, headers=api.as_("nobody")), 403, "forbidden")
    for wait_s in ("0", "30"):
        other = api.client.get(f"{PATH}?wait_s={wait_s}", headers=api.as_("mallory"))
        assert_problem(other, 404, "not-found")
    for wait_s in ("-1", "31", "nan", "inf", "x", ""):
        response = api.client.get(f"{PATH}?wait_s={wait_s}", headers=api.as_("ana"))
        assert_problem(response, 422, "invalid-request")


def test_a_run_that_goes_on_has_no_result_yet(api: Api) -> None:
    api.tell(RUN, started(), asked(RUN, 1))
    response = api.client.get(f"{PATH}?wait_s=0.3", headers=api.as_("ana"))
    assert (response.status_code, response.json()["status"]) == (202, "waiting_approval")
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["result"] is None


@pytest.mark.parametrize(
    ("end", "status", "result", "kind"),
    [
        (
            RunCompleted(result=json_payload({"decision": "refund"})),
            "completed",
            {"decision": "refund"},
            None,
        ),
        (failed(), "failed", None, "CaseClosed"),
        (RunCancelled(reason="withdrawn"), "cancelled", None, "cancelled"),
    ],
)
def test_an_end_is_the_answer_whatever_it_is(
    api: Api, end: Any, status: str, result: object, kind: str | None
) -> None:
    api.tell(RUN, started(), end)
    response = api.client.get(f"{PATH}?wait_s=30", headers=api.as_("ana"))
    found = response.json()
    assert (response.status_code, found["status"], found["result"]) == (200, status, result)
    assert (found["error"] or {}).get("kind") == kind
    assert response.headers["etag"] == '"2"'


def test_many_wait_without_a_connection_each_and_all_are_told(api: Api) -> None:
    api.tell(RUN, started())
    with ThreadPoolExecutor(24) as threads:
        waiting = [
            threads.submit(api.client.get, f"{PATH}?wait_s=30", headers=api.as_("ana")) for _ in range(24)
        ]
        # Three times as many as the API has connections wait, and others are still answered.
        assert api.client.get("/v1/runs", headers=api.as_("ana")).status_code == 200
        api.tell(RUN, RunCompleted(result=json_payload("done")))
        assert {each.result(25).json()["result"] for each in waiting} == {"done"}


def test_a_client_that_leaves_is_let_go(api: Api) -> None:
    api.tell(RUN, started())
    sent: list[Mapping[str, Any]] = []

    async def scenario() -> None:
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": b"", "more_body": False},
            {"type": "http.disconnect"},
        ]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        headers = [(name.lower().encode(), value.encode()) for name, value in api.as_("ana").items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": PATH,
            "raw_path": PATH.encode(), "query_string": b"wait_s=30", "headers": headers, "scheme": "http",
            "server": ("test", 80), "client": ("test", 1), "root_path": "",
        }  # fmt: skip
        async with asyncio.timeout(20):
            await api.app(scope, receive, send)

    asyncio.run(scenario())
    assert sent[0]["status"] == 202


class FakeViews:
    """Views in which runs end when a test says so."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.asked: list[Collection[str]] = []
        self.away = False

    async def ask(self, select: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.asked.append(values["run_ids"])
        if self.away:
            raise database_away(TimeoutError())
        return [{"run_id": each} for each in values["run_ids"] if each in self.ended]


class FakeRequest:
    """A request whose client leaves when a test says so."""

    def __init__(self) -> None:
        self.leaves = asyncio.Event()

    async def receive(self) -> Mapping[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}


def room_of(views: FakeViews, places_max: int = 4) -> WaitingRoom:
    return WaitingRoom(cast(Views, views), places_max)


def waiter(room: WaitingRoom, request: FakeRequest, tenant: str, run_id: str) -> "asyncio.Task[None]":
    return asyncio.create_task(room.wait(cast(Request, request), tenant, run_id, 60))


def test_places_are_bounded_and_half_of_them_a_tenants() -> None:
    async def scenario() -> None:
        room = room_of(FakeViews())
        request = FakeRequest()
        waiting = [waiter(room, request, tenant, new_run()) for tenant in ("a", "a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as found:
            await waiter(room, request, "a", RUN)
        assert (found.value.status_code, found.value.slug) == (503, "waiting-room-full")
        waiting.append(waiter(room, request, "b", RUN))
        await asyncio.sleep(0)
        with pytest.raises(Problem):
            await waiter(room, request, "c", RUN)
        assert room.taken == 4
        request.leaves.set()
        await asyncio.gather(*waiting)
        assert room.taken == 0

    asyncio.run(scenario())


def test_one_query_asks_for_all_and_none_is_made_when_nobody_waits() -> None:
    async def scenario() -> None:
        views, request = FakeViews(), FakeRequest()
        room = room_of(views)
        views.away = True
        waiting = [waiter(room, request, tenant, run) for tenant, run in (("a", "1"), ("a", "2"), ("b", "2"))]
        while len(views.asked) < 2:
            await asyncio.sleep(0.01)
        assert sorted(views.asked[-1]) == ["1", "2"]
        views.away = False
        views.ended = {"2"}
        async with asyncio.timeout(20):
            await asyncio.gather(*waiting[1:])
        assert not waiting[0].done()
        assert room.taken == 1
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert room.taken == 0
        looking = room._looking
        assert looking is not None
        async with asyncio.timeout(20):
            await looking

    asyncio.run(scenario())
