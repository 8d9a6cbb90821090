"""How a reader of an events topic sees no zombie (L4): a partition has an epoch, lower ones are dropped."""

from collections.abc import Mapping
from typing import Final

from penstock.producers.log import Record
from penstock.schemas import headers

_MARKER: Final = b"PartitionTaken"
# Each taking raises the epoch by one, and by a few where owners died before they had marked the log. What leaps
# further is no owner's: a stranger's number must leave room for owners to go beyond it, also in a database's bigint.
LEAP_MAX: Final = 2**32
_DIGITS_MAX: Final = 19


class EpochFilter:
    """One integer for each (topic, partition). Save `state()` in the transaction that moves the position."""

    def __init__(self, saved: Mapping[tuple[str, int], int] | None = None) -> None:
        self._epochs = dict(saved or {})

    def admit(self, record: Record) -> bool:
        """Whether anyone may see this record. Ask for every record in order, before any filter on its type.

        Only deciders write events topics, and they always say their epoch: a record without one isn't theirs,
        nor is one whose epoch leaps.
        """
        epoch = _integer(record.header(headers.EPOCH))
        if epoch is None:
            return False
        place = (record.topic, record.partition)
        current = self._epochs.get(place, 0)
        if not current <= epoch <= current + LEAP_MAX:
            return False
        if epoch > current and (record.header(headers.CE_TYPE) or b"").endswith(_MARKER):
            self._epochs[place] = epoch
        return True

    def state(self) -> dict[tuple[str, int], int]:
        """The epochs so far, for the constructor of the reader that goes on from here."""
        return dict(self._epochs)


def _integer(text: bytes | None) -> int | None:
    if text is None or not text.isdigit() or len(text) > _DIGITS_MAX:
        return None
    return int(text)
