"""The names of the database driver that the example uses: its systems are its own, and so is their SQL."""

from typing import TypeAlias

from psycopg import Connection  # noqa: TID251
from psycopg.rows import TupleRow, class_row  # noqa: TID251
from psycopg.types.json import Jsonb  # noqa: TID251
from psycopg_pool import ConnectionPool, PoolTimeout  # noqa: TID251

Session: TypeAlias = Connection[TupleRow]
Pool: TypeAlias = ConnectionPool[Session]

__all__ = ["Jsonb", "Pool", "PoolTimeout", "Session", "class_row"]
