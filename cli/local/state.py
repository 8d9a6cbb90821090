"""`local.json`: what stands in this home directory, written by `penstock up`, read by every other command.

It holds the database's password, so its mode is 0600; it is replaced in one step: no reader sees half of it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.cli.local.processes import Process
from penstock.runtime.settings import Settings

SUPERVISOR: Final = "up"


@dataclass(frozen=True, slots=True)
class LocalState:
    """Addresses, which servers are ours to stop, and the processes that were running when it was written."""

    kafka_bootstrap_servers: str = ""
    database_url: str = ""
    schema_registry_url: str = ""
    api_url: str = ""
    broker_from: str = ""
    database_from: str = ""
    processes: Mapping[str, Process] = field(default_factory=dict)
    metrics_ports: Mapping[str, int] = field(default_factory=dict)

    def alive(self) -> dict[str, Process]:
        """The processes that still run."""
        return {name: process for name, process in self.processes.items() if process.alive()}


def read(settings: Settings) -> LocalState | None:
    """The state as written last, or None where nothing was started. Raises NotConfigured if it is broken."""
    written = settings.read_local()
    if not written:
        return None
    found = written.get("processes")
    running = {
        str(name): Process(int(entry["pid"]), str(entry["born"]))
        for name, entry in (found if isinstance(found, dict) else {}).items()
    }

    ports = written.get("metrics_ports")

    def text(name: str) -> str:
        return str(written.get(name) or "")

    return LocalState(
        kafka_bootstrap_servers=text("kafka_bootstrap_servers"),
        database_url=text("database_url"),
        schema_registry_url=text("schema_registry_url"),
        api_url=text("api_url"),
        broker_from=text("broker_from"),
        database_from=text("database_from"),
        processes=running,
        metrics_ports={
            str(name): int(port) for name, port in (ports if isinstance(ports, dict) else {}).items()
        },
    )


def write(settings: Settings, state: LocalState) -> None:
    """Replace the file."""
    described = {
        "kafka_bootstrap_servers": state.kafka_bootstrap_servers,
        "database_url": state.database_url,
        "schema_registry_url": state.schema_registry_url,
        "api_url": state.api_url,
        "broker_from": state.broker_from,
        "database_from": state.database_from,
        "processes": {name: {"pid": one.pid, "born": one.born} for name, one in state.processes.items()},
        "metrics_ports": dict(state.metrics_ports),
    }
    settings.home.mkdir(parents=True, exist_ok=True)
    beside = settings.local_file.with_suffix(".writing")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(described, file, indent=2)
    beside.replace(settings.local_file)


def remove(settings: Settings) -> None:
    """Nothing stands here any more."""
    settings.local_file.unlink(missing_ok=True)
