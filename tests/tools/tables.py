"""penstock.limit_share and penstock.limit_key as dictionaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from penstock.streams.tools.allotting import Part
from penstock.streams.tools.hold_rows import HoldRows
from penstock.streams.tools.holds import Name, Term
from penstock.streams.tools.share_rows import STALE_S, Holding, ShareRows


class Times(Protocol):
    """The database's clock, and who has ended where others see it."""

    now_s: float
    ended: set[str]


@dataclass
class Tables:
    """What is committed."""

    shares: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    holds: dict[tuple[str, Name, str], tuple[int, int, float]] = field(default_factory=dict)


class MemoryShareRows(ShareRows):
    def __init__(self, world: Times, holder: str, process: str) -> None:
        super().__init__(holder, process)
        self._world = world

    def lock(self, session: Any, names: Sequence[str]) -> None: ...

    def parts(self, session: Any, lasts_s: Mapping[str, float]) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {name: [] for name in lasts_s}
        for (name, holder), row in list(session.shares.items()):
            if row["process"] in self._world.ended:
                del session.shares[name, holder]
            elif row["until"] > self._world.now_s:
                awake = row["renewed"] > self._world.now_s - STALE_S
                wanted = row["wanted"] if awake else min(row["wanted"], row["slots"])
                found[name].append(
                    Part(holder, row["slots"], wanted, self._world.now_s - row["since"], awake)
                )
        return found

    def hold(self, session: Any, holdings: Sequence[Holding]) -> None:
        now_s = self._world.now_s
        for each in holdings:
            old = session.shares.pop((each.name, self._holder), None)
            if each.slots or each.wanted or each.kept:
                session.shares[each.name, self._holder] = {
                    "slots": each.slots,
                    "wanted": each.wanted,
                    "since": now_s if each.changed or old is None else old["since"],
                    "renewed": now_s,
                    "until": now_s + each.lease_s,
                    "process": self._process,
                }


class MemoryHoldRows(HoldRows):
    def __init__(self, world: Times, holder: str) -> None:
        super().__init__(holder)
        self._world = world

    def read(self, session: Any, lane: str, names: Sequence[Name]) -> list[list[Part]]:
        return [
            [
                Part(holder, slots, wanted, self._world.now_s - since_s)
                for (_, whose, holder), (slots, wanted, since_s) in session.holds.items()
                if whose == name
            ]
            for name in names
        ]

    def write(self, session: Any, lane: str, terms: Any) -> None:
        for term in terms:
            assert isinstance(term, Term)
            row = (lane, term.name, self._holder)
            old = session.holds.pop(row, None)
            if term.slots or term.wanted:
                since_s = self._world.now_s if old is None or old[0] != term.slots else old[2]
                session.holds[row] = (term.slots, term.wanted, since_s)

    def drop(self, session: Any, lane: str) -> None:
        for row in [row for row in session.holds if row[2] == self._holder]:
            del session.holds[row]

    def forget(self, session: Any) -> None: ...
