"""What another version of a schema wrote, written anew in today's: Avro's schema resolution, by fastavro.

Only versions of one record are resolved; ids and enums that today's schema doesn't know get its defaults.
"""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Final

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType, to_parsing_canonical_form

from penstock.schemas.avro import Schema, full_name, self_contained
from penstock.schemas.binary import Malformed

# All that fastavro can raise over schemas that aren't any, and bytes that aren't what their schema claims.
RAISED_BY_FASTAVRO: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    SchemaResolutionError,
    SchemaParseException,
    UnknownType,
)

Translate = Callable[[bytes, int], bytes]


def translator(schema: Schema) -> Translate | None:
    """From a writer's schema to today's of the same record; None where both write the same bytes.

    What it returns takes a value and the position of the Avro in it, and gives the Avro in today's form;
    it raises Malformed. KeyError if there is no such record today.
    """
    name = full_name(schema)
    own = _parsed(name)
    try:
        writer = fastavro.parse_schema(schema)
        if _canonical(writer) == _canonical(own):
            return None
    except RAISED_BY_FASTAVRO as error:
        raise Malformed(f"the registry's schema of this {name} is none: {error}") from error

    def translate(value: bytes, at: int) -> bytes:
        stream, written = BytesIO(value), BytesIO()
        stream.seek(at)
        try:
            fields = fastavro.schemaless_reader(stream, writer, own)
            fastavro.schemaless_writer(written, own, fields)
        except RAISED_BY_FASTAVRO as error:
            raise Malformed(f"{type(error).__name__} {error}") from error
        if stream.tell() != len(value):
            raise Malformed(f"{len(value) - stream.tell()} bytes behind its end")
        return written.getvalue()

    return translate


@cache
def _parsed(name: str) -> Schema:
    return fastavro.parse_schema(self_contained(name))


def _canonical(schema: Schema) -> str:
    """Equal for schemas that write the same bytes: docs and defaults are left out."""
    text: str = to_parsing_canonical_form(schema)
    return text
