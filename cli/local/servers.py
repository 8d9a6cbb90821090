"""Which broker and which database: those that the environment names, else containers, else our own.

The choice is made once for a home directory and kept: data in a container isn't looked for in a JVM.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.cli.local import compose, ports
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.errors import DidNotStart
from penstock.cli.local.postgres import LocalPostgres
from penstock.runtime.settings import Settings

ENVIRONMENT: Final = "environment"
CONTAINER: Final = "container"
OWN: Final = "own"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Server:
    """An address and who runs it: ENVIRONMENT (never ours to stop), CONTAINER or OWN."""

    address: str
    origin: str


def start_broker(given: str, home: Path, tell: Tell) -> Server:
    """A broker that answers. `given` is what the environment says, or "". Raises SetupError."""
    if given:
        return Server(given, ENVIRONMENT)
    port = _container_port("kafka", home, tell)
    return Server(f"{ports.HOST}:{port}", CONTAINER) if port else Server(LocalBroker(home).start(tell), OWN)


def start_database(given: str, home: Path, tell: Tell) -> Server:
    """A database that answers. `given` is what the environment says, or "". Raises SetupError."""
    if given:
        return Server(given, ENVIRONMENT)
    port = _container_port("postgres", home, tell)
    if port:
        return Server(f"postgresql://penstock_owner:penstock@{ports.HOST}:{port}/penstock", CONTAINER)
    return Server(LocalPostgres(home).start(tell), OWN)


def mend(broker_from: str, database_from: str, home: Path, tell: Tell) -> None:
    """Start again what is ours and has died. Raises SetupError."""
    if broker_from == OWN and LocalBroker(home).process() is None:
        tell("the broker has died, starting it again")
        LocalBroker(home).start(tell)
    if database_from == OWN and LocalPostgres(home).process() is None:
        tell("Postgres has died, starting it again")
        LocalPostgres(home).start(tell)


def stop(broker_from: str, database_from: str, settings: Settings, tell: Tell) -> None:
    """Stop what is ours, the broker first: its clients are gone by now."""
    containers = compose.find(settings.home) if CONTAINER in (broker_from, database_from) else None
    if containers is not None:
        tell("stopping the containers")
        containers.stop()
    if broker_from == OWN and LocalBroker(settings.home).process():
        tell("stopping the broker")
        LocalBroker(settings.home).stop()
    if database_from == OWN and LocalPostgres(settings.home).process():
        tell("stopping Postgres")
        LocalPostgres(settings.home).stop()


def _container_port(service: str, home: Path, tell: Tell) -> int | None:
    """The port of a service in a container; None where it is to be a server of our own."""
    used_before = home / f"{service}-in-container"
    if (home / service).exists():
        return None  # This home's data lies in a server of our own.
    containers = compose.find(home)
    if containers is None:
        if used_before.exists():
            raise DidNotStart(
                f"the data of {service} lies in a container and no engine answers: start the engine, "
                f"or, if the data may go, remove {home}"
            )
        return None
    tell(f"starting {service} in a container (the first time its image is fetched)")
    try:
        port = containers.start(service)
    except DidNotStart as failure:
        if used_before.exists():
            raise
        tell(f"{failure}; running a server of our own instead")
        return None
    used_before.touch()
    return port
