"""Search attributes: what a run is looked for by, given at its start. A small flat object of plain values.

They travel as canonical JSON text in StartRun and RunStarted, null where there are none, and never change after it.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from penstock.schemas.canonical import NotCanonical, canonical_json

Attribute: TypeAlias = str | int | float | bool

ATTRIBUTES_MAX: Final = 16
VALUE_CHARACTERS_MAX: Final = 200
# So that the whole of it never weighs on a record, however its characters are escaped.
BYTES_MAX: Final = 4_096
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")


class InvalidAttributes(ValueError):
    """The search attributes aren't a small flat object of plain values: the message says what to correct."""


def encode_attributes(attributes: Mapping[str, Attribute] | None) -> str | None:
    """Canonical JSON text of them, None for none. Raises InvalidAttributes."""
    if not attributes:
        return None
    if len(attributes) > ATTRIBUTES_MAX:
        raise InvalidAttributes(
            f"a run has at most {ATTRIBUTES_MAX} search attributes, not {len(attributes)}"
        )
    for name, value in attributes.items():
        complaint = _complaint(name, value)
        if complaint:
            raise InvalidAttributes(complaint)
    try:
        encoded = canonical_json(dict(attributes))
    except NotCanonical as error:
        raise InvalidAttributes(f"search attributes have no canonical form: {error}") from error
    if len(encoded) > BYTES_MAX:
        raise InvalidAttributes(
            f"search attributes are at most {BYTES_MAX} bytes as JSON, not {len(encoded)}"
        )
    return encoded.decode()


def decode_attributes(text: str | None) -> dict[str, Attribute]:
    """What encode_attributes was given, from what a record holds. Raises InvalidAttributes."""
    if text is None:
        return {}
    try:
        found = json.loads(text) if len(text) <= BYTES_MAX else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or encode_attributes(found) != text:
        raise InvalidAttributes("search attributes are a flat JSON object in canonical form, or null")
    return found


def pairs(text: str | None) -> tuple[str, ...]:
    """`name=value` of each attribute, by name, with the value as JSON: what a search by equality compares."""
    return tuple(pair(name, value) for name, value in sorted(decode_attributes(text).items()))


def pair(name: str, value: Attribute) -> str:
    """One of `pairs`. Raises InvalidAttributes."""
    complaint = _complaint(name, value)
    if complaint:
        raise InvalidAttributes(complaint)
    try:
        return f"{name}={canonical_json(value).decode()}"
    except NotCanonical as error:
        raise InvalidAttributes(f"search attribute {name}: {error}") from error


def _complaint(name: object, value: object) -> str | None:
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        return "a search attribute's name begins with a letter and has at most 63 letters, digits, '_', '.' and '-'"
    if isinstance(value, str):
        if len(value) > VALUE_CHARACTERS_MAX:
            return f"search attribute {name}: at most {VALUE_CHARACTERS_MAX} characters, not {len(value)}"
        # No database keeps it as text.
        return f"search attribute {name}: no NUL" if "\x00" in value else None
    if isinstance(value, bool | int):
        return None
    if isinstance(value, float) and math.isfinite(value):
        return None
    return f"search attribute {name}: a string, a number or a boolean"
