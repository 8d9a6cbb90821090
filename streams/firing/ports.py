"""What firing schedules needs from outside: two tables for what is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from penstock.streams.transactions import Session

_LOAD_DUE: Final = """
SELECT schedule_id::text, tenant, due_ms, armed_seq, early FROM penstock.due_schedule WHERE partition = %s
"""
_LOAD_FIRED: Final = """
SELECT run_id::text, schedule_id::text, tenant, fired FROM penstock.fired_run WHERE partition = %s
"""
_SAVE_DUE: Final = """
INSERT INTO penstock.due_schedule (schedule_id, partition, tenant, due_ms, armed_seq, early)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (schedule_id) DO UPDATE SET
    partition = excluded.partition, due_ms = excluded.due_ms, armed_seq = excluded.armed_seq, early = excluded.early
"""
_SAVE_FIRED: Final = """
INSERT INTO penstock.fired_run (run_id, partition, schedule_id, tenant, fired) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (run_id) DO UPDATE SET partition = excluded.partition, fired = excluded.fired
"""


@dataclass(frozen=True, slots=True)
class DueTime:
    """When a schedule is due next; its key is the schedule's id.

    `armed_seq` is the event that said so, which tells firings apart; `early` how often it was fired too early.
    """

    key: str
    tenant: str
    due_ms: int
    armed_seq: int
    early: int = 0

    @property
    def run_id(self) -> str:
        """What it belongs to: the schedule."""
        return self.key


@dataclass(frozen=True, slots=True)
class FiredRun:
    """A run that is to be started; its key is the run's id. `fired` is the ScheduleFired as it stands on the log."""

    key: str
    schedule_id: str
    tenant: str
    fired: bytes

    @property
    def run_id(self) -> str:
        """What it belongs to: the schedule."""
        return self.schedule_id


ScheduleWork: TypeAlias = DueTime | FiredRun


class ScheduleRows:
    """Both kinds, in `penstock.due_schedule` and `penstock.fired_run`."""

    def load(self, session: Session, partition: int) -> Sequence[ScheduleWork]:
        due = [DueTime(*row) for row in session.execute(_LOAD_DUE, (partition,)).fetchall()]
        rows = session.execute(_LOAD_FIRED, (partition,)).fetchall()
        return [
            *due,
            *(FiredRun(run_id, schedule, tenant, bytes(fired)) for run_id, schedule, tenant, fired in rows),
        ]

    def save(self, session: Session, partition: int, works: Mapping[str, ScheduleWork | None]) -> None:
        gone = [key for key, work in works.items() if work is None]
        if gone:
            session.execute("DELETE FROM penstock.due_schedule WHERE schedule_id = ANY(%s::uuid[])", (gone,))
            session.execute("DELETE FROM penstock.fired_run WHERE run_id = ANY(%s::uuid[])", (gone,))
        due = [
            (work.key, partition, work.tenant, work.due_ms, work.armed_seq, work.early)
            for work in works.values()
            if isinstance(work, DueTime)
        ]
        if due:
            session.cursor().executemany(_SAVE_DUE, due)
        fired = [
            (work.key, partition, work.schedule_id, work.tenant, work.fired)
            for work in works.values()
            if isinstance(work, FiredRun)
        ]
        if fired:
            session.cursor().executemany(_SAVE_FIRED, fired)

    def clear(self, session: Session, partition: int) -> None:
        session.execute("DELETE FROM penstock.due_schedule WHERE partition = %s", (partition,))
        session.execute("DELETE FROM penstock.fired_run WHERE partition = %s", (partition,))
