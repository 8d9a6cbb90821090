"""Between bytes on the log and typed records: Confluent framing (0x00, schema id as int32), then Avro.

What decodes has passed every check that later parts rely on: the right kind of record, ids that are UUIDs, an
envelope that names its record, text that Postgres can store, numbers of the declared width, nothing behind
the end. What doesn't is `Undecodable`, whatever is wrong: no bytes on the log make the codec raise anything
else. (Over a live registry it may raise RegistryUnavailable: then the value has not been judged.)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar

from penstock.schemas.avro import full_name
from penstock.schemas.bodies import EVENTS, FACTS, INPUTS, READERS, WRITERS, EventBody, FactBody, InputBody
from penstock.schemas.envelope.records import EventMeta, InputMeta
from penstock.schemas.envelope.wire import (
    read_event_meta,
    read_input_meta,
    write_event_meta,
    write_input_meta,
)
from penstock.schemas.registry import SchemaIds, pinned
from penstock.schemas.translation import Translate, translator

__all__ = [
    "Codec",
    "EventBody",
    "FactBody",
    "InputBody",
    "Undecodable",
    "Unencodable",
    "codec_for",
    "pinned_codec",
]

FRAME_BYTES: Final = 5
_IF_NEWER: Final = "if it was written by a newer release, upgrade this one, then redrive"
# Matches id and entity_id written one behind the other.
_TWO_UUIDS: Final = re.compile("(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}){2}").fullmatch
# What the wire modules raise over bytes that aren't a record: an end that comes too early, a symbol or a
# branch that doesn't exist, invalid UTF-8, and Malformed (a ValueError, as UnicodeDecodeError is).
_MALFORMED: Final = (IndexError, KeyError, ValueError)

Meta = TypeVar("Meta", InputMeta, EventMeta)
Body = TypeVar("Body")


class Undecodable(ValueError):
    """The value isn't a record of ours: put it into the dead letters with its original bytes, and go on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unencodable(ValueError):
    """Meta and body don't make a record: a bug of the caller, nothing was written."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """How one record is written: its frame, the envelope it needs and its fields."""

    frame: bytes
    meta: type[Any]
    write_meta: Callable[[Any], bytes]
    write: Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class _Reader(Generic[Body]):
    """How the values of one schema id are read. `translate` is None where that schema is today's."""

    name: str
    read: Callable[[bytes, int], tuple[Body, int]]
    translate: Translate | None


