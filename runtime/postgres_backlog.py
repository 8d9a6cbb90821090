"""How much each group has left to do, and since when its oldest record waits: per topic, whoever runs or doesn't.

Reads: the broker's watermarks, the positions that groups keep in Postgres, which are those that count (laws L3, L4),
and, for effectors, which save theirs only now and then, what they have told the broker. Writes nothing.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.producers.kafka_backlog import BrokerSilent, KafkaBacklog, Place
from penstock.runtime import metric_names as names
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.meters import Meters, Observed
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.topics import (
    FIRING_GROUP,
    NOUN_TOPICS,
    TIMERS_GROUP,
    TOOLS_GROUP,
    VIEWS_GROUP,
    WEBHOOKS_GROUP,
)

log = logging.getLogger("penstock.telemetry")

_ASK_AGAIN_S: Final = 5.0
# Groups whose positions in Postgres are older than what they have done.
_SAVE_SELDOM: Final = (TOOLS_GROUP, TIMERS_GROUP, FIRING_GROUP, WEBHOOKS_GROUP)
# (group, topic, partition): the offset of the next record that the group hasn't handled.
Positions = Mapping[tuple[str, str, int], int]

_POSITIONS: Final = """
SELECT group_id, topic, partition, position FROM penstock.effect_position
UNION ALL
SELECT %(views)s, topic, partition, position FROM views.position
UNION ALL
SELECT '', noun, partition, position FROM penstock.checkpoint
"""
_INBOXES: Final = {topic.name.split(".")[1]: topic for topic in NOUN_TOPICS if topic.name.endswith(".inbox")}


@dataclass(frozen=True, slots=True)
class Standing:
    """One group on one topic. `written` and `handled` are sums of offsets: their growth is the rate in and out."""

    group: str
    topic: str
    written: int
    handled: int
    depth: int
    oldest_age_s: float


class Backlog:
    """Asks again and again, over connections that it keeps. Used by one thread at a time."""

    def __init__(self, broker: KafkaBacklog, now_ms: Callable[[], int] | None = None) -> None:
        self._broker = broker
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    def standings(self, connection: Connection[TupleRow]) -> list[Standing]:
        """Of every group on every topic that it reads, in the catalogue's order. Raises BrokerSilent, psycopg.Error."""
        known = positions(connection)
        found = []
        for topic in NOUN_TOPICS:
            places = [(topic.name, number) for number in range(topic.partitions)]
            bounds = self._broker.bounds(places)
            for group in topic.consumers:
                handled = self._handled(group, places, known, bounds)
                found.append(self._standing(group, topic.name, handled, bounds))
        return found

    def close(self) -> None:
        """Let go of the broker."""
        self._broker.close()

    def _handled(
        self, group: str, places: Sequence[Place], known: Positions, bounds: Mapping[Place, tuple[int, int]]
    ) -> dict[Place, int]:
        told = self._broker.told(group, places) if group in _SAVE_SELDOM else {}
        handled: dict[Place, int] = {}
        for place in places:
            low, high = bounds[place]
            # Positions were read before the ends, and may be of a log that begins later, or of another one.
            at = max(known.get((group, *place), 0), told.get(place, 0), low)
            handled[place] = min(at, high)
        return handled

    def _standing(
        self, group: str, topic: str, handled: Mapping[Place, int], bounds: Mapping[Place, tuple[int, int]]
    ) -> Standing:
        waiting = {place: at for place, at in handled.items() if at < bounds[place][1]}
        oldest_ms = min(self._broker.times_ms(waiting).values(), default=None)
        age_s = 0.0 if oldest_ms is None else max(0, self._now_ms() - oldest_ms) / 1000
        written, done = sum(bounds[place][1] for place in handled), sum(handled.values())
        return Standing(group, topic, written, done, written - done, age_s)


def positions(connection: Connection[TupleRow]) -> Positions:
    """Of deciders, effectors and views. A group that has never taken a partition has none of it.

    Effectors save theirs now and then, so that they are further than this says. Raises psycopg.Error.
    """
    found: dict[tuple[str, str, int], int] = {}
    for group, place, partition, position in connection.execute(_POSITIONS, {"views": VIEWS_GROUP}):
        if group:
            found[group, place, partition] = position
        elif place in _INBOXES:
            inbox = _INBOXES[place]
            found[inbox.consumers[0], inbox.name, partition] = position
    return found


class _QueueGauges:
    """Asks at most so often, whoever collects; says nothing of queues that it can't see now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._backlog = Backlog(KafkaBacklog(settings.kafka_bootstrap_servers))
        self._asked_s = -math.inf
        self._standings: Sequence[Standing] = ()

    def depths(self) -> Observed:
        return [(one.depth, (one.group, one.topic)) for one in self._now()]

    def ages(self) -> Observed:
        return [(one.oldest_age_s, (one.group, one.topic)) for one in self._now()]

    def _now(self) -> Sequence[Standing]:
        with self._lock:
            if time.monotonic() - self._asked_s >= _ASK_AGAIN_S:
                try:
                    with connect(self._settings, application_name="penstock.queues") as connection:
                        self._standings = self._backlog.standings(connection)
                except (DatabaseAway, psycopg.Error, BrokerSilent) as error:
                    log.warning("depth and age of the queues aren't known now: %s", error)
                    self._standings = ()
                self._asked_s = time.monotonic()
            return self._standings


def observe_queues(meters: Meters, settings: Settings) -> None:
    """Have the process show every queue's depth and oldest age, asked when somebody collects."""
    gauges = _QueueGauges(settings)
    meters.observe(names.QUEUE_DEPTH, gauges.depths)
    meters.observe(names.QUEUE_AGE, gauges.ages)


@dataclass(frozen=True, slots=True)
class Lease:
    """A process that may begin unsafe calls, and for how much longer; below 0: it lost the lease."""

    group: str
    worker: str
    left_s: float


def leases(connection: Connection[TupleRow]) -> list[Lease]:
    """Those held and those that ran out within the last hour, by the database's clock. Raises psycopg.Error."""
    rows = connection.execute(
        "SELECT group_id, worker, extract(epoch FROM expires_at - clock_timestamp())::float8"
        " FROM penstock.worker_lease ORDER BY expires_at DESC"
    )
    return [Lease(str(group), str(worker), float(left_s)) for group, worker, left_s in rows]
