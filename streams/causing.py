"""From an arrival to the events that follow from it, encoded: decided, or parked where that fails (law L5).

What would be too large to write is parked too, and what parks always fits: an input and its envelope have limits, and
an event takes twice as much. That something is too large says nothing about the code, so it stops no worker.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from penstock.producers.log import Record
from penstock.schemas.codec import Unencodable
from penstock.schemas.log.records import DiscardInput, ReleaseInput
from penstock.streams.arrival import Arrival
from penstock.streams.drafting import Draft, Drafter, Unappliable
from penstock.streams.entity import Entity
from penstock.streams.host import TakeRefused
from penstock.streams.writing import TooLarge, Writer, Written

S = TypeVar("S")

FAILED_IN_A_ROW_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Caused(Generic[S]):
    """What one arrival has caused. `failed_in_a_row` counts it, if deciding it failed."""

    draft: Draft[S]
    written: Sequence[Written]
    failed_in_a_row: int


@dataclass(frozen=True, slots=True)
class Causing(Generic[S]):
    """Decides and writes for one runner."""

    drafter: Drafter[S]
    writer: Writer

    def cause(self, entity: Entity[S], arrival: Arrival, failed_in_a_row: int) -> Caused[S]:
        """What follows from the arrival. Raises TakeRefused when deciding has failed for too many in a row."""
        try:
            draft = self.drafter.draft(entity, arrival)
            return Caused(draft, self._write(entity, arrival, draft), 0)
        except TooLarge as error:
            return Caused(*self._instead(entity, arrival, error), failed_in_a_row)
        except (Unappliable, Unencodable) as error:
            failed_in_a_row += 1
            if failed_in_a_row >= FAILED_IN_A_ROW_MAX:
                raise TakeRefused(
                    f"{failed_in_a_row} inputs of different entities in a row can't be decided, the last at"
                    f" {place(arrival.record)} ({error}). This looks like a bad deploy, so nothing more is parked."
                    " Put working code in place and start the worker again: it goes on from here."
                ) from error
            return Caused(*self._instead(entity, arrival, error), failed_in_a_row)

    def _instead(
        self, entity: Entity[S], arrival: Arrival, error: Exception
    ) -> tuple[Draft[S], Sequence[Written]]:
        """The arrival parked. A release frees only the oldest if all are too much; if it can't, or it is a discard,
        it is refused, because what it is about stays parked."""
        if isinstance(arrival.given.body, ReleaseInput) and isinstance(error, TooLarge):
            with contextlib.suppress(TooLarge, Unappliable, Unencodable):
                draft = self.drafter.draft(entity, arrival, released_bytes_max=0)
                return draft, self._write(entity, arrival, draft)
        if isinstance(arrival.given.body, ReleaseInput | DiscardInput):
            draft = self.drafter.refused(entity, arrival, "still_unappliable", str(error))
        else:
            draft = self.drafter.parked(entity, arrival, type(error).__name__, str(error))
        return draft, self._write(entity, arrival, draft)

    def _write(self, entity: Entity[S], arrival: Arrival, draft: Draft[S]) -> Sequence[Written]:
        written = self.writer.write(
            entity.tenant, arrival.given.meta, arrival.record, entity.seq, draft.time_ms, draft.bodies
        )
        _keep_logged_prefix(entity, written)
        return written


def _keep_logged_prefix(entity: Entity[S], written: Sequence[Written]) -> None:
    """An input of which only the first events reached the log is decided again; what is there, stays."""
    for (meta, _), again in zip(entity.prefix, written, strict=False):
        if meta.id != again.meta.id or meta.type != again.meta.type:
            raise TakeRefused(
                f"the log holds {meta.type} as seq {meta.entity_seq} of {entity.entity_id}, but today's code"
                f" decides {again.meta.type} there. Put the code back that was running, and start again."
            )


def place(record: Record) -> str:
    """Where a record stands, for messages."""
    return f"{record.topic}/{record.partition}@{record.offset}"
