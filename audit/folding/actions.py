"""The rows of operators' actions, from their whole topic."""

from collections.abc import Iterable

from penstock.audit.folding.values import Row, clean, content, plain
from penstock.producers.log import Record
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import Codec, Undecodable
from penstock.schemas.ids import murmur2


def action_rows(records: Iterable[Record], partitions: int, codec: Codec, keyring: Keyring) -> dict[str, Row]:
    """What one partition's records say that a door's key signed, by action id; said twice, it counts once."""
    found: dict[str, Row] = {}
    for record in records:
        try:
            meta, said = codec.decode_fact(record.value or b"")
        except Undecodable:
            continue
        own = meta.entity_id.encode()
        at_home = record.key == own and (murmur2(own) & 0x7FFFFFFF) % partitions == record.partition
        door = keyring.verify(record, meta)
        if not at_home or door not in {Authority.API, Authority.OPERATOR} or meta.id in found:
            continue
        found[meta.id] = {
            "action_id": meta.id,
            "tenant": clean(meta.tenant),
            **{name: clean(getattr(said, name)) for name in ("action", "target", "reason")},
            "detail": content(said.detail),
            "subject": clean(meta.actor.subject),
            "actor": clean(plain(meta.actor)),
            "said_by": door.value,
            "time_ms": record.time_ms,
            "partition": record.partition,
            "offset": record.offset,
        }
    return found
