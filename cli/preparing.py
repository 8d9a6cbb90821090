"""Everything that must stand before Penstock's processes start, and the way back if that fails."""

import os
from dataclasses import replace

from penstock.cli import api_keys, preflight
from penstock.cli.local import ports, processes, servers, state
from penstock.cli.local.processes import Process
from penstock.cli.local.state import SUPERVISOR, LocalState
from penstock.cli.local.supervisor import STOP_DEADLINE_S, stop_together
from penstock.cli.screen import console, say, step
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings


def prepare(settings: Settings) -> LocalState:
    """Everything that must stand before the processes start; if that fails, nothing is left running.

    `settings` hold what the environment says, and not what an earlier start wrote.
    """
    stop_leftovers(settings)
    if not ports.is_free(settings.api_port):
        raise SetupError(
            f"port {settings.api_port} of the API is in use by another program: "
            "export PENSTOCK_API_PORT with a free one"
        )
    try:
        return _prepare(settings)
    except BaseException:
        standing = state.read(settings) or LocalState()
        stop_servers(
            settings,
            replace(
                standing,
                broker_from=standing.broker_from or servers.OWN,
                database_from=standing.database_from or servers.OWN,
            ),
        )
        raise


def _prepare(settings: Settings) -> LocalState:
    with step("broker") as under_way:
        broker = servers.start_broker(settings.kafka_bootstrap_servers, settings.home, under_way.note)
        standing = LocalState(
            kafka_bootstrap_servers=broker.address,
            broker_from=broker.origin,
            schema_registry_url=settings.schema_registry_url,
            processes={SUPERVISOR: Process(os.getpid(), processes.birth(os.getpid()))},
        )
        state.write(settings, standing)
        under_way.outcome = f"{broker.address} ({_origin(broker.origin)})"
    with step("database") as under_way:
        database = servers.start_database(settings.database_url, settings.home, under_way.note)
        standing = replace(standing, database_url=database.address, database_from=database.origin)
        state.write(settings, standing)
        under_way.outcome = f"Postgres ({_origin(database.origin)})"
    furnish(_at_addresses(settings, standing))
    return standing


def furnish(settings: Settings) -> None:
    """Tables, topics and keys, each made where it is missing, and the checks. Raises SetupError."""
    with step("migrations") as under_way:
        under_way.outcome = f"{len(migrate(settings))} applied now"
    with step("topics") as under_way:
        under_way.outcome = _make_topics(settings.kafka_bootstrap_servers)
    with step("keys") as under_way:
        made = _make_keys(settings)
        under_way.outcome = "made, shown once below" if made else "as before"
    _show_keys(made)
    with step("preflight") as under_way:
        under_way.outcome = f"{preflight.insist(settings)} checks passed"


def stop_leftovers(settings: Settings) -> None:
    """Processes whose supervisor was killed: they would share the partitions with those started now."""
    standing = state.read(settings)
    left = standing.alive() if standing else {}
    left = {
        name: process for name, process in left.items() if process.pid != os.getpid() and name != SUPERVISOR
    }
    if left:
        say(f"stopping what an earlier start left running: {', '.join(left)}")
        stop_together(left, STOP_DEADLINE_S)


def stop_servers(settings: Settings, standing: LocalState) -> None:
    """Stop what of broker and database is ours; nothing stands here after that."""
    servers.stop(standing.broker_from, standing.database_from, settings, say)
    state.remove(settings)


def _at_addresses(settings: Settings, standing: LocalState) -> Settings:
    """The settings that the processes will have."""
    addresses = {
        "kafka_bootstrap_servers": standing.kafka_bootstrap_servers,
        "database_url": standing.database_url,
    }
    return settings.model_copy(update=addresses)


def _origin(origin: str) -> str:
    return {
        servers.ENVIRONMENT: "named by the environment",
        servers.CONTAINER: "in a container",
        servers.OWN: "started here",
    }[origin]


def _make_topics(bootstrap_servers: str) -> str:
    from penstock.producers.topics_admin import ensure_topics

    made = ensure_topics(bootstrap_servers)
    return f"{len(made)} made now"


def _make_keys(settings: Settings) -> tuple[api_keys.NewKey, ...]:
    from penstock.producers.signing import Keyring

    if settings.keys_file.exists():
        Keyring.complete(settings.keys_file)
    else:
        Keyring.create(settings.keys_file)
    return api_keys.ensure(settings.api_keys_file)


def _show_keys(made: tuple[api_keys.NewKey, ...]) -> None:
    if made:
        console.print("\n  API keys, shown this once (only their hashes are kept):")
    for key in made:
        console.print(f"    {key.subject:<6} {', '.join(key.roles):<19} {key.text}", markup=False)
    if made:
        console.print()
