"""Clients that leave, that don't read, that are too many; and a process that ends under them."""

import asyncio
import socket
import threading
import time
from contextlib import ExitStack

import httpx
import pytest

from penstock.api.event_rows import Event
from penstock.api.hub import WAITING_BYTES_MAX, WAITING_EVENTS_MAX, Subscription
from penstock.schemas.canonical import json_payload
from penstock.schemas.run.records import RunCompleted
from tests.api.conftest import Api
from tests.api.streams.conftest import Served, serving
from tests.api.streams.reading import STREAM, Reader, having, writing
from tests.integration.processes import eventually
from tests.views.histories import case_review, new_run, started

NEVER = "/v1/events"
LARGE = json_payload({"letter": "x" * 200_000})


@pytest.fixture
def begun(served: Served) -> str:
    """A run that goes on."""
    run_id = new_run()
    served.api.tell(run_id, started())
    return f"/v1/runs/{run_id}/events"


def connect(served: Served, path: str) -> socket.socket:
    """A client that asks and doesn't read."""
    made = socket.create_connection(("127.0.0.1", served.port))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    key = served.api.keys["ana"]
    lines = (f"GET {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", "Accept: text/event-stream")
    made.sendall("\r\n".join((*lines, "", "")).encode())
    return made


@pytest.mark.parametrize("path", ["run", NEVER])
def test_a_client_that_leaves_frees_its_stream(served: Served, begun: str, path: str) -> None:
    kind = "run" if path == "run" else "tenant"
    for _ in range(3):
        client = connect(served, begun if path == "run" else path)
        served.until_open(1, kind)
        client.close()
        served.until_open(0, kind)
    assert not served.streams._hub._streams
    assert served.streams._hub._task is None, "nobody looks for nobody"
    assert not served.streams._sending
    assert not served.streams._callers


def test_a_client_that_does_not_read_is_let_go_and_loses_nothing(served: Served) -> None:
    runs = [new_run() for _ in range(60)]
    for run_id in runs:
        served.api.log.historian.write(run_id, started(), RunCompleted(result=LARGE))
    served.api.log.project()
    served.streams.stalled_s = 0.5
    with connect(served, f"{NEVER}?after=beginning"):
        served.until_open(1, "tenant")
        served.until_open(0, "tenant")
        assert served.client.get("/health/live").status_code == 200
    reader = served.read(f"{NEVER}?after=beginning", enough=having(2 * len(runs)))
    assert reader.histories() == {run_id: [1, 2] for run_id in runs}


def test_a_slow_client_reads_pages_when_too_much_waits_for_it(served: Served) -> None:
    served.api.tell(new_run(), started())
    runs = [new_run() for _ in range(80)]
    goes_on = threading.Event()

    def write() -> None:
        served.until_open(1, "tenant")
        for run_id in runs:
            served.api.tell(run_id, started(), RunCompleted(result=LARGE))
        goes_on.set()

    def slowly(reader: Reader) -> bool:
        # It stops reading after its first event, until far more was written than may wait for it.
        if reader.events:
            goes_on.wait(60)
        return len(reader.events) >= 2 * len(runs)

    with writing(write):
        reader = served.read(NEVER, enough=slowly)
    assert reader.histories() == {run_id: [1, 2] for run_id in runs}


def event(size: int) -> Event:
    return Event(0, 0, "run", 1, "local", "local", "RunStarted", None, None, size, {})


