"""A broker and a database of the benchmark's own, and the processes that it starts on them.

Everything lies in a temporary home and runs in sessions of its own; leaving the block stops all of it, by
process id, and removes the home.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psycopg

from bench.failing import BenchFailed
from bench.figures import ROOT
from penstock.cli.local import processes
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.cli.local.processes import Process, Started
from penstock.producers.signing import Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.topics import ALL_TOPICS, PARTITIONS, Topic

STOP_S: Final = 20.0
BROKER: Final = "broker"
POSTGRES: Final = "postgres"


@dataclass(slots=True)
class Standing:
    """What stands. `processes` are those started here, by name."""

    home: Path
    bootstrap_servers: str
    database_url: str
    partitions: int
    servers: Mapping[str, Process]
    processes: dict[str, Started] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings that a process on it has."""
        addresses = {"kafka_bootstrap_servers": self.bootstrap_servers, "database_url": self.database_url}
        return Settings().model_copy(update={"home": self.home, **addresses})

    @property
    def keyring(self) -> Keyring:
        """The keys that every process on it knows."""
        return Keyring.load(self.settings.keys_file)

    def start(self, name: str, words: Sequence[str], **environment: str) -> None:
        """`python -m words…` under that name, with its output in a file of that name."""
        # Somewhere of its own, because Faust leaves a directory where it is started.
        given = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "PENSTOCK_HOME": str(self.home),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            **environment,
        }
        argv = [sys.executable, "-m", *words]
        self.processes[name] = processes.spawn(
            argv, log_file=self.log_file(name), environment=given, directory=self.home
        )

    def worker(self, role: str, application: str, name: str = "") -> None:
        """`penstock worker <role>`."""
        name = name or role
        words = ("penstock.cli.main", "worker", role)
        self.start(name, words, PENSTOCK_APPLICATION=application, PENSTOCK_WORKER_NAME=name)

    def stop(self, name: str) -> None:
        """Stop one of the processes and forget it."""
        started = self.processes.pop(name)
        processes.stop(started.process, deadline_s=STOP_S)
        started.exit_code()

    def stop_processes(self) -> None:
        """Ask all of them at once, then wait for each."""
        for started in self.processes.values():
            processes.send(started.process, signal.SIGTERM)
        for name in list(self.processes):
            self.stop(name)

    def pids(self) -> dict[str, int]:
        """Servers and processes, by name."""
        started = {name: one.process.pid for name, one in self.processes.items()}
        return started | {name: process.pid for name, process in self.servers.items()}

    def check(self) -> None:
        """Raises BenchFailed if a process has ended by itself."""
        for name, started in self.processes.items():
            code = started.exit_code()
            if code is not None:
                tail = self.log_file(name).read_text()[-3000:]
                raise BenchFailed(f"the process {name} ended with code {code}:\n{tail}")

    def log_file(self, name: str) -> Path:
        """Where the process of that name writes what it says."""
        return self.home / "logs" / f"{name}.log"

    def written(self, name: str) -> dict[str, object]:
        """A JSON file in the home that a process has left."""
        found: dict[str, object] = json.loads((self.home / name).read_text())
        return found

    def until(self, holds: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
        """Wait until it holds. Raises BenchFailed after so long, or when a process has ended."""
        until = time.monotonic() + seconds
        while not holds():
            self.check()
            if time.monotonic() > until:
                raise BenchFailed(f"after {seconds:.0f} s {otherwise()}")
            time.sleep(0.05)


@contextmanager
def standing(
    tell: Callable[[str], None],
    topics: Sequence[Topic] = ALL_TOPICS,
    partitions: int = PARTITIONS,
    *,
    lean: bool = True,
) -> Iterator[Standing]:
    """Start everything, stop everything. All topics get so many partitions. `lean`: see LocalBroker."""
    home = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    broker, postgres = LocalBroker(home, lean=lean), LocalPostgres(home)
    with ExitStack() as leaving:
        leaving.callback(shutil.rmtree, home, ignore_errors=True)
        leaving.callback(postgres.stop)
        leaving.callback(broker.stop)
        bootstrap_servers, database_url = broker.start(tell), postgres.start(tell)
        broker_is, postgres_is = broker.process(), postgres.process()
        assert broker_is is not None
        assert postgres_is is not None
        migrate(database_url)
        ensure_topics(bootstrap_servers, [replace(topic, partitions=partitions) for topic in topics])
        servers = {BROKER: broker_is, POSTGRES: postgres_is}
        made = Standing(home, bootstrap_servers, database_url, partitions, servers)
        Keyring.create(made.settings.keys_file)
        leaving.callback(_keep_logs, home)
        leaving.callback(made.stop_processes)
        yield made


def _keep_logs(home: Path) -> None:
    """Copy what the processes said to the directory that PENSTOCK_BENCH_LOGS names, if it names one."""
    where = os.environ.get("PENSTOCK_BENCH_LOGS")
    if where and (home / "logs").exists():
        shutil.copytree(home / "logs", where, dirs_exist_ok=True)


def backends_s(standing: Standing, seconds_of: Callable[[int], float]) -> dict[str, float]:
    """CPU seconds of Postgres's processes, by the name of the application or of the background process."""
    statement = "SELECT pid, coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity"
    found: dict[str, float] = {}
    with psycopg.connect(standing.database_url, application_name="bench") as connection:
        for pid, name in connection.execute(statement).fetchall():
            found[name] = found.get(name, 0.0) + seconds_of(pid)
    return found


def transactions(standing: Standing) -> int:
    """How many transactions the database has committed so far; a process tells of its own every second."""
    statement = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    with psycopg.connect(standing.database_url, application_name="bench") as connection:
        row = connection.execute(statement).fetchone()
        return int(row[0]) if row else 0
