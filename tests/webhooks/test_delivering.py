"""What becomes of posts: receivers that are slow, dead, refuse, or are gone."""

import pytest

from penstock.runtime.meters import Meters
from penstock.runtime.postgres_webhook_gauges import observe_webhooks
from penstock.runtime.settings import Settings
from penstock.streams.webhooks import senders
from tests.runner.effects import eventually
from tests.webhooks.asking import ask
from tests.webhooks.conftest import World


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
    meters = Meters()
    observe_webhooks(meters, Settings(database_url=world.database_url))
    shown = {found.name: found.data.data_points[0].value for found in meters.collect()}  # type: ignore[union-attr]
    assert shown["penstock.webhook.waiting"] == 1
    assert 0 < shown["penstock.webhook.oldest_age"] < 60


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
