"""Connections that see one tenant's rows only, whatever they are asked (migration 0016), and some that see all.

The tables' owner, as whom everything else is done, is under no policy. These connections act as another role from
their first moment, and the rows that they see are those of the tenant last named.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakKeyDictionary

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.runtime.postgres import BROKEN_OFF, pool
from penstock.runtime.settings import Settings

ROLE: Final = "penstock_tenant"
# For what is asked of the whole deployment, which is little.
_WHOLE_MAX: Final = 2
# Raised by a connection, or by the wait for one, when the database doesn't answer.
Away: Final = BROKEN_OFF


class Walls:
    """Two pools. Thread-safe; opened in the background."""

    def __init__(self, where: Settings | str, connections_max: int, application_name: str) -> None:
        self._of_tenants = pool(where, size_max=connections_max, application_name=application_name, role=ROLE)
        self._whole = pool(where, size_min=0, size_max=_WHOLE_MAX, application_name=application_name)
        self._named: WeakKeyDictionary[Connection[TupleRow], str] = WeakKeyDictionary()

    @contextmanager
    def within(self, tenant: str, wait_s: float) -> Iterator[Connection[TupleRow]]:
        """A connection that sees this tenant's rows. Raises Away."""
        with self._of_tenants.connection(wait_s) as connection:
            # One statement more where the last to use it was another tenant.
            if self._named.get(connection) != tenant:
                self._named.pop(connection, None)
                connection.execute("SELECT set_config('penstock.tenant', %s, false)", (tenant,))
                self._named[connection] = tenant
            yield connection

    @contextmanager
    def whole(self, wait_s: float) -> Iterator[Connection[TupleRow]]:
        """A connection that sees every tenant's rows. Raises Away."""
        with self._whole.connection(wait_s) as connection:
            yield connection

    def close(self) -> None:
        """Let the connections go."""
        self._of_tenants.close()
        self._whole.close()
