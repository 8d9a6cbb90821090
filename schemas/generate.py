"""Writes `<folder>/records.py` and `bodies.py` from the .avsc files: `python -m penstock.schemas.generate`.

Each Avro record becomes a frozen, slotted dataclass; an enum becomes a Literal alias. Inputs and events leave
out their first field, `meta`: it is passed beside the body everywhere. `--check` writes nothing, names the
files that would change and exits with 1.
"""

import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from penstock.schemas.avro import FOLDER, Schema, declared, full_name, kind, named_types, standalone

PRIMITIVES: Final = {
    "string": "str",
    "bytes": "bytes",
    "int": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "boolean": "bool",
}
MADE: Final = (
    "Generated from the .avsc files: never edited, made anew by\n`python -m penstock.schemas.generate`."
)
WIDTH: Final = 106


def main(arguments: Sequence[str]) -> int:
    """Write what changed; with --check only tell. Returns the exit code."""
    check = "--check" in arguments
    stale = 0
    for path, text in sources().items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        print(f"{'stale' if check else 'wrote'} {path.relative_to(FOLDER)}")
        if not check:
            path.write_text(text, "utf-8")
    if stale and check:
        print("run python -m penstock.schemas.generate and commit what it writes")
    return 1 if stale and check else 0


def sources() -> dict[Path, str]:
    """The generated files and their text, as ruff formats it."""
    folders = sorted({name.split(".")[1] for name in declared()})
    found = {FOLDER / folder / "records.py": records_module(folder) for folder in folders}
    found[FOLDER / "bodies.py"] = bodies_module()
    return {path: _formatted(text) for path, text in found.items()}


def records_module(folder: str) -> str:
    """Source of `<folder>/records.py`: aliases of its enums, then parts before what holds them."""
    namespace = f"penstock.{folder}"
    types = named_types()
    mine = [schema for schema in types.values() if schema["namespace"] == namespace]
    enums = sorted((schema for schema in mine if schema["type"] == "enum"), key=full_name)
    records = [schema for schema in mine if schema["type"] == "record"]
    lines = [f'"""The {folder} records as Python types. {MADE}\n"""', ""]
    lines += ["from collections.abc import Mapping", "from dataclasses import dataclass"]
    lines += ["from typing import Any, ClassVar, Final, Literal, TypeAlias", ""]
    lines += _foreign_imports(namespace, records)
    for enum in enums:
        symbols = ", ".join(f'"{symbol}"' for symbol in enum["symbols"])
        lines += [_comment(enum["doc"]), f"{enum['name']}: TypeAlias = Literal[{symbols}]", ""]
    for record in _parts_first(records):
        lines += ["", *_dataclass(record), ""]
    names = sorted(schema["name"] for schema in mine)
    lines += ["", "__all__ = [" + ", ".join(f'"{name}"' for name in names) + "]"]
    return "\n".join(lines) + "\n"


def bodies_module() -> str:
    """Source of `bodies.py`: the unions InputBody and EventBody, and their classes by full name."""
    lines = [f'"""Every input and event. {MADE}\n"""', "", "from collections.abc import Mapping"]
    lines += ["from typing import Final, TypeAlias", ""]
    by_folder: dict[str, list[str]] = {}
    for name in standalone():
        by_folder.setdefault(name.split(".")[1], []).append(name.split(".")[2])
    for folder, names in sorted(by_folder.items()):
        lines.append(f"from penstock.schemas.{folder}.records import ({', '.join(sorted(names))},)")
    lines.append("")
    for which, alias in (("input", "Input"), ("event", "Event")):
        full_names = [name for name in standalone() if kind(declared()[name]) == which]
        classes = [name.split(".")[2] for name in full_names]
        lines += ["", f"{alias}Body: TypeAlias = ({' | '.join(classes)})"]
        pairs = ", ".join(f'"{full}": {short}' for full, short in zip(full_names, classes, strict=True))
        lines += [f"{alias.upper()}S: Final[Mapping[str, type[{alias}Body]]] = {{ {pairs}, }}"]
    return "\n".join(lines) + "\n"


def _dataclass(record: Schema) -> Iterator[str]:
    which = kind(record)
    fields = [field for field in record["fields"] if which == "part" or field["name"] != "meta"]
    yield "@dataclass(frozen=True, slots=True, kw_only=True)"
    yield f"class {record['name']}:"
    yield '    """' + "\n    ".join(textwrap.wrap(record["doc"], WIDTH))
    yield ""
    for field in fields:
        yield textwrap.fill(
            f"{field['name']}: {field['doc']}", WIDTH, initial_indent="    ", subsequent_indent="        "
        )
    yield '    """'
    yield ""
    yield f'    FULL_NAME: ClassVar[str] = "{full_name(record)}"'
    yield f'    KIND: ClassVar[Literal["{which}"]] = "{which}"'
    yield ""
    for field in fields:
        yield f"    {field['name']}: {_annotation(field['type'])}{_default(field)}"
    yield ""
    yield "    def to_avro(self) -> dict[str, Any]:"
    yield f'        """The fields as fastavro writes them{"" if which == "part" else ", without meta"}."""'
    yield "        return {"
    for field in fields:
        yield f'            "{field["name"]}": {_to_avro(field["type"], "self." + field["name"])},'
    yield "        }"
    yield ""
    yield "    @classmethod"
    yield f'    def from_avro(cls, fields: Mapping[str, Any]) -> "{record["name"]}":'
    yield '        """From the fields as fastavro reads them."""'
    yield "        return cls("
    for field in fields:
        yield f"            {field['name']}={_from_avro(field['type'], _item(field))},"
    yield "        )"


