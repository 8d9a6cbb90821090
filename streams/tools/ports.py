"""What calling tools needs from outside: the declared tools, and a table for what is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from sys import intern
from typing import Final, Protocol, TypeAlias

from penstock.declare.tools import Tool
from penstock.schemas.codec import Codec
from penstock.schemas.run.records import ToolCallRequested
from penstock.streams.transactions import Session

_LOAD_RUNS: Final = "SELECT run_id::text, requester FROM penstock.open_run WHERE partition = %s"
_LOAD: Final = """
SELECT requested, requester, started_lease, started_worker, in_doubt, deferred
FROM penstock.open_call WHERE partition = %s
"""
_SAVE_RUN: Final = """
INSERT INTO penstock.open_run (run_id, partition, requester) VALUES (%s, %s, %s)
ON CONFLICT (run_id) DO NOTHING
"""
_SAVE: Final = """
INSERT INTO penstock.open_call
    (call_id, partition, run_id, tenant, requester, attempt, tool, tool_version, effect, not_before_ms,
     started_lease, started_worker, in_doubt, requested, deferred)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (call_id) DO UPDATE SET
    partition = excluded.partition, attempt = excluded.attempt, tool = excluded.tool,
    tool_version = excluded.tool_version, effect = excluded.effect, not_before_ms = excluded.not_before_ms,
    started_lease = excluded.started_lease, started_worker = excluded.started_worker,
    in_doubt = excluded.in_doubt, requested = excluded.requested, deferred = excluded.deferred
"""


class Toolbox(Protocol):
    """The tools that this process can call; an Application is one."""

    def tool(self, name: str, version: int | None = None) -> Tool[object] | None:
        """The tool of that name and version, or None."""
        ...


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that hasn't ended, for what its calls have to know of it."""

    run_id: str
    requester: str

    @property
    def key(self) -> str:
        """Id of the run; calls have other ids."""
        return self.run_id


@dataclass(frozen=True, slots=True)
class OpenCall:
    """One attempt of a call that nothing has settled. `value` is the request as it stands on the log.

    A hundred thousand of these must be bearable, so of the request's envelope only two words are kept.
    """

    run_id: str
    tenant: str
    requested: ToolCallRequested
    value: bytes
    requester: str = ""
    started_lease: str | None = None
    started_worker: str | None = None
    in_doubt: bool = False
    deferred: bool = False

    @property
    def key(self) -> str:
        """Id of the call."""
        return self.requested.call_id

    @property
    def attempt(self) -> int:
        """Attempt, from 1."""
        return self.requested.attempt

    @property
    def unsafe(self) -> bool:
        """Whether a second execution would do harm; a class that this code doesn't know is taken for that."""
        return self.requested.effect not in ("read", "idempotent")

    def started(self, lease_id: str, worker: str) -> "OpenCall":
        """The same, begun or about to begin under that lease."""
        return replace(self, started_lease=lease_id, started_worker=worker)

    def handed_over(self) -> "OpenCall":
        """The same, with an outside system that answers it: there is nothing to do here."""
        return replace(self, deferred=True)

    def doubted(self) -> "OpenCall":
        """The same, with nobody knowing whether it happened."""
        return replace(self, in_doubt=True, deferred=False)


# What the tools effector keeps of the log.
Open: TypeAlias = OpenCall | OpenRun


class CallRows:
    """Open calls in `penstock.open_call`, open runs in `penstock.open_run`."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def load(self, session: Session, partition: int) -> Sequence[Open]:
        runs = session.execute(_LOAD_RUNS, (partition,)).fetchall()
        calls = session.execute(_LOAD, (partition,)).fetchall()
        return [*(OpenRun(*row) for row in runs), *(self._call(*row) for row in calls)]

    def save(self, session: Session, partition: int, works: Mapping[str, Open | None]) -> None:
        gone = [key for key, work in works.items() if work is None]
        runs = [
            (work.run_id, partition, work.requester) for work in works.values() if isinstance(work, OpenRun)
        ]
        calls = [_row(partition, work) for work in works.values() if isinstance(work, OpenCall)]
        if gone:
            session.execute("DELETE FROM penstock.open_call WHERE call_id = ANY(%s::uuid[])", (gone,))
            session.execute("DELETE FROM penstock.open_run WHERE run_id = ANY(%s::uuid[])", (gone,))
        if runs:
            session.cursor().executemany(_SAVE_RUN, runs)
        if calls:
            session.cursor().executemany(_SAVE, calls)

    def clear(self, session: Session, partition: int) -> None:
        session.execute("DELETE FROM penstock.open_call WHERE partition = %s", (partition,))
        session.execute("DELETE FROM penstock.open_run WHERE partition = %s", (partition,))

    def _call(
        self,
        value: bytes,
        requester: str,
        lease: str | None,
        worker: str | None,
        in_doubt: bool,
        deferred: bool,
    ) -> OpenCall:
        meta, body = self._codec.decode_event(value)
        assert isinstance(body, ToolCallRequested)
        run_id, tenant = meta.entity_id, intern(meta.tenant)
        return OpenCall(run_id, tenant, body, value, requester, lease, worker, in_doubt, deferred)


def _row(partition: int, call: OpenCall) -> tuple[object, ...]:
    asked = call.requested
    return (
        *(call.key, partition, call.run_id, call.tenant, call.requester),
        *(asked.attempt, asked.tool, asked.tool_version, asked.effect, asked.not_before_ms),
        *(call.started_lease, call.started_worker, call.in_doubt, call.value, call.deferred),
    )
