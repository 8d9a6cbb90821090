"""How a poller fetches: its consumer, and what librdkafka is told."""

from typing import Final

from confluent_kafka import Consumer

from penstock.producers.kafka_outage import QUIET, tell_of_outage
from penstock.runtime.settings import Settings
from penstock.streams.feed import Feed

_DAY_MS: Final = 24 * 3_600 * 1_000


def consumer(feed: Feed, settings: Settings, name: str | None) -> Consumer:
    """A member of the host's group. `name` gives the process static membership."""
    told: dict[str, str | int | bool] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": feed.host.group_id,
        "group.id": feed.host.group_id,
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": settings.session_heartbeat_ms,
        # Range gives the same partitions of two topics to the same process, so that hand-over finds its reader.
        "partition.assignment.strategy": "range",
        # The host may wait for its database for as long as that is away; heartbeats go on meanwhile.
        "max.poll.interval.ms": _DAY_MS,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # An end that is told isn't waited for: see penstock.runtime.stalls.
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "isolation.level": "read_uncommitted",
        "fetch.min.bytes": feed.host.fetch_min_bytes,
        "fetch.wait.max.ms": 100,
        "fetch.error.backoff.ms": 100,
        "queued.max.messages.kbytes": 16 * 1024,
        "socket.nagle.disable": True,
        "reconnect.backoff.max.ms": 1000,
        "log_level": QUIET,
    }
    if name:
        told["group.instance.id"] = f"{feed.host.group_id}.{name}"
    return Consumer(told, error_cb=tell_of_outage)
