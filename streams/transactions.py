"""Whole transactions on one connection that is made anew when it breaks.

The absence of the database is nobody's fault and loses nothing (law L5, unavailable): who must wait, waits.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

import psycopg
from psycopg import Connection
from psycopg.errors import InvalidSchemaName, UndefinedTable
from psycopg.rows import TupleRow

from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import BROKEN_OFF, connect

log = logging.getLogger("penstock.streams.transactions")
T = TypeVar("T")
Session: TypeAlias = Connection[TupleRow]

RETRY_FIRST_S: Final = 0.05
RETRY_LONGEST_S: Final = 2.0

# A table that is missing is a database being restored, or one whose migrations are on their way.
AWAY: Final = (
    *BROKEN_OFF,
    psycopg.InterfaceError,
    UndefinedTable,
    InvalidSchemaName,
    DatabaseAway,
)


class Stopping(Exception):
    """The worker is closing while the database is away: what was asked for wasn't done."""


class Transactions:
    """Each call is one transaction. Threads may share it; they take turns."""

    def __init__(self, database_url: str, name: str, stopping: threading.Event) -> None:
        self._url = database_url
        self._name = name
        self._stopping = stopping
        self._lock = threading.Lock()
        self._session: Session | None = None

    def once(self, work: Callable[[Session], T]) -> T:
        """Try it once. Raises one of AWAY when the database is away; whether it was committed isn't known."""
        with self._lock:
            try:
                if self._session is None or self._session.closed:
                    self._session = connect(self._url, application_name=self._name)
                with self._session.transaction():
                    return work(self._session)
            except AWAY:
                self._forget()
                raise

    def patiently(self, work: Callable[[Session], T]) -> T:
        """Try until the database answers; `work` must bear repetition after a commit whose reply was lost.

        Raises Stopping if the worker closes meanwhile.
        """
        delay_s = RETRY_FIRST_S
        while True:
            try:
                return self.once(work)
            except AWAY as error:
                log.warning("%s: the database is away (%s); trying again", self._name, str(error).strip())
            if self._stopping.wait(delay_s):
                raise Stopping(f"{self._name}: closing while the database is away")
            delay_s = min(delay_s * 2, RETRY_LONGEST_S)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
