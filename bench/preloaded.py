"""An inbox that is full before anybody reads it, and how fast somebody turns it into events.

The rate is from the first event to the last by the log's own append times, so that starting, joining the group
and stopping don't count. Checked: as many events as inputs, each input's event once.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from bench import cpu
from bench.failing import BenchFailed
from bench.standing import Standing
from bench.tally import TallyTopics, inputs
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Record
from penstock.schemas.codec import pinned_codec
from penstock.schemas.headers import CE_TYPE

DEADLINE_S: Final = 120.0
_APPEND: Final = 5_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one process went. CPU of processes is of the whole time that it worked, start-up included."""

    records: int
    seconds: float
    cpu_s: dict[str, float]
    told: dict[str, object] = field(default_factory=dict)

    @property
    def per_s(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    def cpu_us(self, name: str) -> float:
        """Microseconds of CPU a record that a process took."""
        return 1e6 * self.cpu_s.get(name, 0.0) / self.records


class Preloaded:
    """As many inputs for whoever comes."""

    def __init__(self, at: Standing, records: int) -> None:
        self._at = at
        self._log = KafkaLog(at.bootstrap_servers, "bench")
        self._records = records

    def load(self, topics: TallyTopics) -> None:
        """Put the inputs on the inbox."""
        made = inputs(self._records, topics.inbox)
        while batch := list(islice(made, _APPEND)):
            self._log.append(batch)

    def pace(self, topics: TallyTopics, name: str, start: Callable[[], None], *, takes: bool = False) -> Pace:
        """Start somebody, wait until every input has its event, stop them. Raises BenchFailed.

        `takes`: they write an event of taking each partition, too.
        """
        wanted = self._records + (self._at.partitions if takes else 0)
        before = cpu.by_name(self._at.pids())
        began_s = time.monotonic()
        start()
        self._at.until(
            lambda: self._standing(topics) >= wanted,
            DEADLINE_S,
            lambda: f"{name} has made {self._standing(topics)} events of {wanted}",
        )
        after = cpu.by_name(self._at.pids())
        self._at.stop(name)
        written = self._events(topics)
        seconds = span_ms(written, self._records, name) / 1000
        told = self._at.written(f"{topics.noun}.json")
        told["seconds_from_start_to_end"] = time.monotonic() - began_s
        return Pace(self._records, seconds, cpu.used(before, after), told)

    def close(self) -> None:
        """Let go of the connections."""
        self._log.close()

    def _standing(self, topics: TallyTopics) -> int:
        return sum(self._log.bounds(topics.events, each)[1] for each in range(self._at.partitions))

    def _events(self, topics: TallyTopics) -> Iterable[Record]:
        for partition in range(self._at.partitions):
            end = self._log.bounds(topics.events, partition)[1]
            yield from self._log.read(topics.events, partition, 0, end)


def span_ms(events: Iterable[Record], expected: int, name: str) -> int:
    """Milliseconds from the first to the last. Raises BenchFailed if an input has no event, or two."""
    codec = pinned_codec()
    causes: set[str] = set()
    first_ms, last_ms, count = 0, 0, 0
    for record in events:
        if record.header(CE_TYPE) == b"PartitionTaken":
            continue
        count += 1
        causes.add(codec.decode_event(record.value or b"")[0].cause.id)
        first_ms = min(first_ms or record.time_ms, record.time_ms)
        last_ms = max(last_ms, record.time_ms)
    if count != expected or len(causes) != expected:
        raise BenchFailed(f"{name}: {expected} inputs, {count} events of {len(causes)} inputs")
    return max(last_ms - first_ms, 1)
