"""What is told of which event, to whom, and since when."""

import json

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
from tests.runner.effects import eventually
from tests.views.histories import approval_of, asked, call_of, failed, granted, started
from tests.webhooks.asking import ask, new_run
from tests.webhooks.conftest import World, now_ms


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
        "links": {
            "run": f"/v1/runs/{run}",
            "approval": f"/v1/approvals/{approval}",
            "votes": f"/v1/approvals/{approval}/votes",
        },
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
