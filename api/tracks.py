"""The ways that streams go: along one run's history by its seqs, or along all of a tenant's events by their places."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from penstock.api.cursors import Cursor
from penstock.api.event_rows import Event, EventRows
from penstock.api.hub import Subscription
from penstock.api.problems import Problem


class Track(Protocol):
    """One stream's way: where it is, and how it reads on."""

    ended: str | None

    def first(self) -> bytes:
        """What its client is told before anything else."""
        ...

    def subscription(self) -> Subscription:
        """What it wants of the hub."""
        ...

    async def read(self) -> tuple[Sequence[Event], Mapping[int, int], bool]:
        """Events from where it is, where the views stood, and whether there are no more. Raises Problem."""
        ...

    def take(self, event: Event) -> bytes:
        """The event as it is sent; nothing if it was already."""
        ...

    def mark(self, looked: Mapping[int, int]) -> bytes:
        """What keeps the id of a client up to date that gets no event: there was none before these places."""
        ...


class RunTrack:
    """A run's history: ids are its seqs."""

    def __init__(self, rows: EventRows, tenant: str, run_id: str, from_seq: int) -> None:
        self.ended: str | None = None
        self._rows = rows
        self._tenant = tenant
        self._run_id = run_id
        self._next = from_seq

    def first(self) -> bytes:
        """As Track says."""
        return b"\n"

    def subscription(self) -> Subscription:
        """As Track says."""
        return Subscription(("run", self._run_id), lambda event: event.owner == self._tenant)

    async def read(self) -> tuple[Sequence[Event], Mapping[int, int], bool]:
        """As Track says."""
        page = await self._rows.page(self._tenant, self._run_id, self._next)
        if page.ended and page.last_seq < self._next:
            self.ended = page.ended
        return page.events, page.positions, not page.events

    def take(self, event: Event) -> bytes:
        """As Track says."""
        if event.seq < self._next:
            return b""
        self._next = event.seq + 1
        self.ended = event.ended
        return b"id: %d\n" % event.seq + event.text(of_run=True)

    def mark(self, looked: Mapping[int, int]) -> bytes:
        """A run's client has the last id that there is."""
        return b""


class TenantTrack:
    """All of a tenant's events: ids are tokens. `types` and `workflows` leave out the others, if there are any."""

    def __init__(
        self,
        rows: EventRows,
        tenant: str,
        cursor: Cursor,
        types: Iterable[str] = (),
        workflows: Iterable[str] = (),
    ) -> None:
        self.ended: str | None = None
        self._rows = rows
        self._tenant = tenant
        self._log = cursor.log
        self._offsets = dict(cursor.offsets)
        self._told: dict[int, int] = {}
        self._types = frozenset(types)
        self._workflows = frozenset(workflows)

    def first(self) -> bytes:
        """An id without data is no event, but the client comes back with it."""
        return b"id: %s\n\n" % self._token()

    def subscription(self) -> Subscription:
        """As Track says."""
        return Subscription(("tenant", self._tenant), self.wants)

    def wants(self, event: Event) -> bool:
        """Whether it belongs into this stream."""
        return (
            event.tenant == event.owner == self._tenant
            and (not self._types or event.type in self._types)
            and (not self._workflows or event.workflow in self._workflows)
        )

    async def read(self) -> tuple[Sequence[Event], Mapping[int, int], bool]:
        """As Track says. Where nothing is wanted it has moved on."""
        batch = await self._rows.since(
            self._offsets, tenants=(self._tenant,), types=self._types, workflows=self._workflows
        )
        check(Cursor(self._log, self._offsets), batch.log, batch.firsts)
        events = [event for event in batch.events if self.wants(event)]
        full = {event.partition for event in events}
        self._pass({place: at for place, at in batch.reached.items() if place not in full})
        return events, batch.positions, not events and batch.whole

    def take(self, event: Event) -> bytes:
        """As Track says."""
        if event.offset < self._offsets.get(event.partition, 0):
            return b""
        self._offsets[event.partition] = event.offset + 1
        return b"id: %s\n" % self._token() + event.text(of_run=False)

    def mark(self, looked: Mapping[int, int]) -> bytes:
        """As Track says."""
        self._pass(looked)
        return self.first() if self._offsets != self._told else b""

    def _token(self) -> bytes:
        self._told = dict(self._offsets)
        return Cursor(self._log, self._offsets).token().encode()

    def _pass(self, reached: Mapping[int, int]) -> None:
        for partition, at in reached.items():
            self._offsets[partition] = max(at, self._offsets.get(partition, 0))


def check(cursor: Cursor, log: bytes | None, firsts: Mapping[int, int]) -> None:
    """Raises a 409 problem if the views are of another log than the cursor, 410 if the log has lost what follows it."""
    if log is not None and cursor.log != log:
        detail = (
            "The token is of another log than these views are: read what you need from GET /v1/events with"
            " after=beginning, or go on without a token from now."
        )
        raise Problem(409, "another-log", "Token of another log", detail)
    if any(cursor.offsets.get(partition, first) < first for partition, first in firsts.items()):
        detail = (
            "Events after the token are no longer kept, so some would be missed: begin again with"
            " after=beginning, which is the oldest there is."
        )
        raise Problem(410, "events-gone", "Events no longer kept", detail)
