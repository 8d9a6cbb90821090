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
Kind: TypeAlias = Literal["input", "event", "fact", "part"]

FOLDER: Final = Path(__file__).parent
INPUT_META: Final = "penstock.envelope.InputMeta"
EVENT_META: Final = "penstock.envelope.EventMeta"
# Records with an input's envelope that nobody decides: what they say has happened.
FACTS: Final = frozenset({"penstock.operator"})
NAMED: Final = frozenset({"record", "enum", "fixed"})


def full_name(schema: Schema) -> str:
    """`<namespace>.<name>` of a named type; a name with dots stands for both, as Avro has it."""
    name: str = schema["name"]
    return name if "." in name or "namespace" not in schema else f"{schema['namespace']}.{name}"


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
    """What a declared record is, told by its first field: an inbox's input, an event, or a part of others; and by
    its namespace a fact, which is signed as inputs are."""
    fields = schema.get("fields") or [{"name": "", "type": ""}]
    if fields[0]["name"] == "meta" and fields[0]["type"] == INPUT_META:
        return "fact" if schema["namespace"] in FACTS else "input"
    if fields[0]["name"] == "meta" and fields[0]["type"] == EVENT_META:
        return "event"
    return "part"


def standalone() -> Iterator[str]:
    """Full names of the records that stand on the log by themselves: inputs, events and facts."""
    return (name for name, schema in declared().items() if kind(schema) != "part")


@cache
def named_types() -> Mapping[str, Schema]:
    """The declared types and those defined inside them (enums in a field), by full name."""
    found = dict(declared())
    for schema in declared().values():
        for field in schema.get("fields", ()):
            inner = field["type"]
            if isinstance(inner, dict) and inner["type"] in NAMED:
                found[full_name(inner)] = inner
    return found


def definition(schema: Schema) -> Schema:
    """The definition that a name stands for; anything else as it is."""
    return named_types().get(schema, schema) if isinstance(schema, str) else schema


def is_record(schema: Schema) -> bool:
    """True for a record, be it named or defined here."""
    found = definition(schema)
    return isinstance(found, dict) and found["type"] == "record"


def body_fields(record: Schema) -> list[Schema]:
    """The fields of a record without the `meta` of what stands by itself."""
    return [field for field in record["fields"] if kind(record) == "part" or field["name"] != "meta"]


def references(schema: Schema) -> Iterator[str]:
    """Full names of the named types that a schema mentions, of a record those in its fields."""
    if isinstance(schema, str):
        if schema in named_types():
            yield schema
    elif isinstance(schema, list):
        for branch in schema:
            yield from references(branch)
    elif schema["type"] == "record":
        for field in schema["fields"]:
            yield from references(field["type"])
    elif schema["type"] == "enum":
        yield full_name(schema)
    elif schema["type"] == "array":
        yield from references(schema["items"])


def records_of(folder: str) -> Iterator[Schema]:
    """A folder's records: parts, each after the parts that it holds, then inputs, events, facts."""
    namespace = f"penstock.{folder}"
    mine = [
        schema for schema in declared().values() if schema["namespace"] == namespace and is_record(schema)
    ]
    placed: set[str] = set()

    def place(record: Schema) -> Iterator[Schema]:
        if full_name(record) not in placed:
            placed.add(full_name(record))
            for name in references(record):
                if name.startswith(f"{namespace}.") and is_record(name):
                    yield from place(declared()[name])
            yield record

    order = ("part", "input", "event", "fact")
    for record in sorted(mine, key=lambda record: (order.index(kind(record)), full_name(record))):
        yield from place(record)


def self_contained(name: str) -> Schema:
    """A declared type with each type that it refers to defined at its first use, as registries want it."""
    return inlined(name, declared())


def inlined(name: str, known: Mapping[str, Schema]) -> Schema:
    """The same, of types that need not be declared here: by full name."""
    return _inlined(name, set(), known)


def schema_text(name: str) -> str:
    """The self-contained schema as registries store it: compact JSON, key order as declared."""
    return json.dumps(self_contained(name), separators=(",", ":"), ensure_ascii=False)


def _inlined(schema: Schema, defined: set[str], known: Mapping[str, Schema]) -> Schema:
    if isinstance(schema, list):
        return [_inlined(branch, defined, known) for branch in schema]
    if isinstance(schema, str):
        if schema not in known or schema in defined:
            return schema
        return _inlined(known[schema], defined, known)
    copy = dict(schema)
    if copy["type"] in NAMED:
        defined.add(full_name(copy))
    if copy["type"] == "record":
        copy["fields"] = [
            {**field, "type": _inlined(field["type"], defined, known)} for field in copy["fields"]
        ]
    if copy["type"] == "array":
        copy["items"] = _inlined(copy["items"], defined, known)
    return copy
