"""The names of the database driver that the example uses: its systems are its own, and so is their SQL."""

from typing import Final, TypeAlias

from psycopg import Connection  # noqa: TID251
from psycopg.rows import TupleRow, class_row  # noqa: TID251
from psycopg.types.json import Jsonb  # noqa: TID251
from psycopg_pool import ConnectionPool, PoolTimeout  # noqa: TID251

Session: TypeAlias = Connection[TupleRow]
Pool: TypeAlias = ConnectionPool[Session]

# Less than any tool's timeout: who gets no connection is to hear that nothing was done, not to time out.
CONNECTION_WAIT_S: Final = 5.0

__all__ = ["CONNECTION_WAIT_S", "Jsonb", "Pool", "PoolTimeout", "Session", "class_row"]
