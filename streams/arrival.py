"""Receive, place, decode: from a record on the inbox to an input, or to the reason why it is none (law L5)."""

from dataclasses import dataclass
from typing import cast

from penstock.producers.log import Outgoing, Record
from penstock.producers.signing import Keyring
from penstock.schemas.codec import Codec, InputBody, Undecodable
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.envelope_limits import excess, excess_of_signature
from penstock.schemas.frozen import quick
from penstock.schemas.headers import SIGNATURE
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import RECORD_BYTES_MAX
from penstock.streams.dead_letters import dead_letter
from penstock.streams.decider import Input


@quick
@dataclass(frozen=True, slots=True)
class Arrival:
    """A decoded input and the record that it came in."""

    given: Input
    record: Record


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that is no input. `error` is Undecodable or Misplaced; nobody waits for it and nothing stops."""

    error: str
    detail: str
    stage: str
    record: Record

    def dead_letter(self, group_id: str) -> Outgoing:
        """The record as it came, byte for byte, with the reason in its headers."""
        return dead_letter(self.record, group_id, error=self.error, stage=self.stage, message=self.detail)


def receive(record: Record, partitions: int, codec: Codec, keyring: Keyring) -> Arrival | Malformed:
    """Place, decode and verify one record."""
    if record.said is not None:
        # Made by a host of this process a moment ago: placed by the producer, and nothing to decode.
        meta, body = cast("tuple[InputMeta, InputBody]", record.said)
        return Arrival(Input(meta, body, keyring.verify(record, meta), record.time_ms), record)
    if record.key is None or record.value is None:
        return Malformed("Undecodable", "a record without key or value", "receive", record)
    if len(record.value) > RECORD_BYTES_MAX:
        detail = f"{len(record.value)} bytes, of {RECORD_BYTES_MAX} at most: `penstock topics mend` has the broker look"
        return Malformed("TooLarge", detail, "receive", record)
    expected = partition_of(record.key, partitions)
    if expected != record.partition:
        detail = (
            f"murmur2 puts this key on partition {expected}, it stands on {record.partition}: set"
            " partitioner=murmur2_random on the producer that wrote it"
        )
        return Malformed("Misplaced", detail, "place", record)
    try:
        meta, body = codec.decode_input(record.value)
    except Undecodable as error:
        return Malformed("Undecodable", str(error), "decode", record)
    if meta.entity_id.encode() != record.key:
        return Malformed("Misplaced", f"the key isn't the entity's id {meta.entity_id}", "place", record)
    # What is within these limits always fits into an event that parks it.
    if too_long := excess(meta) or excess_of_signature(record.header(SIGNATURE)):
        return Malformed("TooLarge", str(too_long), "decode", record)
    return Arrival(Input(meta, body, keyring.verify(record, meta), record.time_ms), record)
