"""Workers of this process that share limits over Postgres, and what is in its tables."""

import time
from collections.abc import Callable
from datetime import timedelta

from penstock import Call, tool
from penstock.declare.limits import Rate
from penstock.declare.tools import Tool
from penstock.runtime.postgres import connect
from penstock.streams.alarms import Alarms
from penstock.streams.background import Background
from penstock.streams.tools.lanes import Lanes, Slot, Wish
from penstock.streams.tools.shares import Shares
from penstock.streams.transactions import Transactions


def shares_of(url: str) -> list[int]:
    with connect(url) as session:
        rows = session.execute(
            "SELECT slots FROM penstock.limit_share WHERE expires_at > clock_timestamp() AND slots > 0"
        ).fetchall()
    return sorted(row[0] for row in rows)


def names_in(url: str) -> list[int]:
    """The slots of each row of a key or a tenant."""
    with connect(url) as session:
        return [row[0] for row in session.execute("SELECT slots FROM penstock.limit_key").fetchall()]


def eventually(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.05)


@tool(effect="read", scope="global", concurrency=3, timeout=timedelta(milliseconds=300))
def brief(call: Call) -> None: ...


@tool(
    effect="read",
    scope="global",
    concurrency=9,
    rate=Rate(5, timedelta(seconds=2)),
    timeout=timedelta(milliseconds=300),
)
def paced(call: Call) -> None: ...


@tool(
    effect="read",
    scope="global",
    concurrency=20,
    concurrency_key="key",
    tenant_concurrency=10,
    timeout=timedelta(milliseconds=300),
)
def keyed(call: Call, *, key: str) -> None: ...


class Worker:
    """Shares and lanes in this process; every grant is noted and kept."""

    def __init__(self, url: str, of: Tool[None] = brief) -> None:
        self.tool = of.name
        self.background = Background()
        self.now_s = 0.0
        self.shares = Shares(Transactions(url, "shares", self.background.stopping), self.background)
        self.lanes = Lanes(Alarms(self.background), self.shares.clock_s, self.shares.short)
        self.shares.serve(self.lanes)
        self.slots: list[Slot] = []
        self.lanes.open(of.name, of.limits)
        self.shares.share(of)

    def want(self, count: int, key: str | None = None) -> None:
        for _ in range(count):
            Wish(self.lanes, self.tool, self.slots.append, key=key).ask()

    def release(self) -> None:
        while self.slots:
            self.slots.pop().release()

    def close(self) -> None:
        self.release()
        self.shares.close()
        self.background.check()
