"""Hostile records that are wrong as bytes, or stand where they don't belong, or come from other times."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from penstock.schemas.binary import write_long
from penstock.schemas.codec import FRAME_BYTES
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import PARTITIONS, RUN_EVENTS, RUN_INBOX
from tests.integration.strangers.case import harmless, malformed
from tests.integration.strangers.good import MARK, Good, good
from tests.integration.strangers.sending import Hostile, Way

Change = Callable[[bytes], bytes]
GIGABYTES: Final = 1 << 40


def _value(change: Change) -> Callable[[Good], Hostile]:
    return lambda g: g.sent(value=change(g.value))


def _first_length(raw: bytes) -> Change:
    """The length of the envelope's id, which is the first thing behind the frame."""
    return lambda value: value[:FRAME_BYTES] + raw + value[FRAME_BYTES + 1 :]


def _marked(instead: bytes) -> Change:
    return lambda value: value.replace(MARK.encode(), instead)


def _unknown_symbol(g: Good) -> Hostile:
    """The kind of the actor is the first place where these two differ."""
    person, app = g.value, g.but(actor=replace(g.meta.actor, kind="app")).value
    at = next(at for at, (one, other) in enumerate(zip(person, app, strict=True)) if one != other)
    return g.sent(value=person[:at] + b"\x7e" + person[at + 1 :])


def _of_another_topic(g: Good) -> Hostile:
    other = good(RUN_INBOX if isinstance(g.meta, EventMeta) else RUN_EVENTS, g.keyring, g.epoch)
    return g.sent(value=other.but(entity_id=g.meta.entity_id).value)


def _elsewhere(g: Good) -> Hostile:
    return g.sent(partition=(partition_of(g.key, PARTITIONS) + 1) % PARTITIONS)


def _by(way: Way) -> Callable[[Good], Hostile]:
    return lambda g: g.sent(way=way)


MALFORMED: Final = (
    malformed("no value (a tombstone)", lambda g: g.sent(value=None)),
    malformed("an empty value", lambda g: g.sent(value=b"")),
    malformed("one byte", lambda g: g.sent(value=b"\0")),
    malformed("another first byte than 0x00", _value(lambda value: b"\x01" + value[1:])),
    malformed("a record that belongs on another topic", _of_another_topic),
    malformed("cut short", _value(lambda value: value[:-3])),
    malformed("bytes behind its end", _value(lambda value: value + b"\0\0")),
    malformed("a text that claims to be a terabyte long", _value(_first_length(write_long(GIGABYTES)))),
    malformed("a text of negative length", _value(_first_length(write_long(-36)))),
    malformed("a number of twenty bytes", _value(_first_length(b"\xff" * 19 + b"\x01"))),
    malformed("a symbol that no schema has", _unknown_symbol),
    malformed("text that isn't UTF-8", _value(_marked(b"\xff\xfe\xfd\xfc"))),
    malformed("overlong UTF-8", _value(_marked(b"\xc0\xafab"))),
    malformed("a lone surrogate in text", _value(_marked(b"\xed\xa0\x80x"))),
    malformed("U+0000 in text", _value(_marked(b"a\0bc"))),
)
MISPLACED: Final = (
    malformed("no key", lambda g: g.sent(key=None)),
    malformed("a key that isn't UTF-8", lambda g: g.sent(key=b"\xff\xfe\0key")),
    malformed("another entity's key", lambda g: g.sent(key=good(g.topic, g.keyring, 1).meta.id.encode())),
    malformed("on another partition than its key's", _elsewhere),
)
OTHER_WAYS: Final = (
    harmless("nothing wrong with it", lambda g: g.sent()),
    harmless("compressed with gzip", _by("gzip")),
    harmless("compressed with lz4", _by("lz4")),
    harmless("compressed with zstd", _by("zstd")),
    harmless("compressed with snappy", _by("snappy")),
    harmless("in a transaction that was committed", _by("committed")),
    harmless("in a transaction that was aborted: readers read what isn't committed", _by("aborted")),
    harmless("a producer's time in 1970", lambda g: g.sent(time_ms=1)),
    harmless("a producer's time in the year 146,108,000", lambda g: g.sent(time_ms=2**62)),
)
CASES: Final = (*MALFORMED, *MISPLACED, *OTHER_WAYS)
