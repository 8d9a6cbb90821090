"""What the log in memory does beyond the contract: it fails and waits on request."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.producers.samples import Records

from penstock.producers.clock import FakeClock, SystemClock
from penstock.producers.errors import LogRefused, OwnerLost, RecordTooLarge
from penstock.producers.log import Outgoing, Record
from penstock.producers.memory import MemoryLog
from penstock.schemas.topics import ALL_TOPICS, RUN_INBOX


def one(records: Sequence[Outgoing]) -> Outgoing:
    (record,) = records
    return record


def test_it_has_the_topics_of_the_catalogue(log: MemoryLog) -> None:
    assert {topic.name: topic.partitions for topic in ALL_TOPICS} == {
        topic.name: log.partitions(topic.name) for topic in ALL_TOPICS
    }


def test_its_times_are_the_clocks(log: MemoryLog, clock: FakeClock, make_records: Records) -> None:
    before = log.append(make_records(RUN_INBOX, 1))[0].time_ms
    clock.advance(timedelta(hours=1, milliseconds=5))
    assert log.append(make_records(RUN_INBOX, 1))[0].time_ms == before + 3_600_005


def test_a_clock_does_not_go_back(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="back"):
        clock.advance(timedelta(seconds=-1))


def test_the_systems_clock_tells_milliseconds() -> None:
    assert 1_600_000_000_000 < SystemClock().now_ms() < 10_000_000_000_000


def test_delivery_goes_on_from_an_offset_and_again_from_an_earlier_one(
    log: MemoryLog, make_records: Records
) -> None:
    stored = log.append(make_records(RUN_INBOX, 5, key=b"k"))
    place = (RUN_INBOX, stored[0].partition)
    assert log.deliver(*place, from_offset=0, records_max=3) == tuple(stored[:3])
    assert log.deliver(*place, from_offset=3) == tuple(stored[3:])
    assert log.deliver(*place, from_offset=1) == tuple(stored[1:])
    assert log.deliver(*place, from_offset=5) == ()


def test_delivery_waits_for_the_first_record(log: MemoryLog, make_records: Records) -> None:
    delivered: list[tuple[Record, ...]] = []
    record = one(make_records(RUN_INBOX, 1, key=b"k"))
    (stored,) = log.append([record])
    waiter = threading.Thread(
        target=lambda: delivered.append(log.deliver(RUN_INBOX, stored.partition, 1, wait_s=10))
    )
    waiter.start()
    (second,) = log.append([record])
    waiter.join(10)
    assert delivered == [(second,)]


def test_a_failed_append_leaves_nothing_and_the_next_succeeds(log: MemoryLog, make_records: Records) -> None:
    log.fail_next_append(RecordTooLarge("topic", 2, 1))
    with pytest.raises(RecordTooLarge):
        log.append(make_records(RUN_INBOX, 3, key=b"k"))
    assert [record.offset for record in log.append(make_records(RUN_INBOX, 3, key=b"k"))] == [0, 1, 2]


def test_after_a_refusal_only_another_client_can_append(log: MemoryLog, make_records: Records) -> None:
    log.append(make_records(RUN_INBOX, 1, key=b"k"))
    log.fail_next_append(LogRefused("by the test"))
    for _ in range(2):
        with pytest.raises(LogRefused, match="by the test"):
            log.append(make_records(RUN_INBOX, 1, key=b"k"))
    other = log.another_client()
    assert other.append(make_records(RUN_INBOX, 1, key=b"k"))[0].offset == 1
    assert other.identity(RUN_INBOX) == log.identity(RUN_INBOX)


@pytest.mark.parametrize("survivors", [0, 1, 3])
def test_a_lost_owner_leaves_the_first_records_of_its_append(
    log: MemoryLog, make_records: Records, survivors: int
) -> None:
    log.lose_after(survivors)
    with pytest.raises(OwnerLost, match=f"{survivors} of 3"):
        log.append(make_records(RUN_INBOX, 3, key=b"k"))
    assert log.append(make_records(RUN_INBOX, 1, key=b"k"))[0].offset == survivors


def test_a_wiped_broker_is_empty_and_another(log: MemoryLog, make_records: Records) -> None:
    before = log.identity(RUN_INBOX)
    partition = log.append(make_records(RUN_INBOX, 1))[0].partition
    log.wipe()
    after = log.identity(RUN_INBOX)
    assert log.bounds(RUN_INBOX, partition) == (0, 0)
    assert before.cluster_id != after.cluster_id
    assert before.topic_id != after.topic_id


def test_appends_wait_for_a_broker_that_is_away(log: MemoryLog, make_records: Records) -> None:
    log.go_away()
    answered = threading.Event()
    handed_over: list[object] = []
    log.append_soon(one(make_records(RUN_INBOX, 1, tag="soon", key=b"k")), handed_over.append)

    def append() -> None:
        log.append(make_records(RUN_INBOX, 2, tag="waits", key=b"k"))
        answered.set()

    threading.Thread(target=append, daemon=True).start()
    assert not answered.wait(0.05)
    assert handed_over == []
    log.come_back()
    assert answered.wait(10)
    (first,) = handed_over
    assert isinstance(first, Record)
    assert [r.value for r in log.deliver(RUN_INBOX, first.partition, 0)] == [
        b"soon:0",
        b"waits:0",
        b"waits:1",
    ]


def test_closing_ends_an_append_that_waits(log: MemoryLog, make_records: Records) -> None:
    log.go_away()
    errors: list[Exception] = []

    def append() -> None:
        try:
            log.append(make_records(RUN_INBOX, 1))
        except LogRefused as error:
            errors.append(error)

    waiter = threading.Thread(target=append)
    waiter.start()
    log.close()
    waiter.join(10)
    assert len(errors) == 1


def test_records_that_wait_for_the_broker_get_its_refusal(log: MemoryLog, make_records: Records) -> None:
    log.go_away()
    answers: list[object] = []
    for record in make_records(RUN_INBOX, 2):
        log.append_soon(record, answers.append)
    log.fail_next_append(LogRefused("by the test"))
    log.come_back()
    assert [type(answer) for answer in answers] == [LogRefused, LogRefused]


def test_threads_append_whole_and_in_order(log: MemoryLog, make_records: Records) -> None:
    threads = [
        threading.Thread(
            target=lambda tag=f"t{number}": log.append(make_records(RUN_INBOX, 50, tag=tag, key=b"k"))
        )
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    partition = log.append(make_records(RUN_INBOX, 1, key=b"k"))[0].partition
    records = list(log.read(RUN_INBOX, partition, 0, 400))
    assert [record.offset for record in records] == list(range(400))
    for number in range(8):
        tag = f"t{number}".encode()
        values = [record.value for record in records if record.header("tag") == tag]
        assert values == [tag + b":%d" % count for count in range(50)]
