"""The verdict on webhooks can be BROKEN: one planted damage for each thing that it swears to."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from penstock.audit.witnesses import Finding
from penstock.schemas.canonical import json_payload
from penstock.schemas.ids import derived_id, scheduled_run_id
from penstock.schemas.run.records import (
    ApprovalGranted,
    ApprovalRequested,
    RunCancelled,
    RunCompleted,
    RunEnding,
)
from tests.chaos.matrix.hooks import Post, Subscription
from tests.chaos.matrix.test_verdict_beats import BEAT, event
from tests.chaos.matrix.verdict_hooks import broken_promises, owed

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
MINE = Subscription("mine", "local", SECRET, 1_000)
THEIRS = Subscription("theirs", "neighbour", SECRET, 1_000)
RUN = scheduled_run_id(BEAT, 2_000)
ENDED = event(RUN, 2, 2_000, RunCompleted(result=json_payload(1)))


def post(at: Subscription = MINE, taken: bool = True, key: bytes = b"k" * 32, **says: object) -> Post:
    """That the run has ended, as Penstock would tell it unless it `says` otherwise."""
    name = ENDED.meta.id
    document = {"id": name, "type": "run.ended", "tenant": "local", "data": {"run_id": RUN}} | says
    body = json.dumps(document).encode()
    signed = hmac.digest(key, f"{document['id']}.7.".encode() + body, hashlib.sha256)
    headers = {
        "webhook-id": str(document["id"]),
        "webhook-timestamp": "7",
        "webhook-signature": "v1,b2xk v1," + base64.b64encode(signed).decode(),
    }
    return Post(at.webhook_id, headers, body, taken)


def promises(*posts: Post, subscriptions: Sequence[Subscription] = (MINE, THEIRS)) -> list[Finding]:
    return list(broken_promises([ENDED], subscriptions, posts))


def test_what_is_told_twice_or_to_who_has_lost_the_subscription_is_well() -> None:
    assert promises(post(taken=False), post(), post()) == []
    assert promises(subscriptions=(replace(MINE, lost=True), THEIRS)) == []
    assert promises(subscriptions=(replace(MINE, since_ms=2_001), THEIRS)) == []


@pytest.mark.parametrize(
    ("kinds", "posts"),
    [
        ({"untold"}, ()),
        ({"untold"}, (post(taken=False),)),
        ({"unsigned", "untold"}, (post(key=b"x" * 32),)),
        ({"misaddressed"}, (post(), post(THEIRS))),
        ({"reworded"}, (post(), post(timestamp="later"))),
        ({"untrue"}, (post(), post(id="nobody's"))),
        ({"untrue"}, (post(type="run.stalled"),)),
        ({"untrue"}, (post(data={"run_id": BEAT}),)),
    ],
)
def test_a_promise_of_webhooks_that_is_broken(kinds: set[str], posts: Sequence[Post]) -> None:
    assert {one.kind for one in promises(*posts)} == kinds


def test_what_happened_before_somebody_subscribed_is_not_told() -> None:
    assert {one.kind for one in promises(post(), subscriptions=(replace(MINE, since_ms=2_001),))} == {
        "untrue"
    }


def test_a_question_that_its_run_takes_with_it_is_withdrawn_and_a_rules_grant_is_nobodys_business() -> None:
    approval = derived_id(RUN, "approval:1")
    asked = ApprovalRequested(
        approval_id=approval,
        step=1,
        tool="pay",
        tool_version=1,
        arguments=json_payload(1),
        role="supervisor",
        expires_at_ms=0,
        rule_version=1,
    )
    ruled = ApprovalGranted(
        approval_id=derived_id(RUN, "approval:2"),
        grant_id=RUN,
        tool="notify",
        tool_version=1,
        args_sha256="",
        granted_by=(),
        rule="notices",
        rule_version=1,
        expires_at_ms=0,
    )
    ending = event(RUN, 3, 9, RunEnding(outcome="cancelled", reason="requested"))
    ended = event(RUN, 4, 9, RunCancelled(reason="requested"))
    told = owed([event(RUN, 1, 9, asked), event(RUN, 2, 9, ruled), ending, ended])
    withdrawn = derived_id(ending.meta.id, approval)
    assert [one.kind for one in told.values()] == ["approval.requested", "approval.ended", "run.ended"]
    assert set(told) == {event(RUN, 1, 9, asked).meta.id, withdrawn, ended.meta.id}
