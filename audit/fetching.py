"""How the projector fetches: its consumer's settings."""

from typing import Final

from penstock.producers.kafka_outage import QUIET, tell_of_outage
from penstock.runtime.settings import Settings
from penstock.schemas.topics import VIEWS_GROUP

# What the broker waits for before it answers a fetch: without it every append of a decider is a fetch of its own.
FETCH_BYTES_MIN: Final = 524_288
FETCH_WAIT_MS_MAX: Final = 50


def consumer_settings(settings: Settings, group: str) -> dict[str, object]:
    """What librdkafka is told for a member of that group."""
    member: dict[str, object] = {"group.instance.id": settings.worker_name} if settings.worker_name else {}
    return member | {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": VIEWS_GROUP,
        "group.id": group,
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": settings.session_timeout_ms // 3,
        "auto.offset.reset": "error",
        # Kafka's offsets are for lag tools only; the views keep the positions that count.
        "enable.auto.commit": True,
        "enable.auto.offset.store": False,
        "isolation.level": "read_uncommitted",
        "fetch.min.bytes": FETCH_BYTES_MIN,
        "fetch.wait.max.ms": FETCH_WAIT_MS_MAX,
        "log_level": QUIET,
        "error_cb": tell_of_outage,
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.refresh.interval.ms": 10_000,
    }
