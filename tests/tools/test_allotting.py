"""Sharing out a limit among processes."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.streams.tools.allotting import TENURE_S, Part, allot, fair_parts

PARTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 30), st.floats(0, 10)), min_size=1, max_size=6
).map(lambda found: [Part(str(number), *each) for number, each in enumerate(found)])


@given(st.integers(1, 40), PARTS)
def test_fair_parts_are_all_there_is_or_all_that_is_wanted(total: int, parts: list[Part]) -> None:
    found = fair_parts(total, parts)
    wanted = {part.holder: part.wanted for part in parts}
    assert sum(found.values()) == min(total, sum(wanted.values()))
    assert all(found[holder] <= wanted[holder] for holder in wanted)


@given(st.integers(1, 40), PARTS)
def test_nobody_who_wants_more_has_less_than_another_by_more_than_one(total: int, parts: list[Part]) -> None:
    found = fair_parts(total, parts)
    short = [found[part.holder] for part in parts if found[part.holder] < part.wanted]
    assert all(least + 1 >= most for least in short for most in found.values())


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 12)), max_size=60),
)
def test_whatever_the_order_of_renewals_no_more_is_held_than_there_is(
    total: int, renewals: list[tuple[int, int, int]]
) -> None:
    held: dict[str, Part] = {}
    for who, wanted, used in renewals:
        before = held.get(str(who), Part(str(who), 0, 0, 0))
        mine = Part(str(who), before.slots, wanted, 1.0)
        others = [part for holder, part in held.items() if holder != str(who)]
        slots = allot(total, mine, others, min(used, before.slots))
        assert slots >= min(used, before.slots)
        held[str(who)] = Part(str(who), slots, wanted, 1.0)
        assert sum(part.slots for part in held.values()) <= total


def test_one_slot_goes_round_among_three_each_having_it_for_a_while() -> None:
    had: dict[str, float] = {"a": 0, "b": 0, "c": 0}
    since = {"": 0.0, "a": 0.0, "b": 0.0, "c": 0.0}
    holder = ""
    for tick in range(300):
        now_s = tick * 0.1
        parts = [Part(each, int(each == holder), 1, now_s - since[each]) for each in had]
        found = fair_parts(1, parts)
        following = next(each for each in had if found[each])
        if following != holder:
            since[holder] = since[following] = now_s
            holder = following
        had[holder] += 0.1
    assert max(had.values()) - min(had.values()) <= TENURE_S + 0.3
