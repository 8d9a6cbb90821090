"""What was said to a run and parked: who asks again is told what came of it since then."""

from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import Failure, InputMeta
from penstock.schemas.log.records import (
    InputAccepted,
    InputDiscarded,
    InputParked,
    InputRefused,
    InputReleased,
)
from tests.api.conftest import Api
from tests.api.test_run_commands import BOTH, RUN, Route, ask, judged


def park(meta: InputMeta, body: InputBody) -> EventBody:
    """As a runner whose decider fails on it."""
    error = Failure(kind="KeyError", message="x")
    return InputParked(input_id=meta.id, input_type=meta.type, input_value=b"", error=error)


@BOTH
def test_what_came_of_it_after_a_release_is_told_to_who_asks_again(api: Api, route: Route) -> None:
    """The release causes what follows, as the runner writes it: an input that was parked beside it isn't meant."""
    judged(api, None)
    api.log.judge = park
    first, parked = (ask(api, route, Idempotency_Key=key).json() for key in ("k-0", "k-1"))
    assert (first["outcome"], parked["outcome"]) == ("parked", "parked")
    for input_id, note in ((first["input_id"], "the first"), (parked["input_id"], "the second")):
        api.tell(RUN, InputReleased(parked_input_id=input_id), InputAccepted(input_type="X", note=note))
    again = ask(api, route, Idempotency_Key="k-1").json()
    assert (again["outcome"], again["event"]["note"], again["seq"]) == ("accepted", "the second", 7)
    assert len(api.log.inputs) == 2


@BOTH
def test_what_was_refused_after_its_release_is_a_conflict_and_what_was_given_up_is_told(
    api: Api, route: Route
) -> None:
    judged(api, None)
    api.log.judge = park
    refused, dropped = (ask(api, route, Idempotency_Key=key).json()["input_id"] for key in ("k-0", "k-1"))
    refusal = InputRefused(input_type="X", reason="ended", detail="The run has ended.")
    api.tell(RUN, InputReleased(parked_input_id=refused), refusal)
    api.tell(RUN, InputDiscarded(parked_input_id=dropped, reason="twice"))
    assert ask(api, route, Idempotency_Key="k-0").status_code == 409
    again = ask(api, route, Idempotency_Key="k-1").json()
    assert (again["outcome"], again["event"]["reason"]) == ("discarded", "twice")
