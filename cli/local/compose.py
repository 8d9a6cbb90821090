"""Broker and database in containers, where a container engine answers: `docker-compose.kafka.yml`."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.cli.local import ports
from penstock.cli.local.errors import DidNotStart

FILE_NAME: Final = "docker-compose.kafka.yml"
SERVICES: Final = ("kafka", "postgres")
_ENGINE_ANSWERS_S: Final = 5.0
_UP_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Compose:
    """The services of one compose file for one home directory."""

    file: Path
    project: str
    ports_file: Path

    def start(self, service: str) -> int:
        """Start a service and wait until it is healthy; its port on this machine. Raises DidNotStart."""
        self._demand_compose()
        # While the containers run, their ports aren't free, and are the right ones all the same.
        chosen = ports.read(self.ports_file)
        if not chosen or not self.running():
            chosen = ports.remembered(self.ports_file, SERVICES)
        self._run("up", "--detach", "--wait", service, chosen=chosen)
        return chosen[service]

    def stop(self) -> None:
        """Stop the containers; their volumes stay."""
        self._run("stop", chosen=ports.read(self.ports_file))

    def running(self) -> bool:
        """Whether any of the containers runs."""
        return bool(self._run("ps", "--quiet", chosen=ports.read(self.ports_file)).strip())

    def _demand_compose(self) -> None:
        words = ["docker", "compose", "version"]
        try:
            done = subprocess.run(words, capture_output=True, timeout=_ENGINE_ANSWERS_S)
        except subprocess.TimeoutExpired as error:
            raise DidNotStart("a container engine answers, but `docker compose` doesn't in time") from error
        if done.returncode != 0:
            raise DidNotStart("a container engine answers, but it has no `docker compose`")

    def _run(self, *words: str, chosen: dict[str, int]) -> str:
        variables = {f"{name.upper()}_PORT": str(port) for name, port in chosen.items()}
        argv = ["docker", "compose", "--file", str(self.file), "--project-name", self.project, *words]
        try:
            done = subprocess.run(
                argv, env={**os.environ, **variables}, capture_output=True, text=True, timeout=_UP_S
            )
        except subprocess.TimeoutExpired as error:
            raise DidNotStart(f"docker compose {words[0]} took longer than {_UP_S:.0f} s") from error
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise DidNotStart(f"docker compose {words[0]} failed: {' / '.join(last)}")
        return done.stdout


def find(home: Path) -> Compose | None:
    """The compose file of a checkout, where an engine answers; None elsewhere.

    Without its compose plugin the engine is found all the same: then `start` says that it is missing.
    """
    file = Path(__file__).resolve().parents[2] / FILE_NAME
    if os.environ.get("PENSTOCK_CONTAINERS") == "0" or not file.is_file() or shutil.which("docker") is None:
        return None
    try:
        answer = subprocess.run(["docker", "version"], capture_output=True, timeout=_ENGINE_ANSWERS_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode != 0:
        return None
    project = "penstock-" + "".join(c if c.isalnum() else "-" for c in home.parent.name.lower()).strip("-")
    return Compose(file, project, home / "compose-ports.json")
