"""What `penstock status` knows: asked of the home directory, the broker and the database, as far as each answers.

Reads only. Nothing here waits longer than some seconds; what is away is a sentence with the next step.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from penstock.audit import reading
from penstock.audit.measures import Measure, measures
from penstock.cli.broker_versions import NotABroker, api_versions
from penstock.cli.local import state
from penstock.producers.kafka_backlog import BrokerSilent, KafkaBacklog
from penstock.runtime.errors import DatabaseAway, SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.postgres_backlog import Backlog, Lease, Standing, leases
from penstock.runtime.settings import Settings

ENDED: Final = ("completed", "failed", "cancelled", "refused")
# Counting every run that ever was may take long: it is done so seldom that it takes a twentieth of the time.
_COUNT_SHARE: Final = 20


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group on one topic. Rates are records a second since the last look; None at the first one."""

    group: str
    topic: str
    depth: int
    oldest_age_s: float
    in_per_s: float | None
    out_per_s: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many, the oldest for so long: 0 s where there is none."""

    count: int = 0
    oldest_age_s: float = 0.0


@dataclass(slots=True)
class Status:
    """Everything that the command shows. A problem is a sentence; None where all is well.

    `processes`: ids by name, None for one that was started and doesn't run. `runs`: how many have each status.
    `metrics_ports`: where Prometheus may ask each process, by name.
    """

    processes: Mapping[str, int | None]
    broker: str
    broker_problem: str | None = None
    database_problem: str | None = None
    api_url: str = ""
    metrics_ports: Mapping[str, int] = field(default_factory=dict)
    groups: Sequence[GroupLine] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    runs_open: Waiting = Waiting()
    approvals: Waiting = Waiting()
    calls: Mapping[str, int] = field(default_factory=dict)
    calls_open: Waiting = Waiting()
    calls_in_doubt: Waiting = Waiting()
    in_doubt: Sequence[reading.CallInDoubt] = ()
    inputs_parked: int = 0
    call_retries: int = 0
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    leases: Sequence[Lease] = ()

    @property
    def well(self) -> bool:
        """Whether everything that was started runs and answers."""
        return not self.broker_problem and not self.database_problem and None not in self.processes.values()


class Looker:
    """Looks again and again, and so knows rates. Used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broker: KafkaBacklog | None = None
        self._asked_s: float | None = None
        self._standings: Mapping[tuple[str, str], Standing] = {}
        self._runs: Mapping[str, int] = {}
        self._count_again_s = 0.0

    def look(self) -> Status:
        """Ask everything that can be asked."""
        standing = state.read(self._settings)
        running = standing.alive() if standing else {}
        written = standing.processes if standing else {}
        status = Status(
            {name: process.pid if name in running else None for name, process in written.items()},
            self._settings.kafka_bootstrap_servers,
            api_url=standing.api_url if standing else "",
            metrics_ports=standing.metrics_ports if standing else {},
        )
        try:
            # A broker that is away answers nobody: this says so at once, and what else may listen there.
            api_versions(self._settings.kafka_bootstrap_servers.split(",")[0])
        except NotABroker as error:
            status.broker_problem = f"{error}: start it, or correct KAFKA_BOOTSTRAP_SERVERS"
        try:
            self._ask_database(status)
        except SetupError as error:
            status.database_problem = str(error)
        return status

    def close(self) -> None:
        """Let go of connections."""
        if self._broker is not None:
            self._broker.close()
            self._broker = None

    def _ask_database(self, status: Status) -> None:
        with connect(self._settings, application_name="penstock.status") as connection:
            try:
                found = connection.execute("SELECT to_regclass('views.run')").fetchone()
                if found is None or found[0] is None:
                    raise SetupError("the database has no views yet: type `penstock migrate`")
                _measured(status, measures(connection))
                status.in_doubt = reading.calls_in_doubt(connection) if status.calls_in_doubt.count else ()
                status.leases = leases(connection)
                if (began_s := time.monotonic()) >= self._count_again_s:
                    self._runs = reading.counts(connection)
                    ended_s = time.monotonic()
                    self._count_again_s = ended_s + _COUNT_SHARE * (ended_s - began_s)
                ended = {name: count for name, count in self._runs.items() if name in ENDED}
                status.runs = {**status.runs, **ended}
                if status.broker_problem is None:
                    status.groups = self._lines(self._backlog().standings(connection))
            except BrokerSilent as error:
                status.broker_problem = str(error)
            except connection.Error as error:
                said = " ".join(str(error).split())
                raise DatabaseAway(
                    f"Postgres broke off: {said}. Start it, or correct DATABASE_URL"
                ) from error

    def _backlog(self) -> Backlog:
        if self._broker is None:
            self._broker = KafkaBacklog(self._settings.kafka_bootstrap_servers)
        return Backlog(self._broker)

    def _lines(self, standings: Sequence[Standing]) -> list[GroupLine]:
        now_s, before = time.monotonic(), self._standings
        passed_s = None if self._asked_s is None else now_s - self._asked_s
        self._asked_s = now_s
        self._standings = {(one.group, one.topic): one for one in standings}
        lines = []
        for one in standings:
            last = before.get((one.group, one.topic))
            rates: tuple[float | None, float | None] = (None, None)
            if last is not None and passed_s:
                grown = (one.written - last.written, one.handled - last.handled)
                rates = (max(0, grown[0]) / passed_s, max(0, grown[1]) / passed_s)
            lines.append(GroupLine(one.group, one.topic, one.depth, one.oldest_age_s, *rates))
        return lines


def _measured(status: Status, found: Iterable[Measure]) -> None:
    by_name: dict[str, list[Measure]] = {}
    for measure in found:
        by_name.setdefault(measure.name, []).append(measure)

    def waiting(name: str) -> Waiting:
        ages = (one.value for one in by_name.get(f"{name}_oldest_age_s", ()))
        return Waiting(count(name), max(ages, default=0.0))

    def count(name: str) -> int:
        return int(sum(one.value for one in by_name.get(name, ())))

    def split(name: str, label: str) -> dict[str, int]:
        sums: dict[str, int] = {}
        for one in by_name.get(name, ()):
            sums[one.labels[label]] = sums.get(one.labels[label], 0) + int(one.value)
        return sums

    status.runs_open, status.runs = waiting("runs_open"), split("runs_open", "status")
    status.approvals = waiting("approvals_waiting")
    status.calls_open, status.calls = waiting("calls_open"), split("calls_open", "status")
    status.calls_in_doubt = waiting("calls_in_doubt")
    status.inputs_parked, status.call_retries = count("inputs_parked"), count("call_retries")
    status.dead_letters = split("dead_letters", "reason")


def look(settings: Settings) -> Status:
    """Look once."""
    looker = Looker(settings)
    try:
        return looker.look()
    finally:
        looker.close()
