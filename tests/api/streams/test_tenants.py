"""The stream of a tenant's events: its token, its filters, and nobody else's events."""

from collections.abc import Iterable
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.api.cursors import Cursor, NoCursor
from penstock.audit.rebuild import rebuild
from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import InputRefused
from penstock.schemas.topics import RUN_EVENTS
from tests.api.streams.conftest import Served
from tests.api.streams.reading import Reader, having, writing
from tests.views.histories import Historian, case_review, new_run, started

EXAMPLES = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ALL = "/v1/events?after=beginning"


def write(served: Served, runs: Iterable[tuple[str, Iterable[EventBody]]], tenant: str = "local") -> None:
    """Runs side by side, one event of each at a time, and the views see them."""
    historian = served.api.log.historian
    other = Historian(served.api.log, tenant, seqs=historian.seqs, inputs=historian.inputs)
    left = [(run_id, iter(bodies)) for run_id, bodies in runs]
    while left:
        for run_id, bodies in tuple(left):
            body = next(bodies, None)
            if body is None:
                left.remove((run_id, bodies))
            else:
                other.write(run_id, body)
    historian.inputs = other.inputs
    served.api.log.project()


def reviews(number: int) -> list[tuple[str, tuple[EventBody, ...]]]:
    return [(run_id, case_review(run_id)) for run_id in (new_run() for _ in range(number))]


def whole(runs: Iterable[tuple[str, tuple[EventBody, ...]]]) -> dict[str, list[int]]:
    return {run_id: list(range(1, len(bodies) + 1)) for run_id, bodies in runs}


def test_it_has_every_event_of_every_run_in_order(served: Served) -> None:
    runs = reviews(5)
    write(served, runs)
    reader = served.read(ALL, enough=having(80))
    assert reader.histories() == whole(runs)


def test_from_now_on_is_what_it_does_by_itself(served: Served) -> None:
    write(served, reviews(1))
    later = reviews(2)

    def go_on() -> None:
        served.until_open(1, "tenant")
        write(served, later)

    with writing(go_on):
        reader = served.read("/v1/events", enough=having(32))
    assert reader.histories() == whole(later)


def test_who_is_cut_off_before_the_first_event_knows_where_that_was(served: Served) -> None:
    write(served, reviews(1))
    reader = served.read("/v1/events", enough=lambda it: it.last_id is not None)
    assert reader.events == []
    later = reviews(1)
    write(served, later)
    reader.read(served.client, "/v1/events", served.api.as_("ana"), having(16))
    assert reader.histories() == whole(later)


@EXAMPLES
@given(
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    turns=st.lists(st.integers(1, 3), min_size=2, max_size=4),
)
def test_whoever_comes_back_has_each_event_once(served: Served, cuts: list[int], turns: list[int]) -> None:
    write(served, [(new_run(), (started(),))])
    before = served.read("/v1/events", enough=lambda it: it.last_id is not None)
    written = [reviews(number) for number in turns]

    def go_on() -> None:
        for runs in written:
            write(served, runs)

    wanted = {run_id: seqs for runs in written for run_id, seqs in whole(runs).items()}
    number = sum(map(len, wanted.values()))
    reader = Reader(last_id=before.last_id)
    with writing(go_on):
        for cut in [*cuts, number]:
            until = min(number, len(reader.events) + cut)
            reader.read(served.client, ALL, served.api.as_("ana"), having(until))
    assert reader.histories() == wanted


def test_a_token_survives_another_process_and_views_made_anew(served: Served) -> None:
    runs = reviews(3)
    write(served, runs)
    reader = served.read(ALL, enough=having(20))
    rebuild(served.api.settings)

    def make_anew() -> None:
        served.until_open(1, "tenant")
        served.api.log.project()
        write(served, later)

    later = reviews(1)
    with writing(make_anew):
        reader.read(served.client, "/v1/events", served.api.as_("ana"), having(64))
    assert reader.histories() == whole([*runs, *later])


def test_views_made_anew_under_an_open_stream_lose_and_repeat_nothing(served: Served) -> None:
    runs, later = reviews(3), reviews(2)
    write(served, runs)

    def make_anew() -> None:
        served.until_open(1, "tenant")
        rebuild(served.api.settings)
        write(served, later)

    with writing(make_anew):
        reader = served.read(ALL, enough=having(80))
    assert reader.histories() == whole([*runs, *later])


def test_it_never_shows_another_tenants_event(served: Served) -> None:
    own, others = reviews(2), reviews(2)

    def both() -> None:
        served.until_open(1, "tenant")
        write(served, others, "elsewhere")
        write(served, own)

    write(served, reviews(1), "elsewhere")
    with writing(both):
        reader = served.read(ALL, enough=having(32))
    assert reader.histories() == whole(own)
    foreign = served.client.get(ALL, headers=served.api.as_("mallory")).json()
    assert {event["run_id"] for event in foreign["events"]}.isdisjoint(run_id for run_id, _ in own)
    token = f"/v1/events?after={reader.last_id}"
    page = served.client.get(token, headers=served.api.as_("mallory")).json()
    assert {event["run_id"] for event in page["events"]} <= {event["run_id"] for event in foreign["events"]}


