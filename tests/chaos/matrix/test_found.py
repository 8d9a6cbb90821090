"""What the matrix has found, each as small as it can be shown."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from penstock.producers.log import Record
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from penstock.streams.feed import FENCED_PAUSE_S, Feed
from penstock.streams.host import Appended

PARTITION = 0


class Counting:
    """A host that is taken at offset 0 each time, and fenced once when it is told to be."""

    topic = RUN_INBOX
    group_id = "test"
    fetch_min_bytes = 1
    pace_s = 0.0
    appends_to = RUN_EVENTS
    appends_alone = True

    def __init__(self) -> None:
        self.handled: list[int] = []
        self.fence = False
        self.taken = threading.Semaphore(0)
        self.appended = Appended()

    @property
    def fault(self) -> BaseException | None:
        """Nothing of its own can fail."""
        return None

    def take(self, partition: int) -> int:
        self.taken.release()
        return 0

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        if self.fence:
            self.fence = False
            return frozenset(batches)
        self.handled += [record.offset for record in batches[PARTITION]]
        return frozenset()

    def drop(self, partition: int) -> None:
        """Nothing is kept."""

    def stop(self) -> None:
        """It waits for nothing."""

    def close(self) -> None:
        """Nothing is open."""


def records(*offsets: int) -> list[Record]:
    return [Record(RUN_INBOX, PARTITION, offset, 0, b"", b"", ()) for offset in offsets]


def start_of(feed: Feed) -> int:
    """Where the poller is told to read from, once it is told."""
    until = time.monotonic() + 2 * FENCED_PAUSE_S
    while not (starts := feed.starts()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return starts[PARTITION]


def test_what_is_fetched_from_the_old_place_after_a_new_take_leaves_no_hole() -> None:
    """Seed 8: a database was dropped, and inputs that stood before the next fetch were never decided."""
    host, failures = Counting(), list[BaseException]()
    with ThreadPoolExecutor(1) as thread:
        feed = Feed(host, thread, failures.append)
        feed.assigned([PARTITION])
        assert start_of(feed) == 0
        assert host.taken.acquire(timeout=5)
        host.fence = True
        asyncio.run(feed.handle(feed.delivery({PARTITION: records(0, 1, 2)})))
        time.sleep(FENCED_PAUSE_S)
        feed.starts()
        assert host.taken.acquire(timeout=5), "it is taken anew"
        # The poller hasn't asked again where to read, and fetches on where it was.
        asyncio.run(feed.handle(feed.delivery({PARTITION: records(3, 4)})))
        assert host.handled == []
        assert start_of(feed) == 0
        asyncio.run(feed.handle(feed.delivery({PARTITION: records(0, 1, 2, 3, 4)})))
        assert host.handled == [0, 1, 2, 3, 4]
    assert failures == []
