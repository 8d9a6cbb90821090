"""The real worker on a real broker, killed again and again, and a receiver that is slow, dies and comes back."""

import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.producers.kafka import KafkaLog
from penstock.producers.signing import Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import Connected, connect, migrate
from penstock.runtime.webhook_secrets import signature, unseal
from penstock.schemas.topics import ALL_TOPICS
from tests.integration.processes import Processes, eventually, processes
from tests.runner.effects import Effects
from tests.views.histories import approval_of, asked, started
from tests.webhooks.conftest import subscribe
from tests.webhooks.receiver import Receiver

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(180)]
TENANT = f"webhooks-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def worker(kafka: str, database_url: str, tmp_path: Path) -> Iterator[Processes]:
    migrate(database_url)
    ensure_topics(kafka, ALL_TOPICS)
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "PENSTOCK_HOME": str(tmp_path),
        "PENSTOCK_SESSION_TIMEOUT_MS": "6000",
        "PENSTOCK_WEBHOOK_HOSTS_ALLOWED": "127.0.0.1",
    }
    with processes(environment, tmp_path / "logs") as children:
        yield children


def start(worker: Processes, **environment: str) -> None:
    worker.start("webhooks", ["penstock.cli.main", "worker", "webhooks", "--name", TENANT], **environment)


def test_every_question_arrives_and_repeats_have_the_same_id(
    worker: Processes, kafka: str, database_url: str, tmp_path: Path
) -> None:
    keyring = Keyring.create(tmp_path / "keys.json")
    receiver = Receiver(slow_s=0.05).start()
    log = KafkaLog(kafka, "test-webhooks")
    events = Effects(database_url)
    approvals: set[str] = set()

    def ask(count: int) -> None:
        """So many runs each ask a question, on the real log."""
        made = []
        for _ in range(count):
            run = str(uuid.uuid4())
            approvals.add(approval_of(run, 1))
            made += [events.event(started(), run), events.event(asked(run, 1), run)]
        log.append(made)

    def told() -> set[str]:
        return {str(one.document["data"]["approval_id"]) for one in list(receiver.received)}

    try:
        ask(5)  # The past: nobody has subscribed yet.
        approvals.clear()
        time.sleep(0.01)
        subscribe(database_url, keyring, receiver.url, "approval.requested")
        # Killed between a post and its record, then with posts under way.
        start(worker, PENSTOCK_CRASH_AT="webhook-posted:8")
        ask(20)
        eventually(lambda: worker.died("webhooks"), 60, worker.tails)
        assert worker.running.pop("webhooks").returncode == -signal.SIGKILL, worker.tails()
        start(worker)
        ask(20)
        eventually(lambda: len(told()) > 12, 60, worker.tails)
        worker.kill("webhooks")
        receiver.stop()
        start(worker)
        ask(20)
        with connect(database_url) as connection:
            eventually(lambda: held(connection), 60, worker.tails)
            receiver.slow_s = 0.0
            receiver.start()
            # What a dead process had taken is due again when its lease ends: a minute that nobody here waits for.
            connection.execute(
                "UPDATE penstock.webhook_delivery SET next_at = now() WHERE status = 'waiting'"
            )
            eventually(lambda: told() >= approvals, 60, worker.tails)
            assert told() == approvals
            eventually(lambda: all_delivered(connection), 30, worker.tails)
            sealed = connection.execute("SELECT secret FROM penstock.webhook").fetchone()
        assert sealed is not None
        check(receiver, unseal(keyring, "w1", sealed[0]), len(approvals))
        worker.signal("webhooks", signal.SIGTERM)
        assert worker.running.pop("webhooks").wait(15) == 0, worker.tails()
    finally:
        receiver.stop()
        log.close()


def check(receiver: Receiver, secret: str, questions: int) -> None:
    """One id and one body a question, each post signed."""
    by_id: dict[str, set[bytes]] = {}
    for one in receiver.received:
        by_id.setdefault(one.webhook_id, set()).add(one.body)
        at_s = int(one.headers["webhook-timestamp"])
        assert one.headers["webhook-signature"] == signature([secret], one.webhook_id, at_s, one.body)
    assert len(by_id) == questions
    assert {len(bodies) for bodies in by_id.values()} == {1}
    assert max(receiver.ids.values()) > 1, "some came twice, or the kills hit nothing"


def held(connection: Connected) -> bool:
    found = connection.execute("SELECT held_until IS NOT NULL FROM penstock.webhook").fetchone()
    return found == (True,)


def all_delivered(connection: Connected) -> bool:
    return not connection.execute(
        "SELECT FROM penstock.webhook_delivery WHERE status <> 'delivered'"
    ).fetchall()
