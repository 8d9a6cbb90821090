"""How many requests there are at once, and how long a body may take."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from penstock.api.limits import BodyLimit, RequestLimit
from penstock.api.problems import Problem, answer_of

ANA = {"Authorization": "Bearer psk_ana_1"}
MALLORY = {"Authorization": "Bearer psk_mallory_2"}


def _waiting(goes_on: asyncio.Event) -> Starlette:
    async def wait(request: Request) -> Response:
        await goes_on.wait()
        return JSONResponse({})

    async def live(request: Request) -> Response:
        return JSONResponse({})

    return Starlette(routes=[Route("/wait", wait), Route("/health/live", live)])


def _client(limit: RequestLimit) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(limit), base_url="http://test")


def test_a_caller_has_half_of_the_requests_and_leaves_the_rest_to_others() -> None:
    async def scenario() -> None:
        goes_on = asyncio.Event()
        async with _client(RequestLimit(_waiting(goes_on), 4)) as client:
            waiting = [asyncio.create_task(client.get("/wait", headers=MALLORY)) for _ in range(2)]
            await asyncio.sleep(0.01)
            refused = await client.get("/wait", headers=MALLORY)
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) > 0
            assert "PENSTOCK_API_REQUESTS_MAX" in refused.json()["detail"]
            waiting += [asyncio.create_task(client.get("/wait", headers=ANA)) for _ in range(2)]
            await asyncio.sleep(0.01)
            assert (await client.get("/wait", headers={"Authorization": "other"})).status_code == 503
            assert (await client.get("/health/live")).status_code == 200
            goes_on.set()
            assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200] * 4
            assert (await client.get("/wait", headers=MALLORY)).status_code == 200

    asyncio.run(scenario())


def test_a_request_that_fails_leaves_its_place() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("as an application may")

    async def scenario() -> None:
        limit = RequestLimit(fails, 2)
        async with _client(limit) as client:
            for _ in range(3):
                with pytest.raises(RuntimeError, match="as an application may"):
                    await client.get("/wait", headers=ANA)

    asyncio.run(scenario())


async def _reads(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await Request(scope, receive).body()
    except Problem as problem:
        await answer_of(problem, scope["path"])(scope, receive, send)
    else:
        await JSONResponse({"length": len(body)})(scope, receive, send)


def test_whose_body_does_not_come_gives_way_to_whose_does() -> None:
    """Nobody has looked at credentials by then: each may name others."""

    async def scenario() -> None:
        limit = RequestLimit(BodyLimit(_reads), 4)
        goes_on = asyncio.Event()

        async def later() -> AsyncIterator[bytes]:
            yield b"x"
            await goes_on.wait()
            yield b"y"

        async with _client(limit) as client:
            slow = [
                asyncio.create_task(
                    client.post("/", content=later(), headers={"Authorization": f"Bearer {n}"})
                )
                for n in range(4)
            ]
            await asyncio.sleep(0.01)
            quick = await client.post("/", content=b"all", headers=ANA)
            assert quick.json() == {"length": 3}
            # The oldest made room; the others go on.
            assert (await slow[0]).status_code == 408
            goes_on.set()
            assert [answer.status_code for answer in await asyncio.gather(*slow[1:])] == [200] * 3
            assert limit._inside == {}

    asyncio.run(scenario())


def test_a_caller_is_one_however_the_credentials_are_written() -> None:
    async def scenario() -> None:
        goes_on = asyncio.Event()
        async with _client(RequestLimit(_waiting(goes_on), 4)) as client:
            written = ("Bearer psk_ana_1", "bearer psk_ana_1", "BEARER   psk_ana_1 ")
            waiting = [
                asyncio.create_task(client.get("/wait", headers={"Authorization": one}))
                for one in written[:2]
            ]
            await asyncio.sleep(0.01)
            assert (await client.get("/wait", headers={"Authorization": written[2]})).status_code == 503
            goes_on.set()
            assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]

    asyncio.run(scenario())


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def scenario(seconds: float, pause_s: float) -> int:
        sent: list[Message] = []

        async def receive() -> Message:
            await asyncio.sleep(pause_s)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        await BodyLimit(_reads, bytes_max=5, seconds=seconds)(scope, receive, send)
        return int(sent[0]["status"])

    assert asyncio.run(scenario(0.05, 0.02)) == 408
    assert asyncio.run(scenario(30, 0)) == 413
