"""FULL_TRANSITIVE: every version of a record reads, and is read by, every other version.

A log is read for years by old and new code alike, so an .avsc may only change in ways that both directions
survive: a field comes or goes with a default, an enum with a default gains or loses a symbol, docs change.
Types don't change at all: Avro's promotions (int to long) work in one direction only.

`unreadable` tells about one direction, `conflicts` about a new schema against all older ones, and
`faults` about one schema by itself. All return sentences, none if all is well.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.schemas.avro import NAMED, Schema, full_name

SYMBOLS_MAX: Final = 63
_RECORD_NAME: Final = re.compile("(?:[A-Z][a-z0-9]+)+").fullmatch
_SNAKE_NAME: Final = re.compile("[a-z][a-z0-9]*(?:_[a-z0-9]+)*").fullmatch
# Those that penstock.schemas.generate writes code for.
_PRIMITIVES: Final = frozenset({"string", "bytes", "int", "long", "boolean"})

Names = dict[str, Schema]


class Incompatible(ValueError):
    """A schema may not take the place of its older versions: change it as the sentences say."""


def conflicts(new: Schema, older: Sequence[tuple[int, Schema]]) -> list[str]:
    """Why a schema can't follow those (version, schema), in both directions."""
    found: list[str] = []
    for version, old in older:
        found += [f"today's can't read version {version}: {why}" for why in unreadable(new, old)]
        found += [f"version {version} can't read today's: {why}" for why in unreadable(old, new)]
    return found


def unreadable(reader: Schema, writer: Schema) -> list[str]:
    """Why a reader's schema doesn't resolve what the writer's schema writes. Both self-contained."""
    return list(_Resolution(_named(reader), _named(writer)).problems(reader, writer, ""))


def faults(schema: Schema) -> list[str]:
    """What is wrong with a self-contained schema by itself, before any other version exists."""
    return list(_Form(_named(schema)).problems(schema, "", ()))


class _Resolution:
    """Avro's rules of schema resolution, less the promotions."""

    def __init__(self, reader_names: Names, writer_names: Names) -> None:
        self._reader_names = reader_names
        self._writer_names = writer_names

    def problems(self, reader: Schema, writer: Schema, place: str) -> Iterator[str]:
        reader, writer = _resolved(reader, self._reader_names), _resolved(writer, self._writer_names)
        if isinstance(writer, list) or isinstance(reader, list):
            yield from self._of_union(reader, writer, place)
        elif _sort(reader) != _sort(writer):
            yield f"{_at(place)} was written as {_shown(writer)}, and is read as {_shown(reader)}"
        elif _sort(reader) == "record":
            yield from self._of_record(reader, writer, place)
        elif _sort(reader) == "enum":
            yield from _of_enum(reader, writer, place)
        elif _sort(reader) == "array":
            yield from self.problems(reader["items"], writer["items"], f"{place}[]")

    def _of_union(self, reader: Schema, writer: Schema, place: str) -> Iterator[str]:
        readers = reader if isinstance(reader, list) else [reader]
        for branch in writer if isinstance(writer, list) else [writer]:
            tried = [list(self.problems(candidate, branch, place)) for candidate in readers]
            if all(tried):
                closest = min(tried, key=len)
                yield from (
                    closest
                    if len(readers) == 1 or _sort(branch) == "record"
                    else [
                        f"{_at(place)} may hold {_shown(branch)}, which no branch of the reader's union takes"
                    ]
                )

    def _of_record(self, reader: Schema, writer: Schema, place: str) -> Iterator[str]:
        if full_name(reader) != full_name(writer):
            yield f"{_at(place)} was written as {full_name(writer)}, and is read as {full_name(reader)}"
            return
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            inner = f"{place}.{field['name']}".lstrip(".")
            if field["name"] in written:
                yield from self.problems(field["type"], written[field["name"]]["type"], inner)
            elif "default" not in field:
                yield f"{inner} isn't written there, and has no default"


def _of_enum(reader: Schema, writer: Schema, place: str) -> Iterator[str]:
    if full_name(reader) != full_name(writer):
        yield f"{_at(place)} was written as {full_name(writer)}, and is read as {full_name(reader)}"
    elif "default" not in reader:
        for symbol in writer["symbols"]:
            if symbol not in reader["symbols"]:
                yield f"{_at(place)} may hold the symbol {symbol}, which isn't read and has no default"