class Codec:
    """Encodes with today's schemas, decodes whatever schema id it meets. Safe to share between threads."""

    def __init__(self, ids: SchemaIds) -> None:
        self._ids = ids
        self._writers: dict[type, _Writer] = {}
        self._inputs: dict[int, _Reader[InputBody]] = {}
        self._events: dict[int, _Reader[EventBody]] = {}
        self._facts: dict[int, _Reader[FactBody]] = {}

    def encode(self, meta: InputMeta | EventMeta, body: InputBody | EventBody | FactBody) -> bytes:
        """The record's value. U+0000 and lone surrogates in text become U+FFFD. Raises Unencodable."""
        kind = type(body)
        try:
            writer = self._writers.get(kind) or self._writer(kind)
            if type(meta) is not writer.meta or meta.type != kind.__name__:
                raise Unencodable(f"a {type(meta).__name__} of type {meta.type!r} around a {kind.__name__}")
            return writer.frame + writer.write_meta(meta) + writer.write(body)
        except (ArithmeticError, AttributeError, KeyError, TypeError) as error:
            # One of: a number too wide, a field of another type, a symbol or a record that has no schema.
            raise Unencodable(f"{kind.__name__}: {type(error).__name__} {error}") from error

    def decode_input(self, value: bytes) -> tuple[InputMeta, InputBody]:
        """The input that a value of an inbox holds. Raises Undecodable."""
        return _decode(value, self._inputs, self._reader, INPUTS, read_input_meta)

    def decode_event(self, value: bytes) -> tuple[EventMeta, EventBody]:
        """The event that a value of an events topic holds. Raises Undecodable."""
        return _decode(value, self._events, self._reader, EVENTS, read_event_meta)

    def decode_fact(self, value: bytes) -> tuple[InputMeta, FactBody]:
        """The fact that a value of a topic of facts holds. Raises Undecodable."""
        return _decode(value, self._facts, self._reader, FACTS, read_input_meta)

    def _writer(self, kind: type[InputBody] | type[EventBody] | type[FactBody]) -> _Writer:
        name = kind.FULL_NAME
        frame = b"\0" + self._ids.id_of(name).to_bytes(4, "big")
        if kind.KIND != "event":
            writer = _Writer(frame, InputMeta, write_input_meta, WRITERS[name])
        else:
            writer = _Writer(frame, EventMeta, write_event_meta, WRITERS[name])
        self._writers[kind] = writer
        return writer

    def _reader(self, schema_id: int, bodies: Mapping[str, type[Body]]) -> _Reader[Body]:
        schema = self._ids.schema_of(schema_id)
        if schema is None:
            raise Undecodable(f"the registry has no Avro schema {schema_id}: {_IF_NEWER}")
        try:
            name = full_name(schema)
        except (KeyError, TypeError) as error:
            raise Undecodable(f"schema {schema_id} is no record's") from error
        if name not in READERS:
            raise Undecodable(f"there is no {name} here: {_IF_NEWER}")
        if name not in bodies:
            raise Undecodable(f"a {name} doesn't belong here")
        try:
            return _Reader(name, READERS[name], translator(schema))
        except ValueError as error:
            raise Undecodable(str(error)) from error


def _decode(
    value: bytes,
    readers: dict[int, _Reader[Body]],
    find: Callable[[int, Mapping[str, type[Body]]], _Reader[Body]],
    bodies: Mapping[str, type[Body]],
    read_meta: Callable[[bytes, int], tuple[Meta, int]],
) -> tuple[Meta, Body]:
    if len(value) < FRAME_BYTES or value[0] != 0:
        raise Undecodable("not in Confluent framing: 0x00 and a schema id come first")
    schema_id = int.from_bytes(value[1:FRAME_BYTES], "big")
    reader = readers.get(schema_id)
    if reader is None:
        reader = readers[schema_id] = find(schema_id, bodies)
    try:
        if reader.translate is not None:
            value = value[:FRAME_BYTES] + reader.translate(value, FRAME_BYTES)
        meta, at = read_meta(value, FRAME_BYTES)
        body, at = reader.read(value, at)
    except _MALFORMED as error:
        raise Undecodable(f"{reader.name}: {_why(error)}") from error
    if at > len(value):
        raise Undecodable(f"{reader.name}: {_why(IndexError())}")
    if at < len(value):
        raise Undecodable(f"{reader.name}: {len(value) - at} bytes behind its end")
    if not _TWO_UUIDS(meta.id + meta.entity_id) or len(meta.id) != 36:
        raise Undecodable(f"{reader.name}: its id and entity_id must be UUIDs in lower case")
    if meta.type != type(body).__name__:
        raise Undecodable(f"{reader.name}: its envelope says {meta.type!r}")
    return meta, body


def _why(error: Exception) -> str:
    """In words: what a reading error means."""
    match error:
        case IndexError():
            return "it ends too early"
        case KeyError():
            return f"an enum has no symbol at {error}"
        case UnicodeDecodeError():
            return "text that isn't UTF-8"
    return str(error)


@cache
def pinned_codec() -> Codec:
    """The codec over the ids of registry.lock."""
    return Codec(pinned())


def codec_for(schema_registry_url: str | None) -> Codec:
    """The codec over a live registry, or over registry.lock where no URL is set."""
    if not schema_registry_url:
        return pinned_codec()
    # Imported here: who needs no live registry needs no HTTP client either.
    from penstock.schemas.confluent import LiveSchemas

    return Codec(LiveSchemas(schema_registry_url))
