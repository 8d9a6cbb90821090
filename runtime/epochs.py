"""How a reader of an events topic sees no zombie (L4): a partition has an epoch, lower ones are dropped."""

from collections.abc import Mapping
from typing import Final

from penstock.producers.log import Record
from penstock.schemas import headers

_MARKER: Final = b"PartitionTaken"


class EpochFilter:
    """One integer for each (topic, partition). Save `state()` in the transaction that moves the position."""

    def __init__(self, saved: Mapping[tuple[str, int], int] | None = None) -> None:
        self._epochs = dict(saved or {})

    def admit(self, record: Record) -> bool:
        """Whether anyone may see this record. Ask for every record in order, before any filter on its type.

        Only deciders write events topics, and they always say their epoch: a record without one isn't theirs.
        """
        epoch = _integer(record.header(headers.EPOCH))
        if epoch is None:
            return False
        place = (record.topic, record.partition)
        current = self._epochs.get(place, 0)
        if epoch < current:
            return False
        if epoch > current and (record.header(headers.CE_TYPE) or b"").endswith(_MARKER):
            self._epochs[place] = epoch
        return True

    def state(self) -> dict[tuple[str, int], int]:
        """The epochs so far, for the constructor of the reader that goes on from here."""
        return dict(self._epochs)


def _integer(text: bytes | None) -> int | None:
    if text is None or not text.isdigit():
        return None
    return int(text)
