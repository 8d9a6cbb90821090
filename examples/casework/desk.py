"""The connections of this process to the bank's systems, made when a tool first needs them."""

import atexit
from dataclasses import dataclass
from functools import cache
from typing import Final

from penstock.examples.casework.drafter import Drafter, RuleDrafter
from penstock.examples.casework.policy import PolicyIndex
from penstock.examples.casework.store import CaseStore
from penstock.runtime.errors import NotConfigured
from penstock.runtime.postgres import pool
from penstock.runtime.settings import Settings

CONNECTIONS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with."""

    store: CaseStore
    policy: PolicyIndex
    drafter: Drafter


@cache
def desk_at(database_url: str) -> Desk:
    """The desk on a database, with one small pool; the same for all threads of the process."""
    connections = pool(database_url, size_max=CONNECTIONS_MAX, application_name="casework")
    atexit.register(connections.close)
    return Desk(CaseStore(connections), PolicyIndex(connections), RuleDrafter())


def desk() -> Desk:
    """The desk of this process, on the database of its settings. Raises NotConfigured."""
    return desk_at(_database_url())


@cache
def _database_url() -> str:
    url = Settings.partial().database_url
    if not url:
        raise NotConfigured("DATABASE_URL isn't set: type `penstock up`, or export DATABASE_URL")
    return url
