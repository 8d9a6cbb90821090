"""Lanes: never over a limit, never idle for nothing, each in its turn, nobody for ever last."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.declare.limits import Limits, Rate
from penstock.streams.tools.priorities import PATIENCE, STARTED
from penstock.streams.tools.scheduling import Lane
from penstock.streams.tools.turns import Ask, Standing

from .model import LIMITS, STEPS, Played

MANY = settings(max_examples=400, deadline=None)


@MANY
@given(LIMITS, STEPS)
def test_no_limit_is_ever_passed(limits: Limits, steps: list[tuple[object, ...]]) -> None:
    played = Played(limits)
    for step in steps:
        played.step(step)
        played.check()


@MANY
@given(LIMITS, STEPS)
def test_a_lane_is_idle_only_if_nobody_may_begin(limits: Limits, steps: list[tuple[object, ...]]) -> None:
    played = Played(limits)
    for step in steps:
        played.step(step)
        allowed = [ask for ask in played.waiting if played.may_begin(ask)]
        assert (played.next() is not None) == bool(allowed)
        played.check()


@MANY
@given(LIMITS, STEPS)
def test_every_ask_is_granted_or_withdrawn_in_the_end(
    limits: Limits, steps: list[tuple[object, ...]]
) -> None:
    played = Played(limits)
    asked = 0
    for step in steps:
        played.step(step)
        asked += step[0] == "ask"
    for _ in range(10 * len(steps) + 10):
        if not played.waiting and not played.granted:
            break
        played.now_s += 1
        for ask in list(played.granted):
            played.begin(ask)
            played.release(ask)
        played.next()
    gone = asked - len(played.order)
    assert (played.waiting, played.granted, played.lane.waiting, played.lane.running) == ([], [], 0, 0)
    assert gone == played.withdrawn
    assert len(set(map(id, played.order))) == len(played.order)


@MANY
@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 40), min_size=2))
def test_tenants_that_wait_are_served_in_turn_whatever_each_has_queued(queued: dict[str, int]) -> None:
    played = Played(Limits(concurrency=1))
    for tenant, count in queued.items():
        for _ in range(count):
            played.ask(tenant)
    served: Counter[str] = Counter()
    while (ask := played.next()) is not None:
        played.release(ask)
        served[ask.tenant] += 1
        waiting = {each.tenant for each in played.waiting}
        assert max((served[one] - served[other] for one in queued for other in waiting), default=0) <= 1


def test_a_tenant_that_comes_late_waits_for_one_round_not_for_the_queue() -> None:
    played = Played(Limits(concurrency=1))
    for _ in range(1_000):
        played.ask("big")
    for _ in range(10):
        played.release(_granted(played))
    late = played.ask("small")
    assert [_passed(played) is late for _ in range(2)].count(True) == 1


@MANY
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y"])), max_size=30))
def test_of_a_tenant_and_a_priority_the_first_that_came_is_the_first(asks: list[tuple[str, str]]) -> None:
    played = Played(Limits(concurrency=1, concurrency_key="k"))
    for tenant, key in asks:
        played.ask(tenant, key)
    while (ask := played.next()) is not None:
        played.release(ask)
    for tenant in "ab":
        seqs = [ask.seq for ask in played.order if ask.tenant == tenant]
        assert seqs == sorted(seqs)


@MANY
@given(st.lists(st.sampled_from([-5, 0, 7]), min_size=1, max_size=PATIENCE))
def test_higher_priorities_go_first(priorities: list[int]) -> None:
    played = Played(Limits(concurrency=1))
    for priority in priorities:
        played.ask("a", priority=priority)
    while (ask := played.next()) is not None:
        played.release(ask)
    assert [ask.priority for ask in played.order] == sorted(priorities, reverse=True)


def test_a_low_priority_gets_one_of_nine_grants_however_much_is_preferred_to_it() -> None:
    played = Played(Limits(concurrency=1))
    for priority in (-100, 0):
        for _ in range(100):
            played.ask("low", priority=priority)
    for _ in range(9 * (PATIENCE + 1) * 2):
        played.ask("high", priority=100)
        played.release(_granted(played))
    served = Counter(ask.priority for ask in played.order)
    assert served == {100: 144, 0: 9, -100: 9}


def test_a_key_that_is_full_holds_up_nobody_of_another_key() -> None:
    played = Played(Limits(concurrency=3, concurrency_key="k"))
    first, second, other = played.ask("a", "x"), played.ask("a", "x"), played.ask("a", "y")
    assert [played.next(), played.next(), played.next()] == [first, other, None]
    played.release(first)
    assert played.next() is second


def test_a_high_priority_goes_first_also_behind_its_own_key() -> None:
    played = Played(Limits(concurrency=2, concurrency_key="k"))
    first = played.ask("a", "x")
    played.next()
    low, high = played.ask("a", "x", 0), played.ask("a", "x", 9)
    played.release(first)
    assert played.next() is high
    played.release(high)
    assert played.next() is low


def test_a_high_priority_does_not_wait_for_one_of_its_key_that_waits_for_its_turn() -> None:
    played = Played(Limits(concurrency=1, concurrency_key="k"))
    low, middle, high = played.ask("a", "x", 0), played.ask("a", "y", 5), played.ask("a", "x", 9)
    assert [_passed(played) for _ in range(3)] == [high, middle, low]


def test_keys_of_two_tenants_are_two_keys() -> None:
    played = Played(Limits(concurrency=3, concurrency_key="k"))
    played.ask("a", "x")
    played.ask("b", "x")
    assert played.next() is not None
    assert played.next() is not None


def test_what_stands_started_goes_before_everything_and_counts_for_nothing() -> None:
    played = Played(Limits(concurrency=1))
    for _ in range(20):
        played.ask("a", priority=100)
    low = [played.ask("a", priority=-1) for _ in range(3)]
    started = [played.ask("a", priority=STARTED) for _ in range(20)]
    assert [_passed(played) for _ in range(20)] == started
    assert low[0] not in [_passed(played) for _ in range(PATIENCE)]


def test_a_rate_counts_beginnings_not_grants() -> None:
    played = Played(Limits(concurrency=9, rate=Rate(1)))
    first, _ = played.ask(), played.ask()
    assert played.next() is first
    played.now_s = 5
    assert played.next() is None
    assert played.lane.later_s(5) is None
    played.begin(first)
    played.now_s = 5.75
    assert played.next() is None
    assert played.lane.later_s(5.75) == 0.25
    played.now_s = 6
    assert played.next() is not None


def test_what_never_began_takes_nothing_of_a_rate() -> None:
    played = Played(Limits(concurrency=9, rate=Rate(1)))
    first, second = played.ask(), played.ask()
    assert played.next() is first
    played.release(first)
    assert played.next() is second


def test_a_right_that_ran_out_lets_nothing_begin() -> None:
    lane = Lane(Limits(concurrency=2))
    one, two = Ask(), Ask()
    lane.ask(one)
    lane.ask(two)
    lane.until_s = 10
    assert lane.next(9) is one
    assert lane.begin(one, 9.5)
    assert lane.next(10) is None
    lane.until_s = 20
    assert lane.next(19) is two
    assert not lane.begin(two, 20)


def test_what_was_granted_under_a_right_that_ran_out_never_begins_under_the_next() -> None:
    lane = Lane(Limits(concurrency=2))
    begun, granted, late = Ask(), Ask(), Ask()
    for ask in (begun, granted, late):
        lane.ask(ask)
    assert lane.next(0) is begun
    assert lane.next(0) is granted
    assert lane.begin(begun, 0)
    lane.lapse()
    assert (lane.begin(begun, 1), lane.begin(granted, 1)) == (True, False)
    lane.release(granted)
    assert lane.next(1) is late
    assert lane.begin(late, 1)


def test_a_lane_whose_limits_are_shared_starts_with_nothing() -> None:
    lane = Lane(Limits(concurrency=2, rate=Rate(2), scope="global"))
    one = Ask()
    lane.ask(one)
    assert lane.next(0) is None
    lane.allow("concurrency", 1)
    assert lane.next(0) is None
    lane.allow("rate", 1)
    assert lane.next(0) is one
    assert (lane.in_use("concurrency", 0), lane.in_use("rate", 0), lane.demand()) == (1, 1, 1)


def _granted(played: Played) -> Ask:
    ask = played.next()
    assert ask is not None
    assert ask.standing is Standing.GRANTED
    return ask


def _passed(played: Played) -> Ask:
    """One call from its grant to its end."""
    ask = _granted(played)
    played.release(ask)
    return ask
