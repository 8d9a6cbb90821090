"""A lane played by chance, with a model of what it may do: who is there, who waits, and when each began."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st

from penstock.declare.limits import Limits, Rate
from penstock.streams.tools.scheduling import Lane
from penstock.streams.tools.turns import Ask, Standing

LIMITS = st.builds(
    Limits,
    concurrency=st.integers(1, 5),
    concurrency_key=st.sampled_from([None, "key"]),
    concurrency_per_key=st.just(1),
    tenant_concurrency=st.sampled_from([None, 1, 2]),
    rate=st.sampled_from([None, Rate(2), Rate(5, timedelta(seconds=3))]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"),
            st.sampled_from("abc"),
            st.sampled_from(["x", "y", "z"]),
            st.sampled_from([-1, 0, 0, 0, 3]),
        ),
        st.tuples(st.just("next"), st.integers(0, 3)),
        st.tuples(st.just("begin"), st.integers(0, 9)),
        st.tuples(st.just("release"), st.integers(0, 9)),
        st.tuples(st.just("withdraw"), st.integers(0, 9)),
        st.tuples(st.just("pass"), st.floats(0, 2)),
    ),
    max_size=120,
)


@dataclass
class Played:
    """A lane and everything that happened to it."""

    limits: Limits
    now_s: float = 0.0
    waiting: list[Ask] = field(default_factory=list)
    granted: list[Ask] = field(default_factory=list)
    order: list[Ask] = field(default_factory=list)
    begun_s: list[float] = field(default_factory=list)
    withdrawn: int = 0

    def __post_init__(self) -> None:
        self.lane = Lane(self.limits)

    def ask(self, tenant: str = "a", key: str = "x", priority: int = 0) -> Ask:
        ask = Ask(tenant, key if self.limits.concurrency_key else None, priority)
        self.lane.ask(ask)
        self.waiting.append(ask)
        return ask

    def next(self) -> Ask | None:
        ask = self.lane.next(self.now_s)
        if ask is not None:
            self.waiting.remove(ask)
            self.granted.append(ask)
            self.order.append(ask)
        return ask

    def begin(self, ask: Ask) -> None:
        if not ask.begun:
            self.begun_s.append(self.now_s)
        assert self.lane.begin(ask, self.now_s)

    def release(self, ask: Ask) -> None:
        self.granted.remove(ask)
        self.lane.release(ask)

    def withdraw(self, ask: Ask) -> None:
        self.waiting.remove(ask)
        self.lane.withdraw(ask)
        self.withdrawn += 1
        assert ask.standing is Standing.GONE

    def step(self, step: tuple[object, ...]) -> None:
        """One step of chance; one that can't be taken now isn't."""
        kind, *words = step
        if kind == "ask":
            self.ask(str(words[0]), str(words[1]), int(str(words[2])))
        elif kind == "next":
            for _ in range(int(str(words[0]))):
                self.next()
        elif kind == "pass":
            self.now_s += float(str(words[0]))
        elif kind == "withdraw" and self.waiting:
            self.withdraw(self.waiting[int(str(words[0])) % len(self.waiting)])
        elif kind == "begin" and self.granted:
            self.begin(self.granted[int(str(words[0])) % len(self.granted)])
        elif kind == "release" and self.granted:
            self.release(self.granted[int(str(words[0])) % len(self.granted)])

    def may_begin(self, ask: Ask) -> bool:
        """By the limits alone, counted from what is there."""
        limits, tenants = self.limits, Counter(each.tenant for each in self.granted)
        keys = Counter((each.tenant, each.key) for each in self.granted)
        return not (
            len(self.granted) >= limits.concurrency
            or (limits.tenant_concurrency and tenants[ask.tenant] >= limits.tenant_concurrency)
            or (ask.key and keys[ask.tenant, ask.key] >= limits.concurrency_per_key)
            or (limits.rate and self.promised_or_begun() >= limits.rate.count)
        )

    def promised_or_begun(self) -> int:
        assert self.limits.rate is not None
        since_s = self.limits.rate.per.total_seconds()
        begun = sum(self.now_s - begun_s < since_s for begun_s in self.begun_s)
        return begun + sum(not each.begun for each in self.granted)

    def check(self) -> None:
        """No limit is passed by what is there, nor by what began in any stretch."""
        limits = self.limits
        assert len(self.granted) <= limits.concurrency
        assert self.lane.running == len(self.granted)
        assert self.lane.waiting == len(self.waiting)
        if limits.tenant_concurrency is not None:
            tenants = Counter(each.tenant for each in self.granted)
            assert max(tenants.values(), default=0) <= limits.tenant_concurrency
        if limits.concurrency_key is not None:
            keys = Counter((each.tenant, each.key) for each in self.granted)
            assert max(keys.values(), default=0) <= limits.concurrency_per_key
        if limits.rate is not None:
            per_s = limits.rate.per.total_seconds()
            for first_s in self.begun_s:
                in_stretch = sum(0 <= begun_s - first_s < per_s for begun_s in self.begun_s)
                assert in_stretch <= limits.rate.count