def _item(field: Schema) -> str:
    return f'fields["{field["name"]}"]'


def _annotation(schema: Schema) -> str:
    match schema:
        case ["null", branch]:
            return f"{_annotation(branch)} | None"
        case {"type": "array", "items": items}:
            return f"tuple[{_annotation(items)}, ...]"
        case {"name": str(name)}:
            return name
        case str(name) if name in PRIMITIVES:
            return PRIMITIVES[name]
        case str(name) if name in declared():
            return name.rpartition(".")[2]
    raise ValueError(f"no Python type for the Avro type {schema!r}: extend penstock.schemas.generate")


def _default(field: Schema) -> str:
    if "default" not in field:
        return ""
    value = field["default"]
    if isinstance(value, list):
        return f" = {tuple(value)!r}"
    return f" = {value!r}"


def _definition(schema: Schema) -> Schema:
    """The definition that a reference stands for; anything else as it is."""
    return declared().get(schema, schema) if isinstance(schema, str) else schema


def _is_record(schema: Schema) -> bool:
    found = _definition(schema)
    return isinstance(found, dict) and found["type"] == "record"


def _to_avro(schema: Schema, source: str) -> str:
    match schema:
        case ["null", branch]:
            # Naming the branch spares fastavro the search for the one that fits.
            if _is_record(branch):
                return f'None if {source} is None else ("{branch}", {source}.to_avro())'
            return source
        case {"type": "array", "items": items} if _is_record(items):
            return f"[item.to_avro() for item in {source}]"
    return f"{source}.to_avro()" if _is_record(schema) else source


def _from_avro(schema: Schema, source: str) -> str:
    match schema:
        case ["null", branch]:
            inner = _from_avro(branch, source)
            return inner if inner == source else f"None if {source} is None else {inner}"
        case {"type": "array", "items": items} if _is_record(items):
            return f"tuple({_annotation(items)}.from_avro(item) for item in {source})"
        case {"type": "array"}:
            return f"tuple({source})"
    return f"{_annotation(schema)}.from_avro({source})" if _is_record(schema) else source


def _foreign_imports(namespace: str, records: Sequence[Schema]) -> Iterator[str]:
    """Imports of the types that these records take from other folders."""
    wanted: dict[str, set[str]] = {}
    for record in records:
        for name in _references(record):
            owner, _, short = name.rpartition(".")
            if owner != namespace and not (kind(record) != "part" and short in ("InputMeta", "EventMeta")):
                wanted.setdefault(owner.removeprefix("penstock."), set()).add(short)
    for folder, names in sorted(wanted.items()):
        yield f"from penstock.schemas.{folder}.records import {', '.join(sorted(names))}"
    yield ""


def _references(schema: Schema) -> Iterator[str]:
    """Full names of the declared types that a schema mentions in its fields."""
    if isinstance(schema, str):
        if schema in declared():
            yield schema
    elif isinstance(schema, list):
        for branch in schema:
            yield from _references(branch)
    elif schema["type"] == "record":
        for field in schema["fields"]:
            yield from _references(field["type"])
    elif schema["type"] == "array":
        yield from _references(schema["items"])


def _parts_first(records: Sequence[Schema]) -> Iterator[Schema]:
    """Parts in an order in which each is defined before it is used, then inputs, then events."""
    placed: set[str] = set()

    def place(record: Schema) -> Iterator[Schema]:
        if full_name(record) in placed:
            return
        placed.add(full_name(record))
        for name in _references(record):
            if kind(record) == "part" and declared()[name] in records:
                yield from place(declared()[name])
        yield record

    order = ("part", "input", "event")
    for record in sorted(records, key=lambda record: (order.index(kind(record)), full_name(record))):
        yield from place(record)


def _comment(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _formatted(source: str) -> str:
    """The source as this project's ruff formats it (a development dependency)."""
    options = "--isolated --config line-length=110 --target-version py311 --quiet --stdin-filename x.py -"
    for command in ("check --select I,F401 --fix", "format"):
        ruff = [sys.executable, "-m", "ruff", *command.split(), *options.split()]
        done = subprocess.run(ruff, input=source, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"ruff refused the generated source: {done.stderr or done.stdout}")
        source = done.stdout
    return source


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
