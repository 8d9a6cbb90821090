"""Keys and tenants that are counted over all processes: whatever becomes of these, no limit is passed."""

from collections import Counter
from typing import Any

from hypothesis import example, given, settings

from penstock.declare.limits import Limits

from .tables import Tables
from .world import LIMITS, LOOK_S, STEPS, TIMEOUT_S, World

MANY = settings(max_examples=200, deadline=None)
KEYS = Limits(concurrency=9, concurrency_key="key", scope="global")


# What chance would find too seldom; each is the way of one mistake.
ASKED, ALSO = ("ask", 0, "a", "x", 0, True), ("ask", 1, "a", "x", 0, True)
LATER = ("ask", 0, "a", "x", 0, False)
LOOKS, LOOKS_TOO = ("look", 0, "ok"), ("look", 1, "ok")
LOST = [ASKED, LOOKS, ("release", 0, 0), ALSO, LOOKS_TOO, ("look", 0, "lost"), ASKED, LOOKS_TOO]
TAKEN = [("pass", 8.0), ALSO, LOOKS_TOO]
CUT_OFF = [LATER, LOOKS, *TAKEN, ("begin", 0, 0)]
ASLEEP = [LATER, LOOKS, ("freeze", 0), *TAKEN, ("wake", 0), LOOKS, ("begin", 0, 0)]
OVERRUN = [ASKED, LOOKS, ("freeze", 0), *TAKEN, ("wake", 0), LOOKS, ("release", 0, 0), ASKED]


@MANY
@given(LIMITS, STEPS)
@example(KEYS, [ASKED, LOOKS, ALSO, LOOKS_TOO])
@example(KEYS, LOST)
@example(KEYS, CUT_OFF)
@example(KEYS, ASLEEP)
@example(KEYS, OVERRUN)
def test_no_limit_is_passed_by_all_together(limits: Limits, steps: list[tuple[Any, ...]]) -> None:
    world = World(limits)
    for step in steps:
        world.step(step)
        world.check()


@MANY
@given(LIMITS, STEPS)
@example(KEYS, [ASKED, LOOKS, ("pass", 8.0), ("look", 0, "lost")])
def test_every_call_gets_its_turn_in_the_end(limits: Limits, steps: list[tuple[Any, ...]]) -> None:
    world = World(limits)
    for step in steps:
        world.step(step)
    for player in world.players:
        player.frozen = False
    asked = sum(len(player.waiting) + len(player.granted) for player in world.players)
    # The lease of who was killed, and for each call the longest wait for its process's turn.
    finish(world, round((TIMEOUT_S + 4) / LOOK_S) + 40 * asked)
    for _ in range(6):
        world.turn()
    assert [player.rows for player in world.players] == [[], [], []]


def test_a_key_that_comes_free_is_taken_within_a_second_by_who_waits() -> None:
    world = World(KEYS)
    first, second, _ = world.players
    first.ask()
    world.turn()
    second.ask()
    for _ in range(6):
        world.turn()
    ((slot, _),) = first.granted.items()
    assert not second.granted
    first.release(slot)
    freed_s = world.now_s
    while not second.granted:
        world.turn()
        assert world.now_s - freed_s < 1


def test_a_key_that_is_kept_busy_goes_round() -> None:
    world = World(KEYS)
    served: Counter[str] = Counter()
    for player in world.players:
        for _ in range(400):
            player.ask()
    for _ in range(100):
        world.turn()
        for player in world.players:
            for slot in list(player.granted):
                player.release(slot)
                served[player.process] += 1
    assert len(served) == 3
    assert sum(served.values()) > 70
    assert max(served.values()) < 2 * min(served.values())


def test_a_key_that_others_have_holds_up_nobody_of_another_key_nor_their_slots() -> None:
    world = World(Limits(concurrency=2, concurrency_key="key", scope="global"))
    first, second, third = world.players
    first.ask(key="x")
    world.turn()
    for _ in range(50):
        second.ask(key="x")
    third.ask(key="y")
    for _ in range(10):
        world.turn()
    # The second waits for the key, not for the slot.
    assert [len(player.granted) for player in world.players] == [1, 0, 1]


def test_tenants_take_turns_also_with_keys_that_must_be_asked_for() -> None:
    world = World(Limits(concurrency=2, concurrency_key="key", scope="global"))
    player = world.players[0]
    for number in range(200):
        player.ask("big", f"{number}")
    player.ask("small", "1")
    order: list[str] = []
    for _ in range(10):
        world.turn()
        for slot, wish in list(player.granted.items()):
            order.append(wish.tenant)
            player.release(slot)
    assert order.index("small") < 4


def test_keys_of_short_calls_are_asked_for_ahead() -> None:
    world = World(Limits(concurrency=4, concurrency_key="key", scope="global"))
    player = world.players[0]
    for number in range(3_000):
        player.ask(key=f"{number}")
    turns = 0
    while player.waiting:
        world.turn()
        turns += 1
        while player.granted:
            player.release(next(iter(player.granted)))
    # One at a time for each slot it would be 750.
    assert turns < 30


def test_the_keys_of_a_process_that_has_ended_here_are_there_at_once_and_elsewhere_after_its_lease() -> None:
    for seen, within_s in ((True, 0.5), (False, TIMEOUT_S + 4.5)):
        world = World(KEYS)
        killed, left, _ = world.players
        killed.ask()
        world.turn()
        assert killed.granted
        left.ask()
        world.turn()
        killed.begun.clear()
        world.players.remove(killed)
        if seen:
            world.ended.add(killed.process)
        died_s = world.now_s
        while not left.granted:
            world.turn()
            assert world.now_s - died_s < within_s
        assert seen or world.now_s - died_s > TIMEOUT_S


def test_with_the_database_away_what_is_held_goes_on_and_nothing_new_begins() -> None:
    world = World(KEYS)
    player = world.players[0]
    player.ask(key="x")
    world.turn()
    (slot,) = player.granted
    player.look("away")
    player.release(slot)
    player.ask(key="x")
    player.ask(key="y")
    player.look("away")
    assert [wish.key for wish in player.granted.values()] == ["x"]
    assert player.begin(next(iter(player.granted)))
    player.release(next(iter(player.granted)))
    # What is left of the lease covers no call any more.
    world.tick(4)
    player.ask(key="x")
    assert not player.granted


def test_a_database_that_was_wiped_is_told_again_what_is_held() -> None:
    world = World(KEYS)
    first, second, _ = world.players
    first.ask()
    world.turn()
    world.tables = Tables()
    world.turn()
    second.ask()
    for _ in range(8):
        world.turn()
    assert not second.granted


def finish(world: World, turns: int) -> None:
    """Every call that waits gets its turn, and is over at once."""
    for _ in range(turns):
        world.turn()
        for player in world.players:
            while player.granted:
                player.release(next(iter(player.granted)))
        if not any(player.waiting for player in world.players):
            return
    raise AssertionError([len(player.waiting) for player in world.players])
