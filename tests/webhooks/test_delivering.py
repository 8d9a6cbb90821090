"""From an event on the log to a post, and what becomes of it: receivers that are slow, dead, refuse, or are gone."""

import json
import uuid

import pytest

from penstock.runtime.webhook_secrets import signature
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import PartitionTaken
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    RunCancelled,
    RunCompleted,
    RunStalled,
    ToolCallInDoubt,
)
from penstock.streams.webhooks import senders
from tests.runner.effects import eventually
from tests.views.histories import approval_of, asked, call_of, failed, granted, started
from tests.webhooks.conftest import World, now_ms


def new_run() -> str:
    return str(uuid.uuid4())


def ask(world: World, run: str | None = None, *, step: int = 1) -> str:
    """A run asks a question; the question's id."""
    run = run or new_run()
    world.emit(started(), asked(run, step), run=run)
    return approval_of(run, step)


def test_a_question_is_posted_signed_and_says_little(world: World) -> None:
    receiver = world.receiver()
    secret = world.subscribe(receiver.url, "approval.requested")
    worker = world.worker()
    run = new_run()
    approval = ask(world, run)
    worker.feed()
    eventually(lambda: [one.status for one in world.deliveries()] == ["delivered"], "delivered")
    (got,) = receiver.received
    at_s = int(got.headers["webhook-timestamp"])
    assert got.headers["webhook-signature"] == signature([secret], got.webhook_id, at_s, got.body)
    assert got.headers["content-type"] == "application/json"
    document = got.document
    assert (document["version"], document["type"], document["tenant"]) == (1, "approval.requested", "local")
    assert document["id"] == got.webhook_id == world.deliveries()[0].event_id
    assert document["data"] == {
        "run_id": run,
        "workflow": "case-review",
        "workflow_version": 1,
        "approval_id": approval,
        "role": "supervisor",
        "expires_at": "2025-10-11T08:53:20.000Z",
        "links": {"run": f"/v1/runs/{run}", "votes": f"/v1/approvals/{approval}/votes"},
    }
    assert "refund" not in json.dumps(document), "the arguments are the run's own"


def everything(run: str) -> list[tuple[EventBody, list[tuple[str, dict[str, object]]]]]:
    """Events, and what is said of each."""
    first, second = approval_of(run, 1), approval_of(run, 2)
    return [
        (started(), []),
        (asked(run, 1), [("approval.requested", {"approval_id": first, "role": "supervisor"})]),
        (
            ApprovalDelegated(approval_id=first, delegated_by="sam", delegate="pat", reason="on leave"),
            [("approval.delegated", {"delegate": "pat", "role": "supervisor"})],
        ),
        (
            ApprovalEscalated(
                approval_id=first,
                from_role="supervisor",
                role="chief",
                escalated_by="",
                by_time=True,
                reason="",
                votes_dropped=(),
            ),
            [("approval.escalated", {"role": "chief", "from_role": "supervisor"})],
        ),
        (granted(run, 1), [("approval.ended", {"outcome": "granted", "role": "chief"})]),
        (granted(run, 7, rule="notices"), []),
        (asked(run, 3), [("approval.requested", {})]),
        (ApprovalExpired(approval_id=approval_of(run, 3)), [("approval.ended", {"outcome": "expired"})]),
        (asked(run, 2), [("approval.requested", {})]),
        (
            ToolCallInDoubt(call_id=call_of(run, 4), attempt=1, lease_id="l", reason="the card 4711 …"),
            [("call.in_doubt", {"call_id": call_of(run, 4), "attempt": 1})],
        ),
        (
            RunStalled(kind="exception", detail="Traceback …", code_hash="c"),
            [("run.stalled", {"reason": "exception"})],
        ),
        (
            RunCancelled(reason="by hand"),
            [
                ("approval.ended", {"approval_id": second, "outcome": "withdrawn"}),
                ("run.ended", {"outcome": "cancelled"}),
            ],
        ),
    ]


