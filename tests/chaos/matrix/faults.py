"""The kinds of faults, and who does the harm."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.chaos.matrix import harm_log as log
from tests.chaos.matrix import harm_servers as servers
from tests.chaos.matrix import harm_workers as workers
from tests.chaos.matrix import poison
from tests.chaos.matrix.harm import Heal
from tests.chaos.matrix.schedule import Fault
from tests.chaos.matrix.site import Site

FAULTS: Final[Mapping[str, Callable[[Site, Fault], Heal]]] = {
    "kill": workers.kill,
    "kill-at": workers.kill_at,
    "freeze": workers.freeze,
    "broker-stopped": servers.broker_stopped,
    "postgres-stopped": servers.postgres_stopped,
    "power-cut": servers.power_cut,
    "database-dropped": servers.database_dropped,
    "database-restored": servers.database_restored,
    "connections-terminated": servers.connections_terminated,
    "connections-cut": servers.connections_cut,
    "silence": servers.silence,
    "doubled": workers.doubled,
    "halved": workers.halved,
    "next-version": workers.next_version,
    "disk-full-broker": servers.disk_full,
    "disk-full-postgres": servers.disk_full,
    "disk-full-home": workers.home_full,
    "log-restored": log.log_restored,
    "clock": workers.clock,
    "poison": poison.harm,
    "rebalances": workers.rebalances,
}