def test_it_gives_only_what_was_asked_for(served: Served) -> None:
    run_id, another = new_run(), new_run()
    write(served, [(run_id, case_review(run_id)), (another, (started(workflow="letters"),))])
    asked = f"{ALL}&type=RunStarted&type=RunCompleted&workflow=case-review"
    reader = served.read(asked, enough=having(2))
    assert [(kind, shown["run_id"]) for _, kind, shown in reader.events] == [
        ("RunStarted", run_id),
        ("RunCompleted", run_id),
    ]
    assert served.client.get(asked, headers=served.api.as_("ana")).json()["events"] == [
        shown for _, _, shown in reader.events
    ]


def test_pages_are_the_same_events(served: Served) -> None:
    runs = reviews(4)
    write(served, runs)
    reader, after, more = Reader(), "beginning", True
    while more:
        page = served.client.get(f"/v1/events?after={after}&limit=7", headers=served.api.as_("ana")).json()
        assert len(page["events"]) <= 7
        reader.events += [(None, shown["type"], shown) for shown in page["events"]]
        after, more = page["next"], page["more"]
    assert reader.histories() == whole(runs)


def test_the_id_moves_on_while_nothing_matches(served: Served) -> None:
    write(served, reviews(1))
    begun = served.read(f"{ALL}&type=RunFailed", enough=lambda it: it.last_id is not None).last_id
    moved = served.read(f"{ALL}&type=RunFailed", enough=lambda it: it.last_id not in (None, begun))
    now = served.read("/v1/events", enough=lambda it: it.last_id is not None).last_id
    assert (moved.events, moved.last_id) == ([], now)

    def go_on() -> None:
        served.until_open(1, "tenant")
        write(served, reviews(1))

    with writing(go_on):
        later = served.read("/v1/events?type=RunFailed", enough=lambda it: it.last_id not in (None, now))
    assert later.events == []


@pytest.mark.parametrize("token", ["x", "12", "!", "A" * 9_000, "AQ", "AAAAAAAAAAAA", "ü"])
def test_a_token_that_is_none_is_told_so(served: Served, token: str) -> None:
    write(served, reviews(1))
    for headers in ({}, {"Accept": "text/event-stream"}):
        asked = {**served.api.as_("ana"), **headers}
        answer = served.client.get("/v1/events", params={"after": token}, headers=asked)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:penstock:problem:invalid-place")


def test_a_token_of_another_log_is_told_so(served: Served) -> None:
    write(served, reviews(1))
    token = Cursor(b"another", {0: 1}).token()
    answer = served.client.get(f"/v1/events?after={token}", headers=served.api.as_("ana"))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:penstock:problem:invalid-place")
    token = Cursor(b"anothr", {0: 1}).token()
    assert served.read("/v1/events", last_id=token).status == httpx.codes.CONFLICT


def test_a_token_older_than_what_is_kept_is_told_so(served: Served) -> None:
    write(served, reviews(3))
    token = served.read(ALL, enough=lambda it: it.last_id is not None).last_id
    assert token is not None
    served.api.views.execute("UPDATE views.position SET first = 1 WHERE topic = %s", (RUN_EVENTS,))
    answer = served.client.get(f"/v1/events?after={token}", headers=served.api.as_("ana"))
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:penstock:problem:events-gone")
    assert "after=beginning" in answer.json()["detail"]


def test_without_a_place_there_is_no_stream_yet(served: Served) -> None:
    answer = served.client.get("/v1/events", headers=served.api.as_("ana"))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:penstock:problem:views-empty")


@given(st.binary(min_size=6, max_size=6), st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, 2**62)))
def test_a_token_is_read_as_it_was_made(log: bytes, offsets: dict[int, int]) -> None:
    cursor = Cursor(log, offsets)
    if len(cursor.token()) <= 8_192:
        assert Cursor.parse(cursor.token()) == cursor


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    with suppress(NoCursor):
        Cursor.parse(text)


def test_what_a_tenant_said_to_anothers_run_is_in_neither_stream(served: Served) -> None:
    """An id that was refused to one tenant may become another's run: its events are of both."""
    run_id, own = new_run(), new_run()
    write(served, [(run_id, (InputRefused(input_type="StartRun", reason="unknown_workflow"),))], "elsewhere")
    write(served, [(run_id, case_review(run_id)), (own, (started(),))])
    reader = served.read(ALL, enough=having(17))
    assert reader.histories() == {run_id: list(range(2, 18)), own: [1]}
    page = served.client.get(ALL, headers=served.api.as_("mallory")).json()
    assert page["events"] == []
