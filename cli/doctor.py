"""`penstock doctor`: everything that preflight insists on, and what more can be wrong around a deployment.

Changes nothing. Each finding says what is wrong and, where it can be said exactly, the lines to type.
"""

import difflib
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from typing import Final

from penstock.cli import preflight
from penstock.cli.local import ports, state
from penstock.cli.preflight import Check, Finding, Wrong
from penstock.runtime.errors import NotConfigured
from penstock.runtime.settings import Settings
from penstock.runtime.telemetry_settings import TelemetrySettings

FREE_BYTES_MIN: Final = 1 << 30
# Read by scripts and tests, and by nothing that has a settings class.
_OTHER_VARIABLES: Final = frozenset({"PENSTOCK_CACHE", "PENSTOCK_CONTAINERS", "PENSTOCK_CRASH_AT"})
_REGISTRY_S: Final = 3.0
# What our own user mostly may not do.
_PSQL: Final = 'psql "$ADMIN_DATABASE_URL" -c '


def examine() -> tuple[Finding, ...]:
    """Every check's outcome. The settings come first: with wrong ones nothing else can be asked."""
    try:
        settings = Settings.partial()
    except NotConfigured as error:
        variables = re.findall(r"\b[A-Z]+_[A-Z_]+\b", str(error))
        return (Finding("settings", str(error), tuple(f"unset {name}" for name in variables)),)
    return preflight.findings(settings, CHECKS)


def variables(_: Settings) -> None:
    """No PENSTOCK_ variable that nothing reads: it is mostly a slip of the pen."""
    known = known_variables()
    lines: list[str] = []
    told: list[str] = []
    for name in sorted(os.environ):
        if name.startswith("PENSTOCK_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            told.append(f"{name} is read by nothing" + (f": {near[0]} is meant?" if near else ""))
            lines.append(f'export {near[0]}="${name}"; unset {name}' if near else f"unset {name}")
    if told:
        raise Wrong("; ".join(told), *lines)


def known_variables() -> frozenset[str]:
    """Every PENSTOCK_ variable that something reads."""
    own = {f"PENSTOCK_{name.upper()}" for name in Settings.model_fields}
    telemetry = {str(field.validation_alias) for field in TelemetrySettings.model_fields.values()}
    return frozenset(own | telemetry | _OTHER_VARIABLES)


def addresses(settings: Settings) -> None:
    """Broker and database are named, by the environment or by what `penstock up` wrote."""
    if not (settings.kafka_bootstrap_servers and settings.database_url):
        told = "neither the environment nor local.json names broker and database: `penstock up` starts both"
        raise Wrong(f"{told}, or export KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL", "penstock up --detach")


def home(settings: Settings) -> None:
    """The home directory can be written, and its disk isn't nearly full."""
    place = settings.home if settings.home.exists() else settings.home.parent
    if not os.access(place, os.W_OK):
        raise Wrong(
            f"{place} can't be written by this user: chown it, or export PENSTOCK_HOME with another directory"
        )
    free = shutil.disk_usage(place).free
    if free < FREE_BYTES_MIN:
        raise Wrong(
            f"the disk of {place} has {free >> 20} MiB left, and a broker or database there stops when it is full: "
            "free some, or export PENSTOCK_HOME with a directory on another disk"
        )


def api_port(settings: Settings) -> None:
    """It is free, or what listens there is our own API."""
    port = settings.api_port
    standing = state.read(settings)
    if not port or ports.is_free(port) or (standing and "api" in standing.alive()):
        return
    free = ports.free_port()
    told = f"port {port} of the API is in use by another program: export PENSTOCK_API_PORT with a free one"
    raise Wrong(told, f"export PENSTOCK_API_PORT={free}")


def newer_database(settings: Settings) -> None:
    """No newer version has migrated it."""
    from penstock.runtime.postgres import migrations
    from penstock.runtime.postgres_checks import newer_migrations

    unknown = newer_migrations(settings, tuple(migration.name for migration in migrations()))
    if unknown:
        raise Wrong(
            f"the database has {', '.join(unknown)}, which this version doesn't know: install the version that "
            "made it, or restore the database from before"
        )


def tenant_wall(settings: Settings) -> None:
    """The API may ask the database as a tenant, and is shown that tenant's rows alone."""
    from penstock.runtime.postgres_walls import holes, role_refused

    refused = role_refused(settings)
    if refused:
        why, statement = refused
        told = f"the API can't read as a tenant ({why}): an administrator of the database says `{statement}`"
        raise Wrong(told, f"{_PSQL}{shlex.quote(statement)}")
    found = holes(settings)
    if found:
        told = "; ".join(why for why, _ in found)
        raise Wrong(
            f"the database doesn't keep tenants apart ({told}): the tables' owner, or an administrator, says "
            "what stands below",
            *(f"{_PSQL}{shlex.quote(statement)}" for _, statement in found),
        )


def durability(settings: Settings) -> None:
    """What Postgres has committed survives a power cut."""
    from penstock.runtime.postgres_checks import lax_settings

    lax = lax_settings(settings)
    if lax:
        lines = [f"{_PSQL}'ALTER SYSTEM SET {name} = on'" for name in lax]
        raise Wrong(
            f"Postgres has {', '.join(f'{name} = off' for name in lax)}: after a power cut it may have lost what it "
            "had committed, and then it is refused beside the log",
            *lines,
            f"{_PSQL}'SELECT pg_reload_conf()'",
        )


def one_log(settings: Settings) -> None:
    """What the database holds was derived from the log that is there (law L4)."""
    from penstock.producers.errors import LogError
    from penstock.producers.kafka import KafkaLog
    from penstock.runtime.postgres_checks import of_another_log, topics_with_positions

    log = KafkaLog(settings.kafka_bootstrap_servers, "penstock.doctor")
    log.give_up_after(10)
    try:
        identities = {topic: log.identity(topic) for topic in topics_with_positions()}
    except LogError as error:
        raise Wrong(str(error)) from error
    finally:
        log.close()
    strangers = of_another_log(settings, identities)
    if strangers:
        raise Wrong(
            f"{'; '.join(strangers)}: made from another log than the broker's now. Name the broker or the database "
            "that belong together; or, if the old log is gone for good, `penstock reset-derived` empties what came "
            "from it",
            'penstock reset-derived --yes --reason "the old log is gone"',
        )


def registry(settings: Settings) -> None:
    """If a schema registry is named, it answers, and takes the schemas of this version."""
    if not settings.schema_registry_url:
        return
    from penstock.schemas.confluent import LiveSchemas, RegistryRefused, RegistryUnavailable

    live = LiveSchemas(settings.schema_registry_url, wait_s=_REGISTRY_S)
    try:
        live.register_all()
    except (RegistryUnavailable, RegistryRefused) as error:
        told = (
            f"{error}: start it, or correct SCHEMA_REGISTRY_URL; without it the ids of registry.lock are used"
        )
        raise Wrong(told, "unset SCHEMA_REGISTRY_URL") from error
    finally:
        live.close()


def _checks() -> Iterator[tuple[str, Check]]:
    yield from {"variables": variables, "addresses": addresses, "home": home, "api port": api_port}.items()
    yield from preflight.CHECKS.items()
    yield from {
        "newer database": newer_database,
        "tenant wall": tenant_wall,
        "durability": durability,
        "one log": one_log,
        "schema registry": registry,
    }.items()


CHECKS: Final[Mapping[str, Check]] = dict(_checks())
