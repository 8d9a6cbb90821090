"""The shapes as tables of Markdown: a row for each field."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.api.told.schemas import JSON, components

_PREFIX: Final = "#/components/schemas/"
_FORMATS: Final = {"date-time": "moment", "uuid": "UUID"}


def tables(document: Mapping[str, Any]) -> str:
    """All shapes of a description's successes, by name."""
    known = document["components"]["schemas"]
    names = {*components(), *_of_successes(document)}
    return "\n\n".join(_table(name, known[name]) for name in sorted(names))


def success_of(response: Mapping[str, Any]) -> str:
    """The name of an answer's shape; empty if it has none."""
    schema = response.get("content", {}).get(JSON, {}).get("schema", {})
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _of_successes(document: Mapping[str, Any]) -> Iterator[str]:
    for operations in document["paths"].values():
        for operation in operations.values():
            for code, response in operation["responses"].items():
                if code.startswith("2") and (name := success_of(response)):
                    yield name


def _table(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = (
        f"| `{field}`{'' if field in needed else ' (not always)'} | {_kind(of)} | {_words(of)} |"
        for field, of in schema["properties"].items()
    )
    return (
        f"### {name}\n\n{_flat(schema.get('description', ''))}\n\n| field | | |\n|---|---|---|\n"
        + "\n".join(rows)
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """What stands there."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", (schema.get("const"),)))
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema['items'])}" if "items" in schema else "list"
        case "object":
            inner = schema.get("additionalProperties")
            return f"object of {_kind(inner)}" if isinstance(inner, dict) and inner else "object"
        case None:
            return "any JSON"
        case kind:
            return _FORMATS.get(schema.get("format", ""), str(kind))


def _words(schema: Mapping[str, Any]) -> str:
    """What is said of it, also where that stands beside null."""
    beside = (each.get("description") for each in schema.get("anyOf", ()))
    return _flat(schema.get("description") or next(filter(None, beside), ""))


def _flat(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")
