"""Signals: what a workflow declares is let in, once each, and taken in the order in which it came."""

from datetime import timedelta

import pytest
from pydantic import BaseModel

from penstock import Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Payload
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    RunCompleted,
    RunStalled,
    SignalReceived,
    SignalRun,
    TimerFired,
    ToolCallRequested,
)

from .acts import cancels, completes, fires, signals
from .cases import Case, application, look_up
from .given import Story, given, result, start

CASE = {"case_id": "c1"}


class Note(BaseModel):
    text: str


@workflow("it", version=1, deadline=None, signals={"note": Note, "stop": Note})
async def listens(run: Run, case: Case) -> str:
    """Two notes, with a read in between."""
    first = await run.signal("note", schema=Note)
    found = await run.tool(look_up, case_id=first.text)
    second = await run.signal("note", schema=Note)
    return f"{first.text} {found} {second.text}"


KNOWN = application(listens)


def begun() -> Story:
    return given(KNOWN).when(start("it", CASE))


def note(text: str) -> SignalRun:
    return signals("note", {"text": text})


def test_a_signal_wakes_who_waits_for_it() -> None:
    story = begun().when(note("one")).then(SignalReceived, ToolCallRequested)
    story = story.when(completes(1, "x")).when(note("two")).then(SignalReceived, RunCompleted)
    assert result(story) == '"one x two"'


def test_signals_that_came_earlier_are_taken_first_and_in_order() -> None:
    story = begun().when(note("one")).when(note("two")).when(note("three")).then(SignalReceived)
    assert result(story.when(completes(1, "x"))) == '"one x two"'


def test_each_name_is_a_queue_of_its_own() -> None:
    story = begun().when(signals("stop", {"text": "stop"})).then(SignalReceived)
    story.when(note("one")).then(SignalReceived, ToolCallRequested)


def test_the_same_signal_twice_is_one() -> None:
    story = begun().when(note("one")).when(note("one")).then(InputAccepted)
    assert story.when(signals("note", {"text": "other"}, note("one").signal_id)).reason() == "signal_conflict"
    assert story.when(signals("stop", {"text": "one"}, note("one").signal_id)).reason() == "signal_conflict"


@pytest.mark.parametrize(
    ("body", "reason", "told"),
    [
        (signals("nonsense", {"text": "x"}), "invalid_signal", "it declares: note, stop"),
        (signals("note", {"text": 7}), "invalid_signal", "text"),
        (signals("note", {"secret": "Dana"}), "invalid_signal", "text"),
        (
            SignalRun(
                name="note",
                signal_id="s",
                payload=Payload(content_type="application/json", content=b'{"text":"x"}', sha256="0" * 64),
            ),
            "invalid_signal",
            "",
        ),
    ],
)
def test_an_unknown_or_unfit_signal_is_refused_and_its_values_stay_out_of_it(
    body: SignalRun, reason: str, told: str
) -> None:
    story = begun().when(body).then(InputRefused)
    assert story.reason() == reason
    refused = story.only()
    assert isinstance(refused, InputRefused)
    assert told in refused.detail
    assert "Dana" not in refused.detail
    story.when(note("one")).then(SignalReceived, ToolCallRequested)


@pytest.mark.parametrize("authority", list(Authority))
def test_apps_the_api_and_operators_may_signal(authority: Authority) -> None:
    story = begun().when(note("one"), authority=authority)
    allowed = authority in (Authority.APP, Authority.API, Authority.OPERATOR)
    assert isinstance(story.events[0], SignalReceived) is allowed


def test_a_signal_to_an_ended_or_ending_run_is_refused() -> None:
    assert begun().when(cancels()).when(note("one")).reason() == "ended"
    told = begun().when(note("one")).when(cancels())
    assert told.state.calls_open == 1
    assert told.when(note("two")).reason() == "ending"


def test_a_signal_to_a_run_whose_version_is_gone_is_refused() -> None:
    assert begun().when(note("one"), application=application()).reason() == "missing_version"


def test_a_run_takes_no_more_signals_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.streams.runs.signals.SIGNALS_MAX", 2)
    story = begun().when(note("one")).when(note("two"))
    assert story.when(note("three")).reason() == "too_many_signals"


def test_waiting_for_a_signal_that_isnt_declared_stalls_the_run() -> None:
    @workflow("it", version=1)
    async def deaf(run: Run, case: Case) -> str:
        return (await run.signal("note", schema=Note)).text

    story = given(application(deaf)).when(start("it", CASE))
    stalled = story.events[-1]
    assert isinstance(stalled, RunStalled)
    assert "Declare the signal" in stalled.detail


def test_a_signal_that_nobody_waits_for_any_more_stays_for_who_asks_next() -> None:
    """The one who waited was given up: the signal isn't lost with it."""

    @workflow("it", version=1, deadline=None, signals={"note": Note})
    async def impatient(run: Run, case: Case) -> str:
        won, _ = await run.race(run.signal("note", schema=Note), run.sleep(timedelta(hours=1)))
        await run.tool(look_up, case_id="a")
        return f"{won} {(await run.signal('note', schema=Note)).text}"

    story = given(application(impatient)).when(start("it", CASE))
    late = story.when(fires(1), later=timedelta(hours=1)).then(TimerFired, ToolCallRequested)
    assert result(late.when(note("late")).when(completes(2, "x"))) == '"1 late"'
    early = story.when(note("early")).when(note("next"))
    assert result(early.when(completes(2, "x"))) == '"0 next"'


def test_signals_side_by_side_are_served_in_the_order_in_which_they_were_asked_for() -> None:
    @workflow("it", version=1, deadline=None, signals={"note": Note})
    async def gathers(run: Run, case: Case) -> str:
        both = await run.gather(run.signal("note", schema=Note), run.signal("note", schema=Note))
        return " ".join(each.text for each in both)

    story = given(application(gathers)).when(start("it", CASE)).when(note("one")).when(note("two"))
    assert result(story) == '"one two"'


def test_a_payload_is_kept_as_it_was_sent() -> None:
    story = begun().when(note("one"))
    received = story.events[0]
    assert isinstance(received, SignalReceived)
    assert (received.name, received.payload) == ("note", json_payload({"text": "one"}))
