"""The age of what the views don't show, from looks at their positions and the times of the log."""

from bench.staleness import Look, Staleness

APPENDED = {0: [(0, 1_000), (1, 1_200), (2, 1_900)], 1: [(7, 1_500)]}


def ages(*looks: Look) -> list[float]:
    return Staleness("", list(looks)).ages_ms(APPENDED)


def test_views_that_show_everything_are_not_behind() -> None:
    assert ages(Look(5_000, {0: 3, 1: 8})) == [0]


def test_the_oldest_event_that_is_not_shown_counts_over_all_partitions() -> None:
    assert ages(Look(2_000, {0: 1, 1: 8}), Look(2_000, {0: 2, 1: 7})) == [800, 500]


def test_an_event_that_came_after_the_look_is_not_late() -> None:
    assert ages(Look(1_800, {0: 2, 1: 8})) == [0]


def test_a_partition_that_was_never_projected_is_behind_from_its_first_event() -> None:
    assert ages(Look(2_000, {0: 3})) == [500]