class _Form:
    """This project's rules for a schema by itself."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def problems(self, schema: Schema, place: str, inside: tuple[str, ...]) -> Iterator[str]:
        """Faults at a place; `inside` are the records that it stands in, to find recursion."""
        schema = _resolved(schema, self._names)
        match schema:
            case ["null", branch]:
                yield from self.problems(branch, place, inside)
            case list():
                yield f"{_at(place)}: a union must be [null, type], with null first"
            case {"type": "record"}:
                yield from self._of_record(schema, place, inside)
            case {"type": "enum"}:
                yield from _enum_faults(schema, place)
            case {"type": "array", "items": items}:
                if self._empty(items):
                    yield f"{_at(place)}: items of zero bytes, of which a few bytes can promise billions"
                yield from self.problems(items, f"{place}[]", inside)
            case str() if schema in _PRIMITIVES:
                return
            case _:
                yield f"{_at(place)}: {_shown(schema)} isn't a type that this project uses"

    def _of_record(self, schema: Schema, place: str, inside: tuple[str, ...]) -> Iterator[str]:
        name = full_name(schema)
        if name in inside:
            yield f"{_at(place)}: {name} stands in itself; hostile bytes could nest without end"
            return
        if not _RECORD_NAME(schema["name"]):
            yield f"{name}: a record's name is in CamelCase"
        if not schema.get("doc"):
            yield f"{name} has no doc"
        for field in schema["fields"]:
            inner = f"{place}.{field['name']}".lstrip(".")
            if not _SNAKE_NAME(field["name"]):
                yield f"{name}: the field {field['name']} isn't in snake_case"
            if not field.get("doc"):
                yield f"{name}: the field {field['name']} has no doc"
            yield from self._default_faults(field, inner)
            yield from self.problems(field["type"], inner, (*inside, name))

    def _default_faults(self, field: Schema, place: str) -> Iterator[str]:
        kind = _resolved(field["type"], self._names)
        if isinstance(kind, list):
            if "default" not in field or field["default"] is not None:
                yield f"{place}: a nullable field has the default null"
        elif _sort(kind) == "enum" and "default" not in field:
            yield f"{place}: a field of an enum has a default"
        elif "default" in field and not _fits(field["default"], kind):
            yield f"{place}: the default {field['default']!r} isn't a {_shown(kind)}"

    def _empty(self, schema: Schema) -> bool:
        schema = _resolved(schema, self._names)
        return schema == "null" or (_sort(schema) == "record" and not schema["fields"])


def _enum_faults(schema: Schema, place: str) -> Iterator[str]:
    symbols = schema["symbols"]
    if not schema.get("doc"):
        yield f"{full_name(schema)} has no doc"
    if schema.get("default") not in symbols:
        yield f"{_at(place)}: an enum has a default among its symbols, for the symbols of later versions"
    if len(symbols) > SYMBOLS_MAX:
        yield f"{_at(place)}: an enum has at most {SYMBOLS_MAX} symbols"
    for symbol in symbols:
        if not _SNAKE_NAME(symbol):
            yield f"{_at(place)}: the symbol {symbol} isn't in snake_case"


def _fits(default: Any, kind: Schema) -> bool:
    wanted: Mapping[str, type] = {
        "string": str,
        "int": int,
        "long": int,
        "boolean": bool,
        "array": list,
    }
    sort = _sort(kind)
    if sort == "enum":
        return default in kind["symbols"]
    return (
        sort in wanted
        and isinstance(default, wanted[sort])
        and isinstance(default, bool) == (sort == "boolean")
    )


def _named(schema: Schema) -> Names:
    """Every named type defined in a schema, by full name."""
    found: Names = {}
    if isinstance(schema, list):
        for branch in schema:
            found |= _named(branch)
    elif isinstance(schema, dict):
        if schema["type"] in NAMED:
            found[full_name(schema)] = schema
        for inner in (schema.get("items"), *(field["type"] for field in schema.get("fields", ()))):
            found |= _named(inner)
    return found


def _resolved(schema: Schema, names: Names) -> Schema:
    return names.get(schema, schema) if isinstance(schema, str) else schema


def _sort(schema: Schema) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def _shown(schema: Schema) -> str:
    if isinstance(schema, dict) and schema["type"] in NAMED:
        return full_name(schema)
    if isinstance(schema, list):
        return "a union of " + ", ".join(_shown(branch) for branch in schema)
    return _sort(schema)


def _at(place: str) -> str:
    return place or "the record"
