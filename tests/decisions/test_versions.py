"""Versions of lists and maps: each stays as it was, whatever is made of it, and the newest costs nothing more."""

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from penstock.streams.runs.versions import Appended, Charted

# Which version to go on from, counted from the newest; mostly that.
FROM = some.integers(0, 6).map(lambda back: max(0, back - 4))
CHANGES = some.lists(some.tuples(FROM, some.sampled_from("abcde"), some.integers(0, 9)), max_size=40)


@settings(max_examples=200, deadline=None)
@over(CHANGES, some.lists(some.integers(0, 40), max_size=20))
def test_every_version_of_a_map_stays_as_it_was(
    changes: list[tuple[int, str, int]], looks: list[int]
) -> None:
    made: list[tuple[Charted[int], dict[str, int]]] = [(Charted(), {})]
    for back, key, value in changes:
        chart, plain = made[max(0, len(made) - 1 - back)]
        made.append((chart.putting(key, value), {**plain, key: value}))
    for look in [*looks, *range(len(made))]:
        chart, plain = made[look % len(made)]
        assert list(chart) == list(plain)
        assert chart.values() == tuple(plain.values())
        assert (len(chart), "a" in chart, chart.get("a")) == (len(plain), "a" in plain, plain.get("a"))
        assert chart == Charted(plain)


@settings(max_examples=200, deadline=None)
@over(some.lists(some.tuples(FROM, some.integers(0, 9)), max_size=40))
def test_every_version_of_a_list_stays_as_it_was(changes: list[tuple[int, int]]) -> None:
    made: list[tuple[Appended[int], list[int]]] = [(Appended(), [])]
    for back, item in changes:
        appended, plain = made[max(0, len(made) - 1 - back)]
        made.append((appended.adding(item), [*plain, item]))
    for appended, plain in made:
        assert list(appended) == plain
        assert (len(appended), appended[:], appended) == (len(plain), plain, Appended(plain))
        assert [appended[at] for at in range(-len(plain), len(plain))] == plain + plain


def test_two_versions_of_one_map_can_be_compared() -> None:
    first = Charted({"a": 1})
    second = first.putting("a", 2)
    assert first != second
    assert first.putting("a", 2) == second
    assert first == Charted({"a": 1})
    assert second == Charted({"a": 2})


def test_going_on_from_the_newest_version_copies_nothing() -> None:
    chart, appended = Charted[int](), Appended[int]()
    table, items = chart._table, appended._items
    for number in range(100):
        chart, appended = chart.putting(str(number), number), appended.adding(number)
        assert chart._table is table
        assert appended._items is items
