"""A second projector for a while: folds the log into a shadow, up to places that it is told, while the first goes on.

Reads: the log from where the shadow stands, without a consumer group. Writes: the shadow, by the projector's own
applier, with its positions in the same transactions; killed at any time it goes on where it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit.applier import Applier, Partition, PositionRefused
from penstock.producers.log import Log, LogIdentity
from penstock.producers.signing import Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.points import reach
from penstock.schemas.codec import Codec

BATCH_RECORDS_MAX: Final = 4_000
Places = Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class LivePlace:
    """How far the views are in a partition, where its log began when they did, and which log that is."""

    position: int
    first: int
    identity: LogIdentity


class LogDoesNotFit(SetupError):
    """The log that is there can't give back what the views have: `penstock rebuild-views` takes what there is."""


class Refolding:
    """The only writer of a shadow; not to be shared between threads."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        kept: Log,
        codec: Codec,
        keyring: Keyring,
        deployment: str,
        schema: str,
    ) -> None:
        self._applier = Applier(connection, codec, keyring, deployment, schema)
        self._log = kept

    @property
    def places(self) -> Places:
        """Where the shadow stands, of the partitions that it has begun with."""
        return self._applier.positions

    def begin(self, partitions: Mapping[Partition, LivePlace]) -> None:
        """Take these partitions, of the log that the views are of.

        Raises LogDoesNotFit if the log is another one now, or begins later.
        """
        if partitions.keys() <= self.places.keys():
            return
        for (topic, partition), live in partitions.items():
            now, _ = self._log.bounds(topic, partition)
            if self._log.identity(topic) != live.identity:
                raise LogDoesNotFit(
                    f"the views were made from another log's {topic} than the broker's now: correct the address, or"
                    " type `penstock rebuild-views`"
                )
            if now > live.first:
                raise LogDoesNotFit(
                    f"{topic} partition {partition} begins at {now}, and the views have seen it from {live.first} on:"
                    " what stood before can't be made again. If that may be lost, type `penstock rebuild-views`"
                )
        try:
            self._applier.take(partitions, self._log)
        except PositionRefused as refused:
            raise LogDoesNotFit(
                f"{refused}. This rebuild can't go on: `penstock rebuild --drop` removes it"
            ) from refused

    def fold(self, until: Places, tell: Callable[[int], None] = lambda records: None) -> None:
        """Fold what is missing up to these places; `tell` hears of each batch how many records it had.

        Raises LogDoesNotFit if the log hasn't got that far, psycopg.OperationalError if Postgres is away.
        """
        for (topic, partition), end in sorted(until.items()):
            start = self.places[topic, partition]
            records = self._log.read(topic, partition, start, end) if start < end else iter(())
            while batch := list(islice(records, BATCH_RECORDS_MAX)):
                self._applier.handle(batch)
                reach("shadow-folded")
                tell(len(batch))
            if (reached := self.places[topic, partition]) < end:
                raise LogDoesNotFit(
                    f"the views are at {end} of {topic} partition {partition}, and the log has nothing after {reached}:"
                    " restore the log, or type `penstock rebuild-views`"
                )
