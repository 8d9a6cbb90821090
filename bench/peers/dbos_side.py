"""DBOS: a worker process on a Postgres of its own, started and answered through DBOSClient."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.peers.packages import PYTHON, THEIRS
from bench.peers.peer import WORKER, Peer
from bench.standing import POSTGRES
from penstock.cli.local.postgres import LocalPostgres


@dataclass(frozen=True, slots=True)
class Tuning:
    """`config` is DBOSConfig's, `queue` is register_queue's."""

    workflow: str
    config: Mapping[str, object] = field(default_factory=dict)
    queue: Mapping[str, object] = field(default_factory=dict)


INSTALLED: Final = Tuning("review-sync")
BEST: Final = Tuning(
    "review",
    config={"max_executor_threads": 8, "db_engine_kwargs": {"pool_pre_ping": False}},
    queue={"polling_interval_sec": 0.02},
)


class Dbos(Peer):
    """One worker process; the database is the system database alone."""

    def __init__(self, name: str, home: Path, database_url: str, tuning: Tuning) -> None:
        super().__init__(name, home, tuning.workflow, "dbos_load.py")
        self._database_url = database_url
        self._tuning = tuning

    def environment(self) -> dict[str, str]:
        """With the database and the settings."""
        settings = {"config": dict(self._tuning.config), "queue": dict(self._tuning.queue)}
        mine = {"PEERS_DATABASE_URL": self._database_url, "PEERS_SETTINGS": json.dumps(settings)}
        return super().environment() | mine

    def command(self) -> Sequence[str]:
        """The worker that dequeues."""
        return [str(PYTHON), str(THEIRS / "dbos_worker.py")]

    def worker_ready(self) -> bool:
        """It says so, once a start, after the tables are there and the queue is known."""
        return self.log_file(WORKER).read_text().count("serving\n") >= self.starts

    def settings(self) -> dict[str, object]:
        """Beside what is as installed."""
        return {"workflow": self._tuning.workflow, **self._tuning.config, **self._tuning.queue}


@contextmanager
def dbos(tell: Callable[[str], None], name: str = "dbos", tuning: Tuning = BEST) -> Iterator[Dbos]:
    """Its database stands until the block is left."""
    home = Path(tempfile.mkdtemp(prefix="penstock-peers-"))
    postgres = LocalPostgres(home)
    with ExitStack() as leaving:
        leaving.callback(shutil.rmtree, home, ignore_errors=True)
        leaving.callback(postgres.stop)
        made = Dbos(name, home, postgres.start(tell), tuning)
        server = postgres.process()
        assert server is not None
        made.servers[POSTGRES] = server
        leaving.callback(made.end)
        yield made
