"""Cancelling and signalling any run: what came of it, once, and only if the run is as it was seen."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from httpx import Response

from penstock.api import telling
from penstock.api.repeats import Repeats
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.ids import dead_letter_id, partition_of
from penstock.schemas.log.records import (
    InputAccepted,
    InputRefused,
)
from penstock.schemas.run.records import CancelRun, RunEnding, SignalReceived, SignalRun
from penstock.schemas.topics import RUN_INBOX
from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem
from tests.views.histories import asked, new_run, started

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
CANCEL = (f"/v1/runs/{RUN}/cancel", {"reason": "withdrawn"})
SIGNAL = (f"/v1/runs/{RUN}/signals/more", {"payload": {"words": "ünïcode ✓"}})
BOTH = pytest.mark.parametrize("route", [CANCEL, SIGNAL], ids=["cancel", "signal"])
Route = tuple[str, dict[str, Any]]


def ask(api: Api, route: Route, who: str = "ana", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Response = api.client.post(route[0], json=route[1], headers=api.as_(who, **named))
    return response


def judged(api: Api, event: EventBody | None) -> None:
    api.log.judge = lambda meta, body: event
    api.tell(RUN, started())


def taken(meta: InputMeta, body: InputBody) -> EventBody | None:
    """As the decider takes both."""
    if isinstance(body, SignalRun):
        return SignalReceived(name=body.name, signal_id=body.signal_id, payload=body.payload)
    return RunEnding(outcome="cancelled", reason="requested", detail="withdrawn")


@BOTH
def test_a_command_takes_credentials_a_role_and_a_run_of_the_tenants(api: Api, route: Route) -> None:
    api.tell(RUN, started())
    assert_problem(api.client.post(route[0], json=route[1]), 401, "unauthenticated")
    assert_problem(ask(api, route, "nobody"), 403, "forbidden")
    assert_problem(ask(api, route, "mallory"), 404, "not-found")
    for other in (new_run(), "none", "%00"):
        assert_problem(ask(api, (route[0].replace(RUN, other), route[1])), 404, "not-found")
    assert api.log.inputs == []


@pytest.mark.parametrize(
    "route",
    [
        (CANCEL[0], {}),
        (CANCEL[0], {"reason": ""}),
        (CANCEL[0], {"reason": "x" * 2001}),
        (CANCEL[0], {"reason": "x", "more": 1}),
        (SIGNAL[0], {"more": 1}),
        (SIGNAL[0], {"payload": 2**60}),
        (f"/v1/runs/{RUN}/signals/a%00b", {"payload": 1}),
        (f"/v1/runs/{RUN}/signals/{'x' * 201}", {"payload": 1}),
    ],
)
def test_a_command_that_does_not_fit_is_told_what_to_correct(api: Api, route: Route) -> None:
    api.tell(RUN, started())
    response = ask(api, route)
    assert_problem(response, 422, "invalid-request")
    assert "orrect" in response.json()["detail"]
    assert api.log.inputs == []


@BOTH
def test_a_command_says_what_came_of_it_and_is_not_said_twice(api: Api, route: Route) -> None:
    api.log.judge = taken
    api.tell(RUN, started())
    first = ask(api, route, Idempotency_Key="k-1")
    assert (first.status_code, first.json()["outcome"], first.json()["seq"]) == (200, "applied", 2)
    assert first.json()["event"]["type"] in ("RunEnding", "SignalReceived")
    assert ask(api, route, Idempotency_Key="k-1", If_Match='"1"').json() == first.json()
    ((meta, body),) = api.log.inputs
    assert (meta.id, meta.actor.subject) == (first.json()["input_id"], "ana")
    if isinstance(body, SignalRun):
        assert body.payload == json_payload({"words": "ünïcode ✓"})
    else:
        assert body == CancelRun(reason="withdrawn")


def test_one_key_is_one_signal_whatever_it_says(api: Api) -> None:
    api.log.judge = taken
    api.tell(RUN, started())
    ask(api, SIGNAL, Idempotency_Key="k-1")
    other = ask(api, (SIGNAL[0], {"payload": {"words": "other"}}), Idempotency_Key="k-1")
    assert_problem(other, 409, "idempotency-conflict")
    ask(api, SIGNAL, "sam", Idempotency_Key="k-1")
    ask(api, SIGNAL)
    said = [body.signal_id for _, body in api.log.inputs if isinstance(body, SignalRun)]
    # What others say is a signal of its own.
    assert [said.index(each) for each in said] == [0, 1, 2]


def test_a_key_is_known_by_what_came_of_it_where_nobody_remembers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart, or at another process."""
    api.log.judge = taken
    api.tell(RUN, started())
    first = ask(api, CANCEL, Idempotency_Key="k-1")
    monkeypatch.setattr(Repeats, "saying", lambda *_: nullcontext())
    other = ask(api, (CANCEL[0], {"reason": "other"}), Idempotency_Key="k-1")
    assert_problem(other, 409, "idempotency-conflict")
    assert other.json()["input_id"] == first.json()["input_id"]
    assert ask(api, SIGNAL, Idempotency_Key="k-1").status_code == 200, "a key is for one route"
    assert len(api.log.inputs) == 2


