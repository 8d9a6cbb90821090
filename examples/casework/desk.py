"""The connections of this process to the bank's systems, made when a tool first needs them."""

import atexit
import os
from dataclasses import dataclass
from functools import cache
from typing import Final

from penstock.examples.casework.database import Pool
from penstock.examples.casework.drafter import Drafter, RuleDrafter
from penstock.examples.casework.policy import PolicyIndex
from penstock.examples.casework.store import CaseStore
from penstock.runtime.errors import NotConfigured
from penstock.runtime.postgres import pool
from penstock.runtime.settings import Settings

CONNECTIONS_MAX: Final = 8
# How many milliseconds the case store takes to answer an update; the demonstration sets it.
SLOWNESS: Final = "CASEWORK_SLOWNESS_MS"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with. Safe to share between threads."""

    store: CaseStore
    policy: PolicyIndex
    drafter: Drafter
    connections: Pool


def open_desk(database_url: str, slowness_s: float = 0) -> Desk:
    """A desk on a database, with a small pool of its own, which its opener closes."""
    connections = pool(database_url, size_max=CONNECTIONS_MAX, application_name="casework")
    return Desk(CaseStore(connections, slowness_s), PolicyIndex(connections), RuleDrafter(), connections)


@cache
def desk() -> Desk:
    """The desk of this process, on the database of its settings. Raises NotConfigured without one."""
    url = Settings.partial().database_url
    if not url:
        raise NotConfigured("DATABASE_URL isn't set: type `penstock up`, or export DATABASE_URL")
    made = open_desk(url, float(os.environ.get(SLOWNESS, "0")) / 1000)
    atexit.register(made.connections.close)
    return made
