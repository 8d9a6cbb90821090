"""The stream of one run: each event once and in order, from anywhere on, until it has ended."""

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.audit.rebuild import rebuild
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import LateAnswer
from tests.api.streams.conftest import Served
from tests.api.streams.reading import Reader, having, writing
from tests.views.histories import call_of, case_review, completed, new_run, requested, started

EXAMPLES = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EVENTS = len(case_review(new_run()))


def path(run_id: str) -> str:
    return f"/v1/runs/{run_id}/events"


def test_it_has_what_the_page_has_and_says_that_the_run_has_ended(served: Served) -> None:
    run_id = new_run()
    served.api.tell(run_id, *case_review(run_id))
    page = served.client.get(path(run_id), headers=served.api.as_("ana")).json()
    reader = served.read(path(run_id))
    assert [shown for _, _, shown in reader.events[:-1]] == page["events"]
    assert [(number, kind) for number, kind, _ in reader.events[:-1]] == [
        (str(event["seq"]), event["type"]) for event in page["events"]
    ]
    assert reader.events[-1] == (str(EVENTS), "end", {"status": "completed"})
    assert reader.retry_ms is not None


def test_it_goes_on_after_every_seq(served: Served) -> None:
    run_id = new_run()
    served.api.tell(run_id, *case_review(run_id))
    for seq in range(EVENTS):
        resumed = served.read(path(run_id), last_id=str(seq))
        assert resumed.seqs == list(range(seq + 1, EVENTS + 1)), f"after {seq}"
        assert served.read(f"{path(run_id)}?from_seq={seq + 1}").seqs == resumed.seqs
        assert served.read(f"{path(run_id)}?from_seq=1", last_id=str(seq)).seqs == resumed.seqs


def test_who_has_it_all_needs_not_come_back(served: Served) -> None:
    run_id = new_run()
    served.api.tell(run_id, *case_review(run_id))
    assert served.read(path(run_id), last_id=str(EVENTS)).status == httpx.codes.NO_CONTENT
    late = LateAnswer(call_id=call_of(run_id, 1), attempt=1, input_type="CompleteToolCall", detail="late")
    served.api.tell(run_id, late)
    after = served.read(path(run_id), last_id=str(EVENTS))
    assert (after.seqs, after.ended) == ([EVENTS + 1], True)


def test_events_come_as_they_happen(served: Served) -> None:
    run_id = new_run()
    served.api.tell(run_id, started())

    def go_on() -> None:
        served.until_open(1)
        for body in case_review(run_id)[1:]:
            served.api.tell(run_id, body)

    with writing(go_on):
        reader = served.read(path(run_id))
    assert reader.seqs == list(range(1, EVENTS + 1))
    assert reader.ended
    served.until_open(0)


def test_a_refused_start_ends_it_too(served: Served) -> None:
    run_id = new_run()
    served.api.tell(run_id, InputRefused(input_type="StartRun", reason="unknown_workflow"))
    reader = served.read(path(run_id))
    assert (reader.seqs, reader.events[-1][2]) == ([1], {"status": "refused"})


def test_a_run_that_was_only_accepted_is_waited_for(served: Served) -> None:
    headers = served.api.as_("ana", **{"Idempotency-Key": "k"})
    run_id = served.client.post("/case-review", json={"case_id": "case-1"}, headers=headers).json()["task_id"]

    def begin() -> None:
        served.until_open(1)
        served.api.tell(run_id, *case_review(run_id))

    with writing(begin):
        assert served.read(path(run_id)).seqs == list(range(1, EVENTS + 1))


@EXAMPLES
@given(
    cuts=st.lists(st.integers(1, 8), min_size=1, max_size=8), turns=st.lists(st.integers(1, 5), min_size=1)
)
def test_whoever_comes_back_has_each_event_once_and_in_order(
    served: Served, cuts: list[int], turns: list[int]
) -> None:
    run_id = new_run()
    bodies = list(case_review(run_id))
    served.api.tell(run_id, bodies.pop(0))

    def go_on() -> None:
        left = iter(turns)
        while bodies:
            number = next(left, 3)
            served.api.tell(run_id, *bodies[:number])
            del bodies[:number]

    reader = Reader()
    with writing(go_on):
        for cut in cuts:
            until = len(reader.events) + cut
            reader.read(served.client, path(run_id), served.api.as_("ana"), having(until))
            if reader.ended:
                break
        while not reader.ended and reader.status != httpx.codes.NO_CONTENT:
            reader.read(served.client, path(run_id), served.api.as_("ana"))
    assert reader.seqs == list(range(1, EVENTS + 1))


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "9" * 16, "9" * 40, "١", "now"])
def test_an_id_that_is_no_seq_is_told_so(served: Served, last_id: str) -> None:
    run_id = new_run()
    served.api.tell(run_id, started())
    headers = {**served.api.as_("ana"), "Accept": "text/event-stream", "Last-Event-ID": last_id.encode()}
    answer = served.client.get(path(run_id), headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:penstock:problem:invalid-place")
    assert "Last-Event-ID" in answer.json()["detail"]


def test_views_made_anew_lose_and_repeat_nothing(served: Served) -> None:
    run_id = new_run()
    first = (started(), requested(run_id, 1), completed(run_id, 1))
    served.api.tell(run_id, *first)

    def make_anew() -> None:
        served.until_open(1)
        rebuild(served.api.settings)
        served.api.log.project()
        served.api.tell(run_id, *case_review(run_id)[len(first) :])

    with writing(make_anew):
        assert served.read(path(run_id)).seqs == list(range(1, EVENTS + 1))
