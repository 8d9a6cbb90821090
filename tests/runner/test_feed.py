"""The feed: whatever way records come, the host gets each once, in the order of the log."""

import asyncio
import random
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.producers.log import Record
from penstock.streams.feed import Feed
from tests.runner.recording import Recording


def record(offset: int, partition: int = 0) -> Record:
    return Record("t", partition, offset, 0, b"k", b"v", ())


class World:
    """A feed whose poller and agent are played by the test."""

    def __init__(self) -> None:
        self.host = Recording()
        self.failures: list[BaseException] = []
        self.thread = ThreadPoolExecutor(1)
        self.feed = Feed(self.host, self.thread, self.failures.append)

    def settle(self) -> None:
        """Wait until the host's thread has nothing left to do."""
        done = threading.Event()
        self.thread.submit(lambda: self.thread.submit(done.set))
        assert done.wait(5)

    def assign(self, *partitions: int) -> Mapping[int, int]:
        self.feed.assigned(partitions)
        self.settle()
        return self.feed.starts()

    def fetch(self, *offsets: int, partition: int = 0) -> None:
        delivery = self.feed.delivery({partition: [record(offset, partition) for offset in offsets]})
        asyncio.run(self.feed.handle(delivery))

    def hand(self, *offsets: int, partition: int = 0) -> None:
        self.feed.hand([record(offset, partition) for offset in offsets], all_of_them=True)
        self.settle()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.thread.shutdown()
    assert world.failures == []


def test_what_is_handed_over_next_is_handled_and_its_fetched_copy_dropped(world: World) -> None:
    assert world.assign(0) == {0: 0}
    world.hand(0, 1)
    assert world.feed.is_fed(0)
    world.fetch(0, 1, 2)
    assert world.host.offsets == {0: [0, 1, 2]}


def test_what_is_handed_over_too_early_is_fetched(world: World) -> None:
    world.assign(0)
    world.hand(1, 2)
    assert world.host.offsets == {}
    assert not world.feed.is_fed(0), "somebody else's record stands between, so it must be fetched"
    world.fetch(0, 1, 2)
    world.hand(3)
    assert world.host.offsets == {0: [0, 1, 2, 3]}


def test_a_gap_that_the_log_has_is_no_gap(world: World) -> None:
    world.assign(0)
    world.fetch(0, 4)
    world.hand(5)
    assert world.host.offsets == {0: [0, 4, 5]}


def test_nothing_is_handled_of_a_partition_that_is_not_ours(world: World) -> None:
    world.assign(1)
    world.hand(0)
    world.fetch(0)
    assert world.host.offsets == {}


def test_what_was_fetched_before_a_rebalance_comes_again(world: World) -> None:
    world.assign(0)
    before = world.feed.delivery({0: [record(0)]})
    world.feed.revoked([0])
    world.assign(0)
    asyncio.run(world.feed.handle(before))
    assert world.host.offsets == {}
    world.fetch(0)
    assert world.host.offsets == {0: [0]}
    assert world.host.taken == [0], "a partition that stays is not taken again"


def test_a_fenced_partition_is_taken_anew_and_what_came_meanwhile_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.streams.feed.FENCED_PAUSE_S", 0.0)
    world.assign(0)
    world.host.loses = {0}
    before = world.feed.delivery({0: [record(1)]})
    world.fetch(0)
    asyncio.run(world.feed.handle(before))
    assert world.host.offsets == {}
    assert world.feed.starts() == {}
    world.settle()
    assert world.feed.starts() == {0: 0}
    world.fetch(0, 1)
    assert world.host.offsets == {0: [0, 1]}


@pytest.mark.parametrize("seed", range(40))
def test_any_mixture_of_both_ways_gives_each_record_once_in_order(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.assign(0)
    fetched = handed = 0
    for _ in range(60):
        if chance.random() < 0.5:
            count = chance.randint(1, 4)
            world.fetch(*range(fetched, min(fetched + count, 100)), partition=0) if fetched < 100 else None
            fetched = min(fetched + count, 100)
        else:
            first = handed + chance.randint(0, 1)
            world.hand(*range(first, min(first + chance.randint(1, 3), 100)))
            handed = max(handed, min(first + 1, 100))
        if chance.random() < 0.1:
            world.feed.revoked([0])
            fetched = world.assign(0)[0]
    while fetched < 100:
        world.fetch(*range(fetched, min(fetched + 7, 100)))
        fetched += 7
    assert world.host.offsets == {0: list(range(100))}
