"""A call that is held has nothing open for the tools effector: its next attempt is a request of its own."""

import pytest

from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import RunStarted, ToolCallHeld
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.tools.fold import CallFold
from penstock.streams.tools.ports import Open, OpenCall
from tests.views.histories import call_of, requested, started

RUN = derived_id("11111111-1111-4111-8111-111111111111", "held")
CALL = call_of(RUN, 1)


def folded(*bodies: EventBody) -> OpenWork[Open]:
    work = OpenWork[Open]()
    for seq, body in enumerate(bodies, start=1):
        cause = Cause(id=RUN, topic="t", partition=0, offset=seq, time_ms=seq, index=0, count=1)
        meta = EventMeta(
            id=RUN,
            type=type(body).__name__,
            tenant="local",
            entity_id=RUN,
            entity_seq=seq,
            time_ms=seq,
            actor=Actor(kind="app", subject="a"),
            cause=cause,
        )
        assert type(body).__name__ in CallFold.types or isinstance(body, RunStarted)
        CallFold().evolve(work, Seen(meta, body, b""))
    return work


def asked(attempt: int) -> EventBody:
    return requested(RUN, 1, tool="pay", effect="unsafe", attempt=attempt)


@pytest.mark.parametrize("began", [True, False])
def test_a_held_call_is_open_no_more(began: bool) -> None:
    held = ToolCallHeld(call_id=CALL, attempt=1, began=began)
    assert folded(started(), asked(1), held).get(CALL) is None
    again = folded(started(), asked(1), held, asked(2)).get(CALL)
    assert isinstance(again, OpenCall)
    assert (again.attempt, again.started_lease, again.in_doubt) == (2, None, False)


def test_a_hold_of_an_earlier_attempt_closes_nothing() -> None:
    late = ToolCallHeld(call_id=CALL, attempt=1, began=False)
    assert folded(started(), asked(1), asked(2), late).get(CALL) is not None
