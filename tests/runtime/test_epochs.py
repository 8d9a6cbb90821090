"""What a reader of an events topic sees while owners change."""

import pytest

from penstock.producers.log import Record
from penstock.runtime.epochs import LEAP_MAX, EpochFilter


def record(epoch: bytes | None, kind: str = "penstock.run.RunStarted", partition: int = 0) -> Record:
    headers = [("ce_type", kind.encode())]
    if epoch is not None:
        headers.append(("epoch", epoch))
    return Record("events", partition, 0, 0, b"key", b"value", tuple(headers))


def marker(epoch: bytes) -> Record:
    return record(epoch, "penstock.log.PartitionTaken")


def test_late_record_of_a_former_owner_is_dropped() -> None:
    epochs = EpochFilter()
    assert epochs.admit(marker(b"1"))
    assert epochs.admit(record(b"1"))
    assert epochs.admit(marker(b"2"))
    assert not epochs.admit(record(b"1"))
    assert epochs.admit(record(b"2"))


def test_late_marker_of_a_former_owner_is_dropped_and_lowers_nothing() -> None:
    epochs = EpochFilter({("events", 0): 10})
    assert not epochs.admit(marker(b"9"))
    assert epochs.state() == {("events", 0): 10}


def test_partitions_have_epochs_of_their_own() -> None:
    epochs = EpochFilter({("events", 0): 5})
    assert not epochs.admit(record(b"4"))
    assert epochs.admit(record(b"4", partition=1))


def test_saved_state_goes_on_where_it_stopped() -> None:
    first = EpochFilter()
    first.admit(marker(b"3"))
    assert not EpochFilter(first.state()).admit(record(b"2"))
    assert EpochFilter(first.state()).admit(record(b"3"))


def test_only_a_marker_raises_the_epoch() -> None:
    epochs = EpochFilter({("events", 0): 1})
    assert epochs.admit(record(b"7"))
    assert epochs.state() == {("events", 0): 1}


@pytest.mark.parametrize("epoch", [None, b"", b"-1", b"1.0", b"\xff", b" 1"])
def test_record_that_says_no_epoch_is_not_a_deciders(epoch: bytes | None) -> None:
    assert not EpochFilter().admit(record(epoch))


@pytest.mark.parametrize("epoch", [b"%d" % (LEAP_MAX + 6), b"9" * 19, b"9" * 40, b"1" * 5000])
def test_an_epoch_that_leaps_is_no_owners_and_hides_nothing(epoch: bytes) -> None:
    epochs = EpochFilter({("events", 0): 5})
    assert not epochs.admit(marker(epoch))
    assert not epochs.admit(record(epoch))
    assert epochs.admit(record(b"5"))


def test_owners_can_go_beyond_any_epoch_that_counts() -> None:
    epochs = EpochFilter({("events", 0): 5})
    assert epochs.admit(marker(b"%d" % (LEAP_MAX + 5)))
    assert not epochs.admit(record(b"5"))
    assert epochs.admit(marker(b"%d" % (LEAP_MAX + 6)))
    assert epochs.admit(record(b"%d" % (LEAP_MAX + 6)))