def test_a_key_is_good_for_what_is_corrected(api: Api) -> None:
    """What was too large was never said."""
    api.tell(RUN, started())
    large = ask(api, (SIGNAL[0], {"payload": {"words": "x" * 300_000}}), Idempotency_Key="k-1")
    assert_problem(large, 413, "payload-too-large")
    assert ask(api, SIGNAL, Idempotency_Key="k-1").status_code == 202


@BOTH
def test_a_refusal_is_a_conflict(api: Api, route: Route) -> None:
    judged(api, InputRefused(input_type="X", reason="ended", detail="The run has ended."))
    slug = "cancel-refused:ended" if route is CANCEL else "signal-refused:ended"
    assert_problem(ask(api, route), 409, slug)


@BOTH
def test_a_dead_letter_is_told(api: Api, route: Route) -> None:
    api.tell(RUN, started())

    def bury(meta: InputMeta, body: InputBody) -> None:
        partition = partition_of(RUN.encode(), api.log.partitions(RUN_INBOX))
        letter = dead_letter_id(RUN_INBOX, partition, api.log.bounds(RUN_INBOX, partition)[1] - 1)
        api.views.execute(
            b"INSERT INTO views.dead_letter VALUES (%s, 'g', 't', 0, 0, 'Undecodable', 'm', 'decode', NULL, NULL, '[]',"
            b" 1)",
            (letter,),
        )

    api.log.judge = bury
    response = ask(api, route)
    assert (response.status_code, response.json()["outcome"]) == (200, "dead_letter")
    assert response.json()["event"]["error"] == "Undecodable"


@BOTH
def test_what_takes_longer_is_pending_and_found_by_asking_again(api: Api, route: Route) -> None:
    judged(api, None)
    pending = ask(api, route, Idempotency_Key="k-1")
    assert (pending.status_code, pending.json()["outcome"]) == (202, "pending")
    late = InputAccepted(input_type="X", note="late")
    api.log.append([api.log.historian.outgoing(RUN, late, cause_id=pending.json()["input_id"])])
    api.log.project()
    again = ask(api, route, Idempotency_Key="k-1")
    assert (again.status_code, again.json()["outcome"]) == (200, "accepted")
    assert len(api.log.inputs) == 1


@BOTH
def test_a_run_that_has_moved_on_is_not_told(api: Api, route: Route) -> None:
    judged(api, InputAccepted(input_type="X", note="fine"))
    tag = api.client.get(f"/v1/runs/{RUN}", headers=api.as_("ana")).headers["etag"]
    api.tell(RUN, asked(RUN, 1))
    for given in (tag, f'W/"2", {tag}', "nonsense"):
        response = ask(api, route, If_Match=given)
        assert_problem(response, 412, "run-moved-on")
        assert (response.json()["last_seq"], response.headers["etag"]) == (2, '"2"')
    assert api.log.inputs == []
    assert ask(api, route, If_Match='"7", "2"').status_code == 200
    assert ask(api, route, If_Match="*").status_code == 200


def test_the_caller_says_how_long_to_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(api, None)
    waited: list[float] = []

    async def until(look: Callable[[], Any], wait_s: float) -> None:
        waited.append(wait_s)

    monkeypatch.setattr(telling, "until", until)
    for prefer in (
        "wait=7",
        "respond-async, wait=3",
        "respond-async",
        "handling=lenient",
        "wait=999",
        "wait=-1",
    ):
        applied = ask(api, CANCEL, Prefer=prefer).headers["preference-applied"]
        assert applied == f"wait={waited[-1]:.0f}"
    assert waited == [7, 3, 0, 0.2, 30, 0.2]


def test_a_wait_ends_as_soon_as_the_effect_is_there(api: Api) -> None:
    judged(api, InputAccepted(input_type="X", note="fine"))
    began = time.monotonic()
    assert ask(api, CANCEL, Prefer="wait=30").json()["outcome"] == "accepted"
    assert time.monotonic() - began < 15
