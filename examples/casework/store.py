"""The bank's case store: the target that tools act on. It stands outside Penstock and knows nothing of runs.

Reads and writes the Postgres schema `casework`. An update and its row in the journal of executions are one
transaction; a key that was voided is never executed afterwards.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from penstock.examples.casework.database import CONNECTION_WAIT_S, Jsonb, Pool, Session
from penstock.examples.casework.facts import CaseFacts
from penstock.examples.casework.recommendation import Outcome

EVERY_ATTEMPT: Final = 2**31 - 1

UPDATE_TOOL: Final = "update_case_status"
NOTICE_TOOL: Final = "notify_consumer"

STATUSES: Final[dict[Outcome, str]] = {
    "provisional_credit": "provisionally_credited",
    "refund": "refunded",
    "deny": "denied",
    "request_documents": "awaiting_consumer",
    "refer_to_supervisor": "with_supervisor",
    "close_duplicate": "duplicate",
}

# Everything that concerns one key happens one after the other: otherwise an update that is about to commit
# and a void of its key could both succeed.
_ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 4711))"

_UPDATE: Final = """
    update casework.cases
    set status = %(status)s, credited_cents = credited_cents + %(amount_cents)s, updates = updates + 1
    where case_id = %(case_id)s
"""
_JOURNAL: Final = """
    insert into casework.execution (call_key, attempt, tool, arguments) values (%s, %s, %s, %s)
    returning nonce, call_key, attempt, tool, arguments, executed_at
"""
_EXECUTIONS: Final = """
    select nonce, call_key, attempt, tool, arguments, executed_at from casework.execution
    where call_key = %s order by executed_at, nonce
"""
_VOIDED: Final = "select 1 from casework.voided where call_key = %s and attempt >= %s"
_VOID: Final = "insert into casework.voided (call_key, attempt) values (%s, %s) on conflict do nothing"
_SEND: Final = """
    insert into casework.notices (notice_key, case_id, kind, letter)
    select %(key)s, case_id, %(kind)s, %(letter)s from casework.cases where case_id = %(case_id)s
    on conflict (notice_key) do nothing
"""


class StoreRefused(Exception):
    """The store said no, and nothing was done: report it, asking again won't help."""


class CaseUnknown(StoreRefused):
    """No case has this id: correct the id."""


class CallVoided(StoreRefused):
    """This attempt of the call was voided and must never happen: only a later attempt, or a new call, may."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One row of the target's own journal. Two rows with one key: the effect took place twice."""

    nonce: UUID
    call_key: str
    attempt: int
    tool: str
    arguments: Mapping[str, object]
    executed_at: datetime


class CaseStore:
    """Cases, letters and the journal of executions. Safe to share between threads."""

    def __init__(self, pool: Pool, slowness_s: float = 0) -> None:
        """`slowness_s`: how long an update's answer takes once it is done, as old systems' answers do."""
        self._pool = pool
        self._slowness_s = slowness_s

    def read(self, case_id: str) -> CaseFacts:
        """The facts of a case with its present status. Raises CaseUnknown."""
        with self._pool.connection(CONNECTION_WAIT_S) as connection:
            row = connection.execute(
                "select facts, status from casework.cases where case_id = %s", [case_id]
            ).fetchone()
        if row is None:
            raise CaseUnknown(f"no case has the id {case_id}")
        return CaseFacts.model_validate({**row[0], "case_id": case_id, "status": row[1]})

    def update(
        self,
        call_key: str,
        *,
        case_id: str,
        outcome: Outcome,
        amount_cents: int,
        arguments: Mapping[str, object],
        attempt: int = 1,
    ) -> Execution:
        """Set the case's status and credit the amount, and note the execution, in one transaction.

        Like the old system that it stands for it doesn't recognize a repetition: called twice, it pays twice,
        and the journal shows it. Raises CallVoided, CaseUnknown.
        """
        change = {"case_id": case_id, "status": STATUSES[outcome], "amount_cents": amount_cents}
        with self._pool.connection(CONNECTION_WAIT_S) as connection, connection.transaction():
            connection.execute(_ONE_AT_A_TIME, [call_key])
            if connection.execute(_VOIDED, [call_key, attempt]).fetchone() is not None:
                raise CallVoided(f"attempt {attempt} of the call {call_key} was voided")
            if connection.execute(_UPDATE, change).rowcount == 0:
                raise CaseUnknown(f"no case has the id {case_id}")
            execution = _note(connection, call_key, attempt, UPDATE_TOOL, arguments)
        time.sleep(self._slowness_s)
        return execution

    def void(self, call_key: str, attempt: int = EVERY_ATTEMPT) -> Execution | None:
        """See to it that no attempt up to this one ever happens: None when none did or will.

        Where one has happened already its execution is returned, and nothing is voided.
        """
        with self._pool.connection(CONNECTION_WAIT_S) as connection, connection.transaction():
            connection.execute(_ONE_AT_A_TIME, [call_key])
            row = connection.execute(_EXECUTIONS, [call_key]).fetchone()
            if row is not None:
                return Execution(*row)
            connection.execute(_VOID, [call_key, attempt])
            return None

    def send(
        self, key: str, *, case_id: str, kind: Outcome, letter: str, arguments: Mapping[str, object]
    ) -> bool:
        """Send a letter once for the key: True if it goes out now, False if it had. Raises CaseUnknown."""
        notice = {"key": key, "case_id": case_id, "kind": kind, "letter": letter}
        with self._pool.connection(CONNECTION_WAIT_S) as connection, connection.transaction():
            if connection.execute(_SEND, notice).rowcount:
                _note(connection, key, 1, NOTICE_TOOL, arguments)
                return True
            known = connection.execute(
                "select 1 from casework.notices where notice_key = %s", [key]
            ).fetchone()
            if known is None:
                raise CaseUnknown(f"no case has the id {case_id}")
            return False

    def executions(self, call_key: str) -> tuple[Execution, ...]:
        """What the journal holds under a call's key, oldest first."""
        with self._pool.connection(CONNECTION_WAIT_S) as connection:
            return tuple(Execution(*row) for row in connection.execute(_EXECUTIONS, [call_key]))

    def execution_counts(self, tool: str) -> dict[str, int]:
        """How often each call of a tool was executed, by call key. Anything above 1 is a broken promise."""
        with self._pool.connection(CONNECTION_WAIT_S) as connection:
            rows = connection.execute(
                "select call_key, count(*) from casework.execution where tool = %s group by call_key", [tool]
            )
            return {str(key): int(count) for key, count in rows}


def _note(
    connection: Session, key: str, attempt: int, tool: str, arguments: Mapping[str, object]
) -> Execution:
    row = connection.execute(_JOURNAL, [key, attempt, tool, Jsonb(dict(arguments))]).fetchone()
    assert row is not None  # an insert with returning gives its row, or raises
    return Execution(*row)