def test_each_kind_is_told_of_what_it_names_and_of_nothing_else(world: World) -> None:
    receiver, picky = world.receiver(), world.receiver()
    world.subscribe(receiver.url)
    world.subscribe(picky.url, "run.ended", webhook_id="w2")
    world.subscribe(picky.url, webhook_id="w3", tenant="elsewhere")
    worker = world.worker()
    run = new_run()
    expected = [said for event, told in everything(run) for said in told]
    world.emit(*(event for event, _ in everything(run)), run=run)
    other = new_run()
    world.emit(started(), failed(), run=other)
    expected.append(("run.ended", {"outcome": "failed"}))
    worker.feed()
    eventually(lambda: len(receiver.received) == len(expected), "all are posted")
    found = {(one.kind, one.event_id): json.loads(one.body)["data"] for one in world.deliveries()}
    assert sorted(kind for kind, _ in found) == sorted(kind for kind, _ in expected)
    for kind, told in expected:
        assert any(kind == named and told.items() <= about.items() for (named, _), about in found.items()), (
            told
        )
    assert not any(
        "4711" in json.dumps(about) or "Traceback" in json.dumps(about) for about in found.values()
    )
    eventually(lambda: len(picky.received) == 2, "the runs' ends")
    assert {one.document["data"]["outcome"] for one in picky.received} == {"cancelled", "failed"}


def test_the_past_is_not_posted_to_a_fresh_subscription_nor_again_after_a_rebuild(world: World) -> None:
    receiver = world.receiver()
    first = world.worker()
    ask(world)
    first.feed()
    world.subscribe(receiver.url)
    world.tell(b"UPDATE penstock.webhook SET since_ms = since_ms + 1")
    subscribed_ms = now_ms()
    eventually(lambda: now_ms() > subscribed_ms + 1, "a moment later")
    run = new_run()
    ask(world, run)
    first.feed()
    eventually(lambda: len(receiver.received) == 1, "the second question")
    first.close()
    # As `penstock reset-derived` leaves it.
    world.tell(b"TRUNCATE penstock.effect_position, penstock.noticed_run")
    second = world.worker()
    world.emit(RunCompleted(result=json_payload(1)), run=run)
    second.feed()
    eventually(lambda: len(receiver.received) == 3, "withdrawn and ended")
    assert [one.document["data"]["run_id"] for one in receiver.received] == [run] * 3
    assert set(receiver.ids.values()) == {1}


def test_what_a_zombie_wrote_is_told_to_nobody(world: World) -> None:
    receiver = world.receiver()
    world.subscribe(receiver.url)
    worker = world.worker()
    world.emit(PartitionTaken(epoch=5, owner="new"), epoch=5)
    zombies, ours = new_run(), new_run()
    world.emit(started(), asked(zombies, 1), run=zombies, epoch=1)
    world.emit(started(), asked(ours, 1), run=ours, epoch=5)
    worker.feed()
    eventually(lambda: len(receiver.received) == 1, "ours")
    assert [json.loads(one.body)["data"]["run_id"] for one in world.deliveries()] == [ours]


def test_a_slow_receiver_and_a_dead_one_hold_up_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.streams.webhooks.outcomes.FIRST_S", 0.2)
    slow, dead, quick = world.receiver(slow_s=2.0), world.receiver(), world.receiver()
    dead.stop()
    for name, receiver in (("slow", slow), ("dead", dead), ("quick", quick)):
        world.subscribe(receiver.url, "approval.requested", webhook_id=name)
    worker = world.worker()
    for _ in range(40):
        ask(world)
    worker.feed()
    eventually(lambda: len(quick.ids) == 40, "the quick one has all")
    assert slow.most_under_way <= 4
    assert len(slow.received) < 40
    assert sum(one.attempts for one in world.deliveries("dead")) <= 10, "held, and looked at now and then"
    assert world.webhook("dead").failing_since is not None
    assert "Connect" in next(one.last_error or "" for one in world.deliveries("dead") if one.attempts)
    slow.slow_s = 0.0
    dead.start()
    eventually(lambda: len(dead.ids) == len(slow.ids) == 40, "they have all of it when they are back")
    eventually(lambda: world.webhook("dead").failing_since is None, "well again")


