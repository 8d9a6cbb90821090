"""Several processes that share limits, played by chance: their lanes and shares are real, the database is a dictionary.

The world counts for itself what is in the target: a call is there from its beginning until it is over, has had its
timeout, or its process is killed.
"""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import psycopg
from hypothesis import strategies as st

from penstock.declare.call import Call
from penstock.declare.limits import Limits
from penstock.declare.tools import Tool, tool
from penstock.streams.tools.holds import Name
from penstock.streams.tools.lanes import Lanes, Slot, Wish
from penstock.streams.tools.shares import Shares

from .tables import MemoryHoldRows, MemoryShareRows, Tables

T = TypeVar("T")
TIMEOUT_S = 2.0
LOOK_S = 0.2
WHO = st.integers(0, 2)
ASK = st.tuples(
    st.just("ask"),
    WHO,
    st.sampled_from("aab"),
    st.sampled_from("xxy"),
    st.sampled_from([0, 0, 5]),
    st.booleans(),
)
LOOK = st.tuples(st.just("look"), WHO, st.sampled_from(["ok", "ok", "ok", "ok", "away", "lost"]))
STEPS = st.lists(
    st.one_of(
        ASK,
        ASK,
        LOOK,
        LOOK,
        st.tuples(st.just("begin"), WHO, st.integers(0, 9)),
        st.tuples(st.just("release"), WHO, st.integers(0, 9)),
        st.tuples(st.just("withdraw"), WHO, st.integers(0, 9)),
        st.tuples(st.just("pass"), st.sampled_from([0.1, 0.5, 2.5, 8.0])),
        st.tuples(st.just("kill"), WHO),
        st.tuples(st.just("freeze"), WHO),
        st.tuples(st.just("wake"), WHO),
    ),
    min_size=20,
    max_size=80,
)
LIMITS = st.builds(
    partial(Limits, scope="global"),
    concurrency=st.integers(1, 4),
    concurrency_key=st.sampled_from(["key", "key", None]),
    concurrency_per_key=st.just(1),
    tenant_concurrency=st.sampled_from([None, None, 1, 2]),
) | st.builds(
    partial(Limits, scope="global", concurrency_key="key"),
    concurrency=st.integers(2, 5),
    concurrency_per_key=st.integers(2, 3),
)


class Player:
    """One process. Its clock isn't that of others."""

    def __init__(self, world: "World", number: int, limits: Limits) -> None:
        self.world = world
        self.process = f"process {number}"
        self.fate = "ok"
        self.frozen = False
        self.waiting: list[Wish] = []
        self.granted: dict[Slot, Wish] = {}
        self.begun: dict[Slot, float] = {}
        self.shares = Shares(
            self,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            lambda: world.now_s + 1_000 * number,
            lambda: self.process,
            self._tables,
        )
        self.lanes = Lanes(None, self.shares.clock_s, lambda: None)  # type: ignore[arg-type]
        self.shares.serve(self.lanes)
        self.lanes.open("there", limits)
        self.shares.share(declared(limits))

    def _tables(self, holder: str, process: str) -> tuple[MemoryShareRows, MemoryHoldRows]:
        self.holder = holder
        return MemoryShareRows(self.world, holder, process), MemoryHoldRows(self.world, holder)

    def start(self, name: str, body: Callable[[], None]) -> None:
        """No thread: the world says when it looks."""

    def once(self, work: Callable[[Any], T]) -> T:
        """A transaction, which may fail, or be committed and its reply be lost."""
        if self.fate == "away":
            raise psycopg.OperationalError
        session = deepcopy(self.world.tables)
        result = work(session)
        self.world.tables = session
        if self.fate == "lost":
            raise psycopg.OperationalError
        return result

    def look(self, fate: str = "ok") -> bool:
        self.fate = fate
        return self.shares.keep_up()

    def ask(self, tenant: str = "a", key: str = "x", priority: int = 0, eager: bool = False) -> Wish:
        """Wait for a slot; who is `eager` begins with it."""
        wish = Wish(self.lanes, "there", lambda slot: self._granted(slot, wish, eager), tenant, key, priority)
        if self.world.limits.concurrency_key is None:
            wish.key = None
        self.waiting.append(wish)
        wish.ask()
        return wish

    def begin(self, slot: Slot) -> bool:
        if slot not in self.begun and slot.begin():
            self.begun[slot] = self.world.now_s
            return True
        return False

    def release(self, slot: Slot) -> None:
        del self.granted[slot]
        self.begun.pop(slot, None)
        slot.release()

    def inside(self) -> list[Wish]:
        now_s = self.world.now_s
        return [self.granted[slot] for slot, begun_s in self.begun.items() if now_s - begun_s < TIMEOUT_S]

    def _granted(self, slot: Slot, wish: Wish, eager: bool) -> None:
        self.waiting.remove(wish)
        self.granted[slot] = wish
        if eager:
            self.begin(slot)

    @property
    def rows(self) -> list[tuple[str, Name, str]]:
        """What it holds, as the database knows."""
        return [row for row in self.world.tables.holds if row[2] == self.holder]


