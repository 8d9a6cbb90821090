"""Between bytes on the log and typed records: Confluent framing (0x00, schema id, Avro) around fastavro.

What decodes has passed every check that later parts rely on. What doesn't is `Undecodable`, whatever is wrong
with it: a record from the log can't make the codec raise anything else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Final, Generic, TypeVar

import fastavro

from penstock.schemas.avro import Schema, full_name, self_contained
from penstock.schemas.bodies import EVENTS, INPUTS, EventBody, InputBody
from penstock.schemas.envelope.records import EventMeta, InputMeta
from penstock.schemas.registry import SchemaIds, pinned

__all__ = ["Codec", "EventBody", "InputBody", "Undecodable", "Unencodable", "pinned_codec"]

FRAME_BYTES: Final = 5
_UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
# All that fastavro, and the making of our types, can raise over bytes that aren't what they claim to be.
_MALFORMED: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
_KIND_OF: Final = {InputMeta: "input", EventMeta: "event"}

Body = TypeVar("Body")


class Undecodable(ValueError):
    """The value can't be a record of ours: put it into the dead letters with its original bytes, go on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unencodable(ValueError):
    """Meta and body don't make a record: a bug of the caller. Nothing was written."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """How one record is written: its frame, and its schema as fastavro wants it."""

    frame: bytes
    schema: Schema


@dataclass(frozen=True, slots=True)
class _Reader(Generic[Body]):
    """How the values of one schema id are read. `reader` is None where the writer's schema is today's own."""

    body: type[Body]
    writer: Schema
    reader: Schema | None


class Codec:
    """Encodes with today's schemas, decodes whatever schema id it meets. Safe to share between threads."""

    def __init__(self, ids: SchemaIds) -> None:
        self._ids = ids
        self._writers: dict[str, _Writer] = {}
        self._inputs: dict[int, _Reader[InputBody]] = {}
        self._events: dict[int, _Reader[EventBody]] = {}

    def encode(self, meta: InputMeta | EventMeta, body: InputBody | EventBody) -> bytes:
        """The record's value. Raises Unencodable."""
        name = body.FULL_NAME
        writer = self._writers.get(name) or self._writer(name)
        if meta.type != type(body).__name__ or _KIND_OF[type(meta)] != body.KIND:
            raise Unencodable(f"{type(meta).__name__} of type {meta.type!r} around a {name}")
        fields = body.to_avro()
        fields["meta"] = meta.to_avro()
        stream = BytesIO()
        stream.write(writer.frame)
        try:
            fastavro.schemaless_writer(stream, writer.schema, fields)
        except _MALFORMED as error:
            raise Unencodable(f"{name}: {error}") from error
        return stream.getvalue()

    def decode_input(self, value: bytes) -> tuple[InputMeta, InputBody]:
        """The input that an inbox's value holds. Raises Undecodable."""
        schema_id = _schema_id(value)
        reader = self._inputs.get(schema_id)
        if reader is None:
            reader = self._inputs[schema_id] = self._reader(schema_id, INPUTS)
        fields = _fields(value, reader)
        try:
            meta, body = InputMeta.from_avro(fields["meta"]), reader.body.from_avro(fields)
        except _MALFORMED as error:
            raise Undecodable(f"{reader.body.__name__}: {error}") from error
        _check(meta, reader.body)
        return meta, body

    def decode_event(self, value: bytes) -> tuple[EventMeta, EventBody]:
        """The event that an events topic's value holds. Raises Undecodable."""
        schema_id = _schema_id(value)
        reader = self._events.get(schema_id)
        if reader is None:
            reader = self._events[schema_id] = self._reader(schema_id, EVENTS)
        fields = _fields(value, reader)
        try:
            meta, body = EventMeta.from_avro(fields["meta"]), reader.body.from_avro(fields)
        except _MALFORMED as error:
            raise Undecodable(f"{reader.body.__name__}: {error}") from error
        _check(meta, reader.body)
        return meta, body

    def _writer(self, name: str) -> _Writer:
        frame = b"\0" + self._ids.id_of(name).to_bytes(4, "big")
        made = self._writers[name] = _Writer(frame, _parsed(name))
        return made

    def _reader(self, schema_id: int, bodies: Mapping[str, type[Body]]) -> _Reader[Body]:
        schema = self._ids.schema_of(schema_id)
        if schema is None:
            raise Undecodable(f"no schema has the id {schema_id}")
        name = full_name(schema)
        body = bodies.get(name)
        if body is None:
            raise Undecodable(f"a {name} doesn't belong here")
        own = _parsed(name)
        writer = fastavro.parse_schema(schema)
        same = _canonical(writer) == _canonical(own)
        return _Reader(body, own if same else writer, None if same else own)


def _schema_id(value: bytes) -> int:
    if len(value) < FRAME_BYTES or value[0] != 0:
        raise Undecodable("not in Confluent framing: 0x00 and a schema id must come first")
    return int.from_bytes(value[1:FRAME_BYTES], "big")


def _fields(value: bytes, reader: _Reader[Any]) -> dict[str, Any]:
    stream = BytesIO(value)
    stream.seek(FRAME_BYTES)
    try:
        fields: dict[str, Any] = fastavro.schemaless_reader(stream, reader.writer, reader.reader)
    except _MALFORMED as error:
        raise Undecodable(f"{reader.body.__name__}: {type(error).__name__} {error}") from error
    if stream.tell() != len(value):
        raise Undecodable(f"{reader.body.__name__}: {len(value) - stream.tell()} bytes too many")
    return fields


def _check(meta: InputMeta | EventMeta, body: type[Any]) -> None:
    if meta.type != body.__name__:
        raise Undecodable(f"a {body.__name__} whose envelope says {meta.type!r}")
    if not _UUID(meta.id):
        raise Undecodable(f"{body.__name__}: its id isn't a lower-case UUID")
    if not _UUID(meta.entity_id):
        raise Undecodable(f"{body.__name__}: its entity_id isn't a lower-case UUID")


@cache
def _parsed(name: str) -> Schema:
    return fastavro.parse_schema(self_contained(name))


def _canonical(schema: Schema) -> str:
    """Equal for schemas that write the same bytes."""
    text: str = fastavro.schema.to_parsing_canonical_form(schema)
    return text


@cache
def pinned_codec() -> Codec:
    """The codec over the ids of registry.lock."""
    return Codec(pinned())