def test_what_a_receiver_refuses_is_tried_again_alone_and_failed_after_a_day(world: World) -> None:
    receiver = world.receiver(status=400)
    world.subscribe(receiver.url)
    worker = world.worker()
    ask(world)
    worker.feed()
    eventually(lambda: [one.last_status for one in world.deliveries()] == [400], "refused")
    (one,) = world.deliveries()
    assert (one.status, one.attempts, one.last_error) == ("waiting", 1, "HTTP 400")
    assert world.webhook().held_until is None
    world.tell(b"UPDATE penstock.webhook_delivery SET filed_at = now() - interval '1 day', next_at = now()")
    eventually(lambda: world.deliveries()[0].status == "failed", "a day is over")
    assert world.deliveries()[0].attempts == 2


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_not_followed(world: World, status: int) -> None:
    elsewhere = world.receiver()
    receiver = world.receiver(status=status, headers={"Location": elsewhere.url})
    world.subscribe(receiver.url)
    worker = world.worker()
    ask(world)
    worker.feed()
    eventually(lambda: [one.last_status for one in world.deliveries()] == [status], "answered")
    assert not elsewhere.received


def test_retry_after_holds_the_receiver(world: World) -> None:
    receiver = world.receiver(status=503, headers={"Retry-After": "3600"})
    world.subscribe(receiver.url)
    worker = world.worker()
    ask(world)
    worker.feed()
    eventually(lambda: world.webhook().held_until is not None, "held")
    held = world.webhook()
    assert held.held_until is not None
    assert held.failing_since is not None
    assert (held.held_until - held.failing_since).total_seconds() >= 3_600


def test_410_and_three_days_of_failures_disable_a_subscription_and_say_why(world: World) -> None:
    gone, failing = world.receiver(status=410), world.receiver(status=500)
    world.subscribe(gone.url, webhook_id="gone")
    world.subscribe(failing.url, webhook_id="failing")
    worker = world.worker()
    ask(world)
    worker.feed()
    eventually(lambda: world.webhook("gone").state == "disabled", "gone")
    assert "410" in (world.webhook("gone").disabled_reason or "")
    assert [one.status for one in world.deliveries("gone")] == ["failed"]
    eventually(lambda: world.webhook("failing").failing_since is not None, "failing")
    assert world.webhook("failing").state == "active"
    world.tell(
        b"UPDATE penstock.webhook SET failing_since = now() - interval '3 days 1 second', held_until = NULL;"
        b"UPDATE penstock.webhook_delivery SET next_at = now() WHERE status = 'waiting'"
    )
    eventually(lambda: world.webhook("failing").state == "disabled", "three days")
    assert "HTTP 500" in (world.webhook("failing").disabled_reason or "")
    before = len(failing.received)
    ask(world)
    worker.feed()
    assert len(world.deliveries("failing")) == 1
    assert len(failing.received) == before


def test_a_failure_after_days_without_one_is_a_new_misery(world: World) -> None:
    receiver = world.receiver(status=500)
    world.subscribe(receiver.url)
    world.tell(
        b"UPDATE penstock.webhook SET failing_since = now() - interval '9 days', failed_at = now() - interval '9 days'"
    )
    worker = world.worker()
    ask(world)
    worker.feed()
    eventually(lambda: world.deliveries()[0].last_status == 500, "failed")
    assert world.webhook().state == "active"


def test_a_receiver_that_drips_is_cut_off(world: World) -> None:
    world.timeout_s = 0.3
    receiver = world.receiver(slow_s=3)
    world.subscribe(receiver.url)
    worker = world.worker()
    ask(world)
    worker.feed()
    eventually(lambda: "no answer" in (world.deliveries()[0].last_error or ""), "cut off")


def test_closing_waits_a_little_and_what_it_cuts_off_is_due_again_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = world.receiver(slow_s=5)
    world.subscribe(receiver.url)
    worker = world.worker()
    monkeypatch.setattr(worker.host, "_close_s", 1.5)
    assert senders.RECORD_S < 1.5
    ask(world)
    worker.feed()
    eventually(lambda: len(receiver.received) == 1, "under way")
    worker.close()
    (one,) = world.deliveries()
    assert (one.status, one.attempts) == ("waiting", 1)
    receiver.slow_s = 0.0
    world.worker()
    eventually(lambda: world.deliveries()[0].status == "delivered", "delivered by the next")
    assert list(receiver.ids.values()) == [2]
