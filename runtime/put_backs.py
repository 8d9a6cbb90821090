"""What is put into an inbox for a dead letter: the record as it stands on the log, or what an operator gives."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from penstock.producers.errors import RecordTooLarge
from penstock.producers.log import Outgoing, Record, SoonLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Keyring
from penstock.runtime.dead_letter_actions import mended_id
from penstock.runtime.mends import BadMend, Mend
from penstock.runtime.settings import Settings
from penstock.schemas import headers
from penstock.schemas.canonical import sha256_hex
from penstock.schemas.codec import Codec, Unencodable
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.topics import BY_NAME, topics_of

Columns: TypeAlias = dict[str, Any]

INBOX: Final = ".inbox"
OURS: Final = (headers.REDRIVE, headers.REDRIVE_ACTION)


class Refused(Exception):
    """It wasn't done. `kind` is one of: not-found, busy, already-redriven, already-discarded, not-redrivable,
    not-where-it-says, too-large."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes. `publisher` signs as the door; `acknowledged_s` bounds each wait for the log."""

    settings: Settings
    log: SoonLog
    publisher: Publisher
    keyring: Keyring
    codec: Codec
    acknowledged_s: float = 5.0


class PutBacks:
    """Drafts of what one operator of one tenant puts back. Writes nothing."""

    def __init__(self, means: Means, tenant: str, actor: Actor) -> None:
        self._means = means
        self._tenant = tenant
        self._actor = actor

    def outgoing(self, row: Columns, rounds: int, mend: Mend | None) -> Outgoing:
        """What is to stand in the inbox of the letter in `row`, which was put back `rounds` times. Raises Refused."""
        if row["topic"] not in BY_NAME or not row["topic"].endswith(INBOX):
            raise Refused(
                "not-redrivable",
                f"Only its owner writes {row['topic']}, so nothing is put back there: mend what couldn't take the "
                "record, and discard this.",
            )
        return self._original(row) if mend is None else self._mended(row, rounds, mend)

    def _mended(self, row: Columns, rounds: int, mend: Mend) -> Outgoing:
        if row["topic"] not in {topic.name for topic in topics_of(mend.body.FULL_NAME)}:
            raise Refused(
                "not-redrivable", f"A {type(mend.body).__name__} doesn't belong into {row['topic']}."
            )
        meta = InputMeta(
            id=mended_id(row["id"], rounds),
            type=type(mend.body).__name__,
            tenant=self._tenant,
            entity_id=mend.entity_id,
            # The same mend asked for again makes the same bytes.
            time_ms=row["time_ms"],
            actor=self._actor,
        )
        try:
            return self._means.publisher.outgoing(meta, mend.body, row["topic"])
        except RecordTooLarge as error:
            raise Refused("too-large", f"{error}: give less in its place.") from error
        except Unencodable as error:
            raise BadMend(f"the fields don't make a {meta.type}: {error}") from error

    def _original(self, row: Columns) -> Outgoing:
        """The record as it stands on the log; what a dead letter says of it must be true."""
        place = row["topic"], row["partition"], row["offset"]
        record = self._read(*place)
        if record is None or (record.key, record.value) != (_bytes(row["key"]), _bytes(row["value"])):
            raise Refused(
                "not-where-it-says",
                f"{place[0]} partition {place[1]} offset {place[2]} doesn't hold these bytes: it was removed, or "
                "the dead letter is a stranger's. Give a replacement, or discard it.",
            )
        if record.key is None:
            raise Refused("not-redrivable", "It has no key, so it belongs to no entity: give a replacement.")
        kept = tuple(header for header in record.headers if header[0] not in OURS)
        return Outgoing(record.topic, record.key, record.value, kept)

    def _read(self, topic: str, partition: int, offset: int) -> Record | None:
        log = self._means.log
        if not 0 <= partition < log.partitions(topic):
            return None
        first, end = log.bounds(topic, partition)
        return (
            next(iter(log.read(topic, partition, offset, offset + 1)), None)
            if first <= offset < end
            else None
        )


def hash_of(record: Record | Outgoing) -> str:
    """Of what a reader goes by: the value, and whose word it is."""
    signature = next((value for name, value in record.headers if name == headers.SIGNATURE), b"")
    return sha256_hex((record.value or b"") + b"\n" + signature)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
