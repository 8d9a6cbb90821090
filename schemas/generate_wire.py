"""Source of the `wire` modules: straight-line Python that reads and writes the Avro form of each record.

fastavro goes through a dict, then our types are made of it: three times the time. It stays the witness in
tests, and the one who reads what other versions of a schema wrote.
"""

import re
from collections.abc import Iterator
from typing import Final

from penstock.schemas.avro import (
    Schema,
    body_fields,
    definition,
    full_name,
    is_record,
    kind,
    records_of,
    references,
)
from penstock.schemas.generate_records import HOW, without_meta

WIRE_IMPORTS: Final = """
from collections.abc import Callable, Mapping
from typing import Any, Final

from penstock.schemas.binary import (
    Malformed, read_array, read_int, read_long, read_size, read_text, setters, symbols,
    write_array, write_bytes, write_int, write_long, write_text,
)
"""
TABLES: Final = (
    ("READERS", "read", "Callable[[bytes, int], tuple[Any, int]]"),
    ("WRITERS", "write", "Callable[[Any], bytes]"),
)


def wire_module(folder: str) -> str:
    """Source of `<folder>/wire.py`: read_<record>, write_<record>, and both by full name."""
    return "\n".join(_module(folder))


def snake(name: str) -> str:
    """RunStarted -> run_started."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _module(folder: str) -> Iterator[str]:
    records = list(records_of(folder))
    yield f'"""The {folder} records in Avro\'s binary form. {HOW}\n"""'
    yield WIRE_IMPORTS
    names = [record["name"] for record in records]
    yield f"from penstock.schemas.{folder}.records import ({', '.join(names)},)"
    yield from _imports(folder, records)
    yield "\n_new = object.__new__"
    for name in sorted({name for record in records for name in _enums(record)}):
        words = ", ".join(f'"{symbol}"' for symbol in definition(name)["symbols"])
        yield f"{_read_table(name)}, {_write_table(name)} = symbols({words})"
    for record in records:
        if body_fields(record):
            targets = ", ".join(_setter(record, field) for field in body_fields(record))
            yield f"({targets},) = setters({record['name']})"
    for record in records:
        yield from _reading(record)
        yield from _writing(record)
    for table, verb, value in TABLES:
        pairs = ", ".join(f'"{full_name(record)}": {verb}_{snake(record["name"])}' for record in records)
        yield f"{table}: Final[Mapping[str, {value}]] = {{ {pairs}, }}"


def _imports(folder: str, records: list[Schema]) -> Iterator[str]:
    for record in records:
        for field in body_fields(record):
            for name in references(field["type"]):
                _, owner, short = name.split(".")
                if owner != folder and is_record(name):
                    both = f"read_{snake(short)}, write_{snake(short)}"
                    yield f"from penstock.schemas.{owner}.wire import {both}"


def _enums(record: Schema) -> Iterator[str]:
    for field in body_fields(record):
        yield from (name for name in references(field["type"]) if not is_record(name))


def _read_table(enum: str) -> str:
    return f"_{snake(enum.rpartition('.')[2])}_of"


def _write_table(enum: str) -> str:
    return f"_{snake(enum.rpartition('.')[2])}_bytes"


def _setter(record: Schema, field: Schema) -> str:
    return f"_set_{snake(record['name'])}_{field['name']}"


def _reading(record: Schema) -> Iterator[str]:
    name, fields = record["name"], body_fields(record)
    behind = "" if kind(record) == "part" else " whose meta ends"
    yield f"\ndef read_{snake(name)}(value: bytes, at: int) -> tuple[{name}, int]:"
    yield f'    """The {name}{behind} at that position, and the position behind it."""'
    for field in fields:
        yield from _read(field["type"], f"{field['name']}_", "    ")
    texts = [f"{{{field['name']}_}}" for field in fields if field["type"] == "string"]
    if texts:
        yield f'    if "\\0" in f"{"".join(texts)}":'
        yield '        raise Malformed("text with U+0000")'
    yield f"    made = _new({name})"
    for field in fields:
        yield f"    {_setter(record, field)}(made, {field['name']}_)"
    yield "    return made, at\n"


