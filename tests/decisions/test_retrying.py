"""A run that does another one again: it names it, and who asked for that one has no vote here either (law L12)."""

from dataclasses import replace

import pytest

from penstock.producers.retries import Retry
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import is_uuid
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import ApprovalGranted, ApprovalRequested, RunStarted, ToolCallRequested

from .acts import delegates, escalates, votes
from .cases import CASE, CASES
from .given import RUN_ID, Story, given, start

BEFORE = Actor(kind="person", subject="ben", roles=("supervisor", "operator"))
AGAIN = replace(
    start("payment", CASE), retry_of="11111111-1111-4111-8111-111111111111", requesters_before=("ben",)
)


def again() -> Story:
    return given(CASES).when(AGAIN).then(RunStarted, ApprovalRequested)


def test_the_start_names_the_run_that_it_does_again() -> None:
    begun = again().events[0]
    assert isinstance(begun, RunStarted)
    assert (begun.retry_of, begun.requesters_before) == (AGAIN.retry_of, ("ben",))
    again().when(AGAIN).then(InputAccepted)


def test_who_started_the_run_before_has_no_vote_on_this_one() -> None:
    story = again()
    assert story.when(votes(story, 1), actor=BEFORE).reason() == "own_request"
    assert story.when(delegates(1, "pat"), actor=BEFORE).reason() == "own_request"
    assert story.when(escalates(1), actor=BEFORE).reason() == "own_request"
    assert story.when(delegates(1, "ben")).reason() == "delegate_is_requester"
    story.when(votes(story, 1)).then(ApprovalGranted, ToolCallRequested)


@pytest.mark.parametrize("key", ["", "k", "ü x"])
def test_a_retrys_id_follows_from_the_run_and_the_key(key: str) -> None:
    retry = Retry(RUN_ID, ())
    assert is_uuid(retry.run_id(key))
    assert retry.run_id(key) == Retry(RUN_ID, ("somebody",)).run_id(key)
    assert (
        len({retry.run_id(key), retry.run_id(key + "2"), Retry(AGAIN.retry_of or "", ()).run_id(key), RUN_ID})
        == 4
    )
