"""Streams over views in memory, with chance between every two steps: events come, views are made anew, clients leave.

No gap, no double, no other order, for each seed.
"""

import asyncio
import json
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import cast

import pytest

from penstock.api import following, hub
from penstock.api.cursors import Cursor
from penstock.api.event_rows import Batch, Event, EventRows, Page
from penstock.api.following import follow
from penstock.api.hub import Hub
from penstock.api.problems import unavailable
from penstock.api.tracks import RunTrack, TenantTrack, Track

LOG = b"simlog"
TENANT = "local"
PARTITIONS = 2
RUNS = ("run-0", "run-1", "run-2")
EVENTS = 25
PAGE_MAX = 4
SEEDS = range(40)


@dataclass
class Views:
    """What EventRows asks, of a log in memory of which the views have got so far."""

    chance: random.Random
    log: dict[int, list[Event]] = field(default_factory=lambda: {each: [] for each in range(PARTITIONS)})
    at: dict[int, int] = field(default_factory=dict)

    async def positions(self) -> Batch:
        await self._pause()
        return Batch((), dict(self.at), {}, dict.fromkeys(self.at, 0), LOG)

    async def since(
        self,
        places: Mapping[int, int],
        *,
        tenants: Collection[str] = (),
        run_ids: Collection[str] = (),
        types: Collection[str] = (),
        workflows: Collection[str] = (),
    ) -> Batch:
        await self._pause()
        reached, found = {}, []
        for partition, at in self.at.items():
            start = places.get(partition, 0)
            until = min(at, start + PAGE_MAX)
            reached[partition] = until
            found += [
                event
                for event in self.log[partition][start:until]
                if event.tenant in tenants or event.run_id in run_ids
            ]
        batch = Batch(found, dict(self.at), reached, dict.fromkeys(self.at, 0), LOG)
        await self._pause()
        return batch

    async def page(self, tenant: str, run_id: str, from_seq: int) -> Page:
        await self._pause()
        known = [
            event
            for partition, at in self.at.items()
            for event in self.log[partition][:at]
            if event.run_id == run_id
        ]
        ended = known[-1].ended if known else None
        asked = [event for event in known if event.seq >= from_seq][:PAGE_MAX]
        page = Page(asked, dict(self.at), ended, len(known))
        await self._pause()
        return page

    async def _pause(self) -> None:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        if self.chance.random() < 0.03:
            raise unavailable("database-away", "Database away", "as it is at times")

    async def write(self) -> None:
        """Events one after the other, seen in turns; now and then the views are lost, or a little of them."""
        for seq in range(1, EVENTS + 1):
            for run_id in RUNS:
                self._append(run_id, seq)
                for _ in range(self.chance.randrange(3)):
                    await asyncio.sleep(0)
                self._turn()
        while any(self.at.get(each, 0) < len(self.log[each]) for each in self.log):
            self._turn()
            await asyncio.sleep(0)

    def _append(self, run_id: str, seq: int) -> None:
        partition = RUNS.index(run_id) % PARTITIONS
        offset = len(self.log[partition])
        ended = "completed" if seq == EVENTS else None
        row = {"run_id": run_id, "seq": seq}
        made = Event(partition, offset, run_id, seq, TENANT, TENANT, "Any", None, ended, 1, row)
        text = b"event: Any\ndata: %s\n\n" % json.dumps(row).encode()
        made._made.update({True: text, False: text})
        self.log[partition].append(made)

    def _turn(self) -> None:
        what, partition = self.chance.random(), self.chance.randrange(PARTITIONS)
        if what < 0.02:
            self.at.clear()
        elif what < 0.05:
            self.at[partition] = max(0, self.at.get(partition, 0) - 3)
        else:
            at = self.at.get(partition, 0)
            self.at[partition] = min(len(self.log[partition]), at + self.chance.randrange(6))


@dataclass
class Client:
    """Reads, leaves by chance, and comes back with its last id."""

    rows: EventRows
    hub: Hub
    chance: random.Random
    run_id: str | None
    last_id: str = ""
    seen: list[tuple[str, int]] = field(default_factory=list)
    ended: bool = False

    async def follow(self) -> None:
        while not self.ended:
            leaves = self.chance.randrange(1, 12)
            async with aclosing(follow(self._track(), self.hub, 0.001, 60)) as pieces:
                async for piece in pieces:
                    self._take(piece.decode())
                    leaves -= 1
                    if self.ended or not leaves:
                        break
                    for _ in range(self.chance.randrange(3)):
                        await asyncio.sleep(0)

    def _track(self) -> Track:
        if self.run_id is not None:
            return RunTrack(self.rows, TENANT, self.run_id, int(self.last_id or 0) + 1)
        cursor = Cursor.parse(self.last_id) if self.last_id else Cursor(LOG, {})
        return TenantTrack(self.rows, TENANT, cursor)

    def _take(self, piece: str) -> None:
        for line in piece.splitlines():
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "data" and "run_id" in value:
                event = json.loads(value)
                self.seen.append((event["run_id"], event["seq"]))
            elif line == "event: end":
                self.ended = True
        if self.run_id is None:
            self.ended = len(self.seen) >= EVENTS * len(RUNS)


async def simulate(seed: int) -> Sequence[Client]:
    chance = random.Random(seed)
    views = Views(chance)
    rows = cast(EventRows, views)
    shared = Hub(rows)
    clients = [Client(rows, shared, chance, run_id) for run_id in (*RUNS, *RUNS, None, None, None)]
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(views.write())
        for client in clients:
            group.create_task(client.follow())
    assert not shared._streams
    assert shared._task is None
    return clients


@pytest.mark.parametrize("seed", SEEDS)
def test_each_client_has_each_event_once_and_in_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (hub, "PACE_S_MIN", 0),
        (hub, "PACE_S_MAX", 0),
        (hub, "AWAY_S", 0),
        (following, "AWAY_S", 0.001),
        (hub, "WAITING_EVENTS_MAX", 3),
    ):
        monkeypatch.setattr(module, name, value)
    for client in asyncio.run(simulate(seed)):
        for run_id in RUNS if client.run_id is None else (client.run_id,):
            seqs = [seq for whose, seq in client.seen if whose == run_id]
            assert seqs == list(range(1, EVENTS + 1)), f"seed {seed}: {client.run_id} has {seqs} of {run_id}"
