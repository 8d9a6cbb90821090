"""JSON shapes of annotations: values to canonical bytes and back, with errors that name the field."""

from collections.abc import Callable
from typing import Any, Literal, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from penstock.declare.errors import DeclarationError
from penstock.schemas.canonical import canonical_json

_COMPLAINTS_MAX = 20


def hints_of(function: Callable[..., object]) -> dict[str, object]:
    """The function's annotations, resolved. Raises DeclarationError where one can't be."""
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"{function.__qualname__}: an annotation can't be resolved ({error}). "
            "Define the type at module level, before the decorated function."
        ) from error


def adapter_for(annotation: object, what: str) -> TypeAdapter[object]:
    """Validates and serializes values of an annotation. Raises DeclarationError where pydantic can't."""
    try:
        adapter: TypeAdapter[object] = TypeAdapter(annotation)  # type: ignore[arg-type]  # any annotation
    except (TypeError, ValueError, RuntimeError) as error:
        raise DeclarationError(f"{what}: pydantic can't make JSON of {annotation!r}: {error}") from error
    return adapter


def canonical_bytes(raw: bytes) -> bytes:
    """RFC 8785 form of JSON text. Raises ValueError for numbers that JSON can't carry exactly."""
    # Copied, because orjson's bytes keep up to ten times the memory that they need, and a run's state keeps these.
    return bytes(memoryview(canonical_json(orjson.loads(raw))))


def complaint(error: ValidationError) -> str:
    """Which fields don't fit and why, without repeating the values: they may be personal."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = [
        f"{'.'.join(map(str, each['loc'])) or 'value'}: {each['msg']}" for each in found[:_COMPLAINTS_MAX]
    ]
    more = len(found) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")


def schema_of(adapter: TypeAdapter[Any], mode: Literal["validation", "serialization"]) -> dict[str, object]:
    """Its JSON Schema; one that lets everything pass where the type has none."""
    try:
        return adapter.json_schema(mode=mode)
    except PydanticInvalidForJsonSchema as error:
        return {"$comment": f"This type has no JSON Schema: {error.message}"}