def test_what_waits_for_a_stream_is_bounded() -> None:
    async def scenario() -> None:
        waiting = Subscription(("run", "run"), lambda it: True)
        for size, number in (
            (1, WAITING_EVENTS_MAX),
            (WAITING_BYTES_MAX // 4, 4),
            (2 * WAITING_BYTES_MAX, 1),
        ):
            waiting.begin({})
            for _ in range(number):
                waiting.push(event(size))
            assert not waiting.missed
            waiting.push(event(size))
            assert waiting.missed
            assert await waiting.take(0) == (), "nothing is kept of it"

    asyncio.run(scenario())


def test_streams_are_not_requests(api: Api) -> None:
    settings = api.settings.model_copy(update={"api_requests_max": 2, "api_streams_caller_max": 8})
    with serving(api, settings) as served, ExitStack() as leaving:
        api.tell(new_run(), started())
        for number in range(8):
            leaving.enter_context(connect(served, NEVER))
            served.until_open(number + 1, "tenant")
        assert served.client.get("/v1/approvals", headers=api.as_("ana")).status_code == 200


def test_a_caller_and_a_process_have_so_many(api: Api) -> None:
    settings = api.settings.model_copy(update={"api_streams_max": 3, "api_streams_caller_max": 2})
    with serving(api, settings) as served, ExitStack() as leaving:
        api.tell(new_run(), started())

        def ask(who: str) -> httpx.Response:
            return served.client.get(NEVER, headers={**api.as_(who), **STREAM})

        open_ = [connect(served, NEVER) for _ in range(2)]
        for one in open_:
            leaving.enter_context(one)
        served.until_open(2, "tenant")
        refused = ask("ana")
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:penstock:problem:too-many-streams")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        leaving.enter_context(served.client.stream("GET", NEVER, headers={**api.as_("sam"), **STREAM}))
        served.until_open(3, "tenant")
        full = ask("olga")
        assert (full.status_code, full.json()["type"]) == (503, "urn:penstock:problem:streams-full")
        open_[0].close()
        served.until_open(2, "tenant")
        with served.client.stream("GET", NEVER, headers={**api.as_("olga"), **STREAM}) as answer:
            assert answer.status_code == 200


def test_a_process_that_ends_tells_its_streams_to_come_back(api: Api) -> None:
    with serving(api, api.settings) as served, ExitStack() as leaving:
        run_id = new_run()
        api.tell(run_id, started())
        leaving.enter_context(connect(served, NEVER))
        served.until_open(1, "tenant")

        def end() -> None:
            served.until_open(1)
            served.server.should_exit = True

        began_s = time.monotonic()
        with writing(end):
            reader = served.read(f"/v1/runs/{run_id}/events")
        assert reader.seqs == [1]
        assert not reader.ended
        assert reader.retry_ms is not None
        assert any("Last-Event-ID" in comment for comment in reader.comments)
        eventually(lambda: not served.server.server_state.connections, 10, lambda: "a connection is left")
        assert time.monotonic() - began_s < 10


def test_a_stream_ends_after_its_time_and_goes_on(api: Api) -> None:
    settings = api.settings.model_copy(update={"api_stream_s_max": 0.3})
    with serving(api, settings) as served:
        run_id = new_run()
        api.tell(run_id, started())
        reader = served.read(f"/v1/runs/{run_id}/events")
        assert (reader.seqs, reader.ended) == ([1], False)
        api.tell(run_id, *case_review(run_id)[1:])
        reader.read(served.client, f"/v1/runs/{run_id}/events", api.as_("ana"))
        assert reader.seqs == list(range(1, 17))


def test_a_silent_stream_says_that_it_lives(served: Served, begun: str) -> None:
    reader = served.read(begun, enough=lambda it: len(it.comments) >= 2)
    assert reader.comments == ["still here", "still here"]


@pytest.mark.parametrize(
    ("who", "status", "slug"),
    [("", 401, "unauthenticated"), ("nobody", 403, "forbidden"), ("mallory", 404, "not-found")],
)
def test_who_may_not_is_told_so_by_a_problem(
    served: Served, begun: str, who: str, status: int, slug: str
) -> None:
    paths = [begun] if who == "mallory" else [begun, NEVER]
    headers = STREAM | (served.api.as_(who) if who else {})
    for path in paths:
        answer = served.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:penstock:problem:{slug}")
        assert answer.headers["content-type"] == "application/problem+json"


def test_another_tenants_run_is_as_one_that_is_not_there(served: Served, begun: str) -> None:
    headers = {**served.api.as_("mallory"), **STREAM}
    answers = [
        served.client.get(path, headers=headers).json()
        for path in (begun, f"/v1/runs/{new_run()}/events", "/v1/runs/none/events")
    ]
    assert len({answer["detail"] for answer in answers}) == 1
    assert len({answer["status"] for answer in answers}) == 1
