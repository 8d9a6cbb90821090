"""Source of the `records` modules: Avro records as frozen, slotted dataclasses, enums as Literal aliases.

Inputs, events and facts leave out their first field, `meta`: it is passed beside the body everywhere.
"""

import textwrap
from collections.abc import Iterator
from typing import Final

from penstock.schemas.avro import (
    Schema,
    body_fields,
    full_name,
    is_record,
    kind,
    named_types,
    records_of,
    references,
)

PRIMITIVES: Final = {
    "string": "str",
    "bytes": "bytes",
    "int": "int",
    "long": "int",
    "boolean": "bool",
}
HOW: Final = (
    "Generated from the .avsc files: never edited, made anew by\n`python -m penstock.schemas.generate`."
)
RECORD_IMPORTS: Final = """
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from penstock.schemas.frozen import quick
"""
WIDTH: Final = 106


def records_module(folder: str) -> str:
    """Source of `<folder>/records.py`: aliases of its enums, then parts before what holds them."""
    return "\n".join(_module(folder))


def _module(folder: str) -> Iterator[str]:
    yield f'"""The {folder} records as Python types. {HOW}\n"""'
    yield RECORD_IMPORTS
    yield from foreign_imports(folder, "records")
    namespace = f"penstock.{folder}"
    mine = {name: schema for name, schema in named_types().items() if schema["namespace"] == namespace}
    for name in sorted(name for name, schema in mine.items() if schema["type"] == "enum"):
        words = ", ".join(f'"{symbol}"' for symbol in mine[name]["symbols"])
        yield textwrap.fill(mine[name]["doc"], WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{mine[name]['name']}: TypeAlias = Literal[{words}]\n"
    for record in records_of(folder):
        yield from _dataclass(record)
    names = ", ".join(sorted(f'"{schema["name"]}"' for schema in mine.values()))
    yield f"__all__ = [{names}]"


def foreign_imports(folder: str, module: str) -> Iterator[str]:
    """Imports of the types that a folder's bodies take from other folders."""
    wanted: dict[str, set[str]] = {}
    for record in records_of(folder):
        for field in body_fields(record):
            for name in references(field["type"]):
                _, owner, short = name.split(".")
                if owner != folder:
                    wanted.setdefault(owner, set()).add(short)
    for owner, names in sorted(wanted.items()):
        yield f"from penstock.schemas.{owner}.{module} import {', '.join(sorted(names))}"
    yield ""


def _dataclass(record: Schema) -> Iterator[str]:
    which = kind(record)
    fields = body_fields(record)
    yield "@quick"
    yield "@dataclass(frozen=True, slots=True, kw_only=True)"
    yield f"class {record['name']}:"
    yield '    """' + "\n    ".join(textwrap.wrap(record["doc"], WIDTH))
    yield ""
    for field in fields:
        line = f"{field['name']}: {field['doc']}"
        yield textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="        ")
    yield '    """\n'
    yield f'    FULL_NAME: ClassVar[str] = "{full_name(record)}"'
    yield f'    KIND: ClassVar[Literal["{which}"]] = "{which}"\n'
    for field in fields:
        yield f"    {field['name']}: {annotation(field['type'])}{_default(field)}"
    yield "\n    def to_avro(self) -> dict[str, Any]:"
    yield f'        """The fields as Avro libraries write them{without_meta(record)}."""'
    yield "        return {"
    for field in fields:
        yield f'            "{field["name"]}": {_to_avro(field["type"], "self." + field["name"])},'
    yield "        }\n"
    yield "    @classmethod"
    yield f'    def from_avro(cls, fields: Mapping[str, Any]) -> "{record["name"]}":'
    yield '        """From the fields as Avro libraries read them."""'
    yield "        return cls("
    for field in fields:
        source = f'fields["{field["name"]}"]'
        yield f"            {field['name']}={_from_avro(field['type'], source)},"
    yield "        )\n\n"


def without_meta(record: Schema) -> str:
    """What docstrings add for a record whose meta stands beside it."""
    return "" if kind(record) == "part" else ", without meta"


def annotation(schema: Schema) -> str:
    """The Python type of an Avro type."""
    match schema:
        case ["null", branch]:
            return f"{annotation(branch)} | None"
        case {"type": "array", "items": items}:
            return f"tuple[{annotation(items)}, ...]"
        case {"name": str(name)}:
            return name
        case str(name) if name in PRIMITIVES:
            return PRIMITIVES[name]
        case str(name) if name in named_types():
            return name.rpartition(".")[2]
    raise ValueError(f"no Python type for the Avro type {schema!r}: extend penstock.schemas.generate_records")


def _default(field: Schema) -> str:
    if "default" not in field:
        return ""
    value = field["default"]
    return f" = {tuple(value) if isinstance(value, list) else value!r}"


def _to_avro(schema: Schema, source: str) -> str:
    match schema:
        case ["null", branch] if is_record(branch):
            return f"None if {source} is None else {source}.to_avro()"
        case {"type": "array", "items": items} if is_record(items):
            return f"[item.to_avro() for item in {source}]"
        case {"type": "array"}:
            return f"list({source})"
    return f"{source}.to_avro()" if is_record(schema) else source


def _from_avro(schema: Schema, source: str) -> str:
    match schema:
        case ["null", branch] if is_record(branch):
            return f"None if {source} is None else {_from_avro(branch, source)}"
        case {"type": "array", "items": items} if is_record(items):
            return f"tuple({annotation(items)}.from_avro(item) for item in {source})"
        case {"type": "array"}:
            return f"tuple({source})"
    return f"{annotation(schema)}.from_avro({source})" if is_record(schema) else source
