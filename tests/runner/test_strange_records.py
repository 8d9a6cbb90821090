"""What the suite of hostile records has found (tests/integration/strangers), each as small as it can be shown."""

import threading
import time
from dataclasses import replace

import pytest

from penstock.producers.kafka_reading import record_of
from penstock.producers.log import Outgoing, Record
from penstock.runtime.placing import misplacement
from penstock.schemas.headers import CE_TYPE, DLQ_CUT, UNREADABLE
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import DEAD_LETTER_BYTES_MAX, PARTITIONS, RECORD_BYTES_MAX, RUN_EVENTS, RUN_INBOX
from penstock.streams.alarms import Alarms
from penstock.streams.arrival import Malformed, receive
from penstock.streams.background import Background
from penstock.streams.memory_journal import MemoryJournal

from .tally import CODEC, KEYRING, World, entity, input_record


class Unreadable:
    """A message as confluent-kafka gives it where a header's name isn't UTF-8."""

    def key(self) -> bytes:
        return b"key"

    value = key

    def timestamp(self) -> tuple[int, int]:
        return 1, 7

    def headers(self) -> None:
        raise SystemError("returned a result with an exception set")


def test_headers_that_cant_be_read_count_as_none() -> None:
    record = record_of(Unreadable(), RUN_INBOX, 0, 1)  # type: ignore[arg-type]
    assert (record.value, [name for name, _ in record.headers]) == (b"key", [UNREADABLE])


def test_what_was_small_only_while_compressed_is_a_dead_letter_that_its_topic_takes() -> None:
    sent = input_record("a", FireTimer(timer_id="x" * (3 * RECORD_BYTES_MAX)))
    record = Record(RUN_INBOX, 0, 7, 0, sent.key, sent.value, sent.headers)
    arrived = receive(record, PARTITIONS, CODEC, KEYRING)
    assert isinstance(arrived, Malformed)
    assert arrived.error == "TooLarge"
    letter = arrived.dead_letter("penstock.streams.runs")
    assert dict(letter.headers)[DLQ_CUT].isdigit()
    assert len(letter.value or b"") < DEAD_LETTER_BYTES_MAX


def test_a_copy_of_an_event_elsewhere_is_not_adopted(world: World) -> None:
    owner = world.runner().take_all()
    world.send("a", "one")
    owner.work()
    partition = world.partition("a")
    [event] = [
        record
        for record in world.log.read(RUN_EVENTS, partition, 0, 100)
        if record.key == entity("a").encode()
    ]
    elsewhere = (partition + 1) % PARTITIONS
    world.log.append([Outgoing(RUN_EVENTS, event.key, event.value, event.headers, elsewhere)])
    anew = world.runner(MemoryJournal()).take_all()
    world.send("a", "two")
    anew.work()
    assert world.notes("a") == ["one/0", "two/1"]


def test_an_event_stands_under_its_own_name_or_nowhere(world: World) -> None:
    owner = world.runner().take_all()
    world.send("a", "one")
    owner.work()
    partition = world.partition("a")
    records = list(world.log.read(RUN_EVENTS, partition, 0, 100))
    for record in records:
        meta, _ = CODEC.decode_event(record.value or b"")
        assert misplacement(record, meta, PARTITIONS) is None
        assert misplacement(replace(record, headers=((CE_TYPE, b"RunStarted"),)), meta, PARTITIONS)
        assert misplacement(replace(record, partition=(partition + 1) % PARTITIONS), meta, PARTITIONS)
        if record.key == entity("a").encode():
            assert misplacement(record, replace(meta, entity_seq=0), PARTITIONS)
            assert misplacement(replace(record, key=None), meta, PARTITIONS)
            break
    else:
        raise AssertionError("the event isn't there")


@pytest.mark.parametrize("due_ms", [2**63 - 1, -(2**63)])
def test_an_alarm_may_be_set_for_any_time(due_ms: int) -> None:
    background, rung = Background(), threading.Event()
    alarms = Alarms(background)
    try:
        alarms.after(due_ms / 1000, lambda: None)
        time.sleep(0.05)
        alarms.after(0, rung.set)
        assert rung.wait(5)
        background.check()
    finally:
        alarms.close()
