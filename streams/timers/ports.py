"""What firing timers needs from outside: a table for what is armed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.streams.transactions import Session

_LOAD: Final = """
SELECT timer_id::text, run_id::text, tenant, due_ms, firing FROM penstock.timer WHERE partition = %s
"""
_SAVE: Final = """
INSERT INTO penstock.timer (timer_id, partition, run_id, tenant, due_ms, firing)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (timer_id) DO UPDATE SET
    partition = excluded.partition, due_ms = excluded.due_ms, firing = excluded.firing
"""


@dataclass(frozen=True, slots=True)
class ArmedTimer:
    """A timer that hasn't fired. `firing` is the one that is next, from 1; each early one adds one."""

    key: str
    run_id: str
    tenant: str
    due_ms: int
    firing: int = 1


class TimerRows:
    """Armed timers in `penstock.timer`."""

    def load(self, session: Session, partition: int) -> Sequence[ArmedTimer]:
        return [ArmedTimer(*row) for row in session.execute(_LOAD, (partition,)).fetchall()]

    def save(self, session: Session, partition: int, works: Mapping[str, ArmedTimer | None]) -> None:
        gone = [key for key, timer in works.items() if timer is None]
        if gone:
            session.execute("DELETE FROM penstock.timer WHERE timer_id = ANY(%s::uuid[])", (gone,))
        rows = [
            (timer.key, partition, timer.run_id, timer.tenant, timer.due_ms, timer.firing)
            for timer in works.values()
            if timer is not None
        ]
        if rows:
            session.cursor().executemany(_SAVE, rows)

    def clear(self, session: Session, partition: int) -> None:
        session.execute("DELETE FROM penstock.timer WHERE partition = %s", (partition,))
