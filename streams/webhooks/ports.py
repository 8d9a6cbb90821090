"""What notifying needs from outside: rows of what is known of runs, and the deliveries that notices become."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from penstock.runtime.webhook_bodies import body_of
from penstock.runtime.webhooks import KEPT_S
from penstock.streams.transactions import Session

_LOAD: Final = """
SELECT run_id::text, workflow, workflow_version, questions FROM penstock.noticed_run WHERE partition = %s
"""
_SAVE: Final = """
INSERT INTO penstock.noticed_run (run_id, partition, workflow, workflow_version, questions)
VALUES (%s, %s, %s, %s, %s::jsonb)
ON CONFLICT (run_id) DO UPDATE SET partition = excluded.partition, questions = excluded.questions
"""
_GONE: Final = "DELETE FROM penstock.noticed_run WHERE run_id = ANY(%s::uuid[])"
_SUBSCRIBED: Final = b"""
SELECT tenant, unnest(kinds) FROM penstock.webhook WHERE tenant = ANY (%s) AND disabled_at IS NULL
"""
# Whose they are, and since when, the database knows best: it says so in the statement that files them. In one order,
# so that two who file the same never wait for each other in a circle.
_FILE: Final = f"""
INSERT INTO penstock.webhook_delivery (webhook_id, event_id, tenant, kind, body, time_ms)
SELECT w.webhook_id, n.event_id, n.tenant, n.kind, n.body, n.time_ms
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[]) AS n (event_id, tenant, kind, body, time_ms)
JOIN penstock.webhook AS w ON w.tenant = n.tenant AND n.kind = ANY (w.kinds) AND w.since_ms <= n.time_ms
WHERE w.disabled_at IS NULL AND n.time_ms > extract(epoch FROM now() - interval '{KEPT_S} s') * 1000
ORDER BY w.webhook_id, n.event_id
ON CONFLICT (webhook_id, event_id) DO NOTHING
""".encode()


@dataclass(frozen=True, slots=True)
class Question:
    """An open approval, for what its later events don't say."""

    approval_id: str
    role: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run that hasn't ended."""

    run_id: str
    workflow: str
    workflow_version: int
    questions: tuple[Question, ...] = ()

    @property
    def key(self) -> str:
        """Id of the run; notices have their events' ids."""
        return self.run_id


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told to whoever has subscribed. It is open until it has been filed, and settled by nothing."""

    key: str
    run_id: str
    tenant: str
    kind: str
    time_ms: int
    about: Mapping[str, object]

    @property
    def body(self) -> str:
        """The document that is posted. Nobody may have subscribed, so it isn't written before somebody has."""
        return body_of(self.kind, self.key, self.tenant, self.time_ms, self.about)


Known: TypeAlias = KnownRun | Notice


def file(session: Session, notices: Sequence[Notice]) -> int:
    """Make deliveries of them, one for each subscription that has the kind; how many. Those that are there stay as
    they are, so that filing again is harmless."""
    if not notices:
        return 0
    wanted = set(session.execute(_SUBSCRIBED, [sorted({each.tenant for each in notices})]).fetchall())
    told = [each for each in notices if (each.tenant, each.kind) in wanted]
    if not told:
        return 0
    columns = [
        [getattr(each, name) for each in told] for name in ("key", "tenant", "kind", "body", "time_ms")
    ]
    return session.execute(_FILE, columns).rowcount


class NoticeRows:
    """Known runs in `penstock.noticed_run`. Saving notices files them: that they are filed and that the position is
    past their events is one transaction."""

    def load(self, session: Session, partition: int) -> Sequence[Known]:
        rows = session.execute(_LOAD, (partition,)).fetchall()
        return [
            KnownRun(run_id, workflow, version, tuple(Question(*each) for each in questions))
            for run_id, workflow, version, questions in rows
        ]

    def save(self, session: Session, partition: int, works: Mapping[str, Known | None]) -> None:
        gone = [key for key, work in works.items() if work is None]
        if gone:
            session.execute(_GONE, (gone,))
        runs = [_row(work, partition) for work in works.values() if isinstance(work, KnownRun)]
        if runs:
            session.cursor().executemany(_SAVE, runs)
        file(session, [work for work in works.values() if isinstance(work, Notice)])

    def clear(self, session: Session, partition: int) -> None:
        session.execute("DELETE FROM penstock.noticed_run WHERE partition = %s", (partition,))


def _row(run: KnownRun, partition: int) -> tuple[object, ...]:
    questions = [(each.approval_id, each.role, each.expires_at_ms) for each in run.questions]
    return (run.run_id, partition, run.workflow, run.workflow_version, json.dumps(questions))
