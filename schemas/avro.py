"""The .avsc files: one named type a file, `<folder>/<Name>.avsc`, referring to one another by full name.

Reads the files beside this module. Gives each type by full name and, for registries, self-contained.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

# A schema as JSON: a name, a union (list) or a definition (object). Its shape is checked where it is used.
Schema: TypeAlias = Any
Kind: TypeAlias = Literal["input", "event", "part"]

FOLDER: Final = Path(__file__).parent
INPUT_META: Final = "penstock.envelope.InputMeta"
EVENT_META: Final = "penstock.envelope.EventMeta"
NAMED: Final = frozenset({"record", "enum", "fixed"})


def full_name(schema: Schema) -> str:
    """`<namespace>.<name>` of a named type."""
    return f"{schema['namespace']}.{schema['name']}"


@cache
def declared() -> Mapping[str, Schema]:
    """Every .avsc by full name, folders and files in alphabetical order."""
    found: dict[str, Schema] = {}
    for path in sorted(FOLDER.glob("*/*.avsc")):
        schema = json.loads(path.read_text("utf-8"))
        expected = f"penstock.{path.parent.name}.{path.stem}"
        if full_name(schema) != expected:
            raise ValueError(f"{path.name} declares {full_name(schema)}; its place asks for {expected}")
        found[expected] = schema
    return found


def kind(schema: Schema) -> Kind:
    """What a declared record is, told by its first field: an inbox's input, an event, or a part of others."""
    fields = schema.get("fields") or [{"name": "", "type": ""}]
    if fields[0]["name"] == "meta" and fields[0]["type"] == INPUT_META:
        return "input"
    if fields[0]["name"] == "meta" and fields[0]["type"] == EVENT_META:
        return "event"
    return "part"


def standalone() -> Iterator[str]:
    """Full names of the records that stand on the log by themselves: inputs and events."""
    return (name for name, schema in declared().items() if kind(schema) != "part")


def named_types() -> Mapping[str, Schema]:
    """The declared types and those defined inside them (enums in a field), by full name."""
    found = dict(declared())
    for schema in declared().values():
        for field in schema.get("fields", ()):
            inner = field["type"]
            if isinstance(inner, dict) and inner["type"] in NAMED:
                found[full_name(inner)] = inner
    return found


def self_contained(name: str) -> Schema:
    """A declared type with each type that it refers to defined at its first use, as registries want it."""
    return _inlined(name, set())


def schema_text(name: str) -> str:
    """The self-contained schema as registries store it: compact JSON, key order as declared."""
    return json.dumps(self_contained(name), separators=(",", ":"), ensure_ascii=False)


def _inlined(schema: Schema, defined: set[str]) -> Schema:
    if isinstance(schema, list):
        return [_inlined(branch, defined) for branch in schema]
    if isinstance(schema, str):
        if schema not in declared() or schema in defined:
            return schema
        return _inlined(declared()[schema], defined)
    copy = dict(schema)
    if copy["type"] in NAMED:
        defined.add(full_name(copy))
    if copy["type"] == "record":
        copy["fields"] = [{**field, "type": _inlined(field["type"], defined)} for field in copy["fields"]]
    if copy["type"] == "array":
        copy["items"] = _inlined(copy["items"], defined)
    return copy