def declared(limits: Limits) -> Tool[None]:
    @tool(
        effect="read",
        scope="global",
        timeout=timedelta(seconds=TIMEOUT_S),
        concurrency=limits.concurrency,
        concurrency_key=None if limits.concurrency_key is None else "key",
        concurrency_per_key=limits.concurrency_per_key,
        tenant_concurrency=limits.tenant_concurrency,
    )
    def there(call: Call, *, key: str) -> None: ...

    return there


class World:
    """All of it."""

    def __init__(self, limits: Limits, players: int = 3) -> None:
        self.limits = limits
        self.now_s = 0.0
        self.tables = Tables()
        self.ended: set[str] = set()
        self.players = [Player(self, number, limits) for number in range(players)]
        self.killed = 0

    def step(self, step: tuple[Any, ...]) -> None:
        """One step of chance; one that can't be taken now isn't."""
        kind, *words = step
        if kind == "pass":
            self.tick(words[0])
            return
        player = self.players[words[0]]
        if kind == "wake":
            player.frozen = False
        elif not player.frozen:
            self._act(player, kind, *words)

    def _act(self, player: Player, kind: str, number: int, *words: Any) -> None:
        if kind == "ask":
            player.ask(*words)
        elif kind == "look":
            player.look(words[0])
        elif kind == "begin" and player.granted:
            player.begin(list(player.granted)[words[0] % len(player.granted)])
        elif kind == "release" and player.granted:
            player.release(list(player.granted)[words[0] % len(player.granted)])
        elif kind == "withdraw" and player.waiting:
            player.waiting.pop(words[0] % len(player.waiting)).withdraw()
        elif kind == "freeze":
            player.frozen = True
        elif kind == "kill":
            # Every other one dies where nobody can see it.
            self.killed += 1
            if self.killed % 2:
                self.ended.add(player.process)
            self.players[number] = Player(self, len(self.players) + self.killed, self.limits)

    def tick(self, seconds: float) -> None:
        """Time passes, and calls that have had theirs are over; a process that is frozen finds out later."""
        self.now_s += seconds
        for player in self.players:
            if not player.frozen:
                for slot, begun_s in list(player.begun.items()):
                    if self.now_s - begun_s >= TIMEOUT_S:
                        player.release(slot)

    def turn(self) -> None:
        """Everybody looks, and begins what it may."""
        self.tick(LOOK_S)
        for player in self.players:
            player.look()
            for slot in list(player.granted):
                player.begin(slot)
        self.check()

    def check(self) -> None:
        """No limit is passed by what is in the target."""
        inside = [wish for player in self.players for wish in player.inside()]
        assert len(inside) <= self.limits.concurrency
        if self.limits.tenant_concurrency is not None:
            tenants = Counter(wish.tenant for wish in inside)
            assert max(tenants.values(), default=0) <= self.limits.tenant_concurrency
        if self.limits.concurrency_key is not None:
            keys = Counter((wish.tenant, wish.key) for wish in inside)
            assert max(keys.values(), default=0) <= self.limits.concurrency_per_key
