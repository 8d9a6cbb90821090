"""The shapes as JSON Schema, put into the API's description."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from penstock.api.told.routes import SHAPES, shape_of

JSON: Final = "application/json"
REF: Final = "#/components/schemas/{model}"


def all_shapes() -> tuple[type, ...]:
    """Each once."""
    found: dict[type, None] = {}
    for shapes in SHAPES.values():
        found |= dict.fromkeys(shapes.values() if isinstance(shapes, Mapping) else (shapes,))
    return tuple(found)


@cache
def components() -> dict[str, Any]:
    """The schemas of all shapes and of what they are made of, by name."""
    adapters: list[tuple[type, Literal["serialization"], TypeAdapter[Any]]] = [
        (shape, "serialization", TypeAdapter(shape)) for shape in all_shapes()
    ]
    _, found = TypeAdapter.json_schemas(adapters, ref_template=REF)
    defined: dict[str, Any] = found["$defs"]
    return {name: _plain(schema) for name, schema in sorted(defined.items())}


def tell(route: str, operation: dict[str, Any]) -> None:
    """Give each success of a route its schema."""
    for status, response in operation["responses"].items():
        shape = shape_of(route, status)
        if shape is not None and status.startswith("2"):
            content = response.setdefault("content", {}).setdefault(JSON, {})
            content["schema"] = {"$ref": REF.format(model=shape.__name__)}


def _plain(schema: Any) -> Any:
    """Without the titles that only repeat a field's name."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {field: _plain(of) for field, of in value.items()} if name == "properties" else _plain(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
    }
