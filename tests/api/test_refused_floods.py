"""Thousands of requests with credentials that don't count: each is told so, and none costs more than that."""

import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from starlette.types import Message, Scope

from penstock.api.health import BELIEVED_S
from penstock.api.jwks import UNKNOWN_EVERY_S
from penstock.runtime.postgres_tenants import Walls
from tests.api.conftest import Api
from tests.api.hostile_tokens import part
from tests.api.issuer import AUDIENCE, Issuer, bearer, serving

WAVE = 2_000
ADDRESSES = 500
# Of a leak there would be at least one a request.
BLOCKS_MAX = WAVE // 2
SIGNATURE = "A" * 342


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as one:
        yield one


@pytest.fixture
def set_up(issuer: Issuer) -> dict[str, object]:
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, "api_failures_per_minute": 60}


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the database is asked on behalf of requests."""
    asked: list[str] = []
    for name in ("whole", "within"):

        def counted(
            self: Walls, *given: object, name: str = name, ask: object = getattr(Walls, name)
        ) -> object:
            asked.append(name)
            assert callable(ask)
            return ask(self, *given)

        monkeypatch.setattr(Walls, name, counted)
    return asked


def refusable(number: int, claims: str) -> tuple[str, str, str]:
    """Method, path and Authorization of one that can't be meant; each is another."""
    head = part({"alg": "RS256", "kid": f"kid-{number}"})
    known = part({"alg": "RS256", "kid": "k1", "x": number})
    kinds = (
        ("GET", "/v1/runs", f"Bearer psk_{number:x}_{'0' * 48}"),
        ("POST", "/case-review", f"Bearer psk_ana_{number:048x}"),
        ("GET", "/v1/approvals", f"Bearer {head}.{claims}.{SIGNATURE}"),
        ("GET", f"/v1/runs/{number}", f"Bearer {known}.{claims}.{SIGNATURE}"),
        ("GET", "/v1/events", f"Bearer {number}"),
        ("DELETE", "/v1/keys/ana", f"Basic {number}"),
        ("POST", f"/v1/callbacks/pcb_{number}.{'A' * 43}", ""),
        ("GET", f"/{number}", ""),
        ("PUT", "/v1/keys", f"Bearer {number}"),
    )
    return kinds[number % len(kinds)]


async def status_of(api: Api, method: str, path: str, authorization: str, address: str) -> int:
    """What a request is answered, without a client's or a connection's cost."""
    heard: list[int] = []
    messages: list[Message] = [{"type": "http.request", "body": b'{"result": 1}', "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            heard.append(message["status"])

    given = [(b"authorization", authorization.encode())] if authorization else []
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"test"), (b"content-type", b"application/json"), *given],
        "client": (address, 1),
        "server": ("test", 80),
    }
    await api.app(scope, receive, send)
    return heard[0]


async def wave(api: Api, first: int, claims: str) -> Counter[int]:
    """So many of them, from some hundreds of addresses."""
    return Counter(
        [
            await status_of(
                api, *refusable(number, claims), f"10.0.{number % ADDRESSES // 250}.{number % 250}"
            )
            for number in range(first, first + WAVE)
        ]
    )


def call(api: Api, first: int, claims: str) -> Counter[int]:
    """The same, on the application's own loop."""
    assert api.client.portal is not None
    return api.client.portal.call(wave, api, first, claims)


def test_a_flood_of_what_is_refused_asks_nobody_and_leaves_nothing(
    api: Api, issuer: Issuer, questions: list[str]
) -> None:
    good = [api.as_("ana"), bearer(issuer.token())]
    assert [api.client.get("/openapi.json", headers=each).status_code for each in good] == [200, 200]
    began_s, claims = time.monotonic(), part(issuer.claims())
    answers = call(api, 0, claims)
    grown: list[int] = []
    # A leak is in each wave; what is made once, as at the first question about keys, in one.
    while len(grown) < 3 and (not grown or min(grown) >= BLOCKS_MAX):
        gc.collect()
        blocks = sys.getallocatedblocks()
        answers += call(api, (1 + len(grown)) * WAVE, claims)
        gc.collect()
        grown.append(sys.getallocatedblocks() - blocks)
    assert set(answers) == {401, 404, 405}
    took_s = time.monotonic() - began_s
    # What the process does by itself asks now and then.
    assert len(questions) <= 5 + took_s
    assert issuer.asked <= 2 + took_s / UNKNOWN_EVERY_S
    assert min(grown) < BLOCKS_MAX, grown
    assert api.log.inputs == []
    assert [api.client.get("/openapi.json", headers=each).status_code for each in good] == [200, 200]


def test_a_flood_from_one_address_is_told_to_stop_and_other_addresses_are_not(
    api: Api, questions: list[str]
) -> None:
    async def flood(count: int, addresses: int) -> Counter[int]:
        one = ("GET", "/v1/runs", "Bearer psk_ana_wrong")
        return Counter([await status_of(api, *one, f"2001:db8:0:{n % addresses:x}::1") for n in range(count)])

    assert api.client.portal is not None
    began_s = time.monotonic()
    answers = api.client.portal.call(flood, 300, 1)
    assert 60 <= answers[401] <= 61 + time.monotonic() - began_s
    assert answers[401] + answers[429] == 300
    assert api.client.portal.call(flood, 300, 300)[401] >= 299
    assert len(questions) <= 5 + time.monotonic() - began_s


def test_who_asks_again_and_again_whether_it_is_ready_asks_the_database_once_a_second(
    api: Api, questions: list[str]
) -> None:
    async def flood() -> Counter[int]:
        one = ("GET", "/health/ready", "", "10.0.0.1")
        together = await asyncio.gather(*(status_of(api, *one) for _ in range(200)))
        return Counter([*together, *[await status_of(api, *one) for _ in range(200)]])

    assert api.client.portal is not None
    began_s = time.monotonic()
    assert api.client.portal.call(flood) == {200: 400}
    assert 1 <= len(questions) <= 2 + (time.monotonic() - began_s) / BELIEVED_S