def _read(schema: Schema, into: str, indent: str) -> Iterator[str]:
    """Statements that read a value at `at` into a variable and leave `at` behind it."""
    match schema:
        case "string" | "bytes":
            yield f"{indent}raw = value[at]"
            yield f"{indent}if raw & 0x81:"
            yield f"{indent}    raw, at = read_size(value, at)"
            yield f"{indent}start, at = at + 1, at + 1 + (raw >> 1)"
            yield f"{indent}{into} = value[start:at]{'.decode()' if schema == 'string' else ''}"
            return
        case "int" | "long":
            yield f"{indent}raw = value[at]"
            yield f"{indent}if raw & 0x80:"
            yield f"{indent}    raw, at = read_{schema}(value, at)"
            yield f"{indent}{into} = raw >> 1 ^ -(raw & 1)"
            yield f"{indent}at += 1"
            return
        case "boolean":
            yield f"{indent}{into} = value[at] == 1"
            yield f"{indent}if value[at] > 1:"
            yield f'{indent}    raise Malformed("a boolean that is neither 0 nor 1")'
            yield f"{indent}at += 1"
            return
        case ["null", branch]:
            yield f"{indent}{into} = None"
            yield f"{indent}branch = value[at]"
            yield f"{indent}at += 1"
            yield f"{indent}if branch == 2:"
            yield from _read(branch, into, indent + "    ")
            if branch == "string":
                yield f'{indent}    if "\\0" in {into}:'
                yield f'{indent}        raise Malformed("text with U+0000")'
            yield f"{indent}elif branch:"
            yield f'{indent}    raise Malformed("a branch that the union has not")'
            return
        case {"type": "array", "items": items}:
            yield f"{indent}{into}, at = read_array(value, at, {_reader(items)})"
            return
    found = definition(schema)
    if isinstance(found, dict) and found["type"] == "enum":
        yield f"{indent}{into} = {_read_table(full_name(found))}[value[at]]"
        yield f"{indent}at += 1"
    else:
        yield f"{indent}{into}, at = {_reader(schema)}(value, at)"


def _reader(schema: Schema) -> str:
    """The function that reads a type that isn't read inline."""
    if is_record(schema):
        return f"read_{snake(definition(schema)['name'])}"
    if schema == "string":
        return "read_text"
    raise ValueError(f"nothing reads {schema!r}: extend penstock.schemas.generate_wire")


def _writing(record: Schema) -> Iterator[str]:
    name, fields = record["name"], body_fields(record)
    parts = [_write(field["type"], f"record.{field['name']}") for field in fields]
    yield f"\ndef write_{snake(name)}(record: {name}) -> bytes:"
    yield f'    """The {name} in Avro\'s binary form{without_meta(record)}."""'
    if len(parts) == 1:
        yield f"    return {parts[0]}\n"
    else:
        yield f'    return b"".join(({", ".join(parts)}{"," if parts else ""}))\n'


def _write(schema: Schema, source: str) -> str:
    """An expression that gives the bytes of a value."""
    match schema:
        case "boolean":
            return rf'b"\1" if {source} else b"\0"'
        case ["null", branch]:
            return rf'b"\0" if {source} is None else b"\2" + ({_write(branch, source)})'
        case {"type": "array", "items": items}:
            return f"write_array({source}, {_writer(items)})"
    found = definition(schema)
    if isinstance(found, dict) and found["type"] == "enum":
        return f"{_write_table(full_name(found))}[{source}]"
    return f"{_writer(schema)}({source})"


def _writer(schema: Schema) -> str:
    if is_record(schema):
        return f"write_{snake(definition(schema)['name'])}"
    if schema in ("string", "bytes", "int", "long"):
        return {"string": "write_text"}.get(schema, f"write_{schema}")
    raise ValueError(f"nothing writes {schema!r}: extend penstock.schemas.generate_wire")
