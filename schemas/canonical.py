"""Canonical JSON and payload envelopes: one value has one byte form, so its hash means it (L12, L15)."""

import hashlib
import hmac
import re
from typing import Any, Final

import orjson
import rfc8785

from penstock.schemas.envelope.records import Payload

INLINE_BYTES_MAX: Final = 262_144
JSON: Final = "application/json"
# Readers go down by calling themselves, some of them in C: what is deeper would end them, and no content is so deep.
DEPTH_MAX: Final = 200


class PayloadTooLarge(ValueError):
    """More than INLINE_BYTES_MAX: put the bytes into object storage and send a reference with their hash."""


class PayloadUnreadable(ValueError):
    """The payload's bytes aren't here, or aren't those that its hash names: don't act on it."""


class NotCanonical(ValueError):
    """No canonical JSON form: use str keys, finite numbers, integers between -(2**53) and 2**53, and at most 200 lists
    and objects in one another."""


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value (dict with str keys, list or tuple, str, int, float, bool, None)."""
    encoded = _quick(value)
    if encoded is None:
        try:
            encoded = rfc8785.dumps(value)
        except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
            raise NotCanonical(f"no canonical JSON for this {type(value).__name__}: {error}") from error
    if too_deep(encoded):
        raise NotCanonical(f"nested deeper than {DEPTH_MAX}: put what is inside into a list beside it")
    return encoded


_PARTS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def too_deep(content: bytes) -> bool:
    """Whether JSON text has more than DEPTH_MAX lists and objects in one another. Also says so of what is no JSON."""
    if content.count(b"[") + content.count(b"{") <= DEPTH_MAX:
        return False
    depth = 0
    for part in _PARTS.finditer(content):
        if part[0] in (b"[", b"{"):
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif part[0] in (b"]", b"}"):
            depth -= 1
    return False


_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_SUBCLASS
_SAME_IN_BOTH: Final = frozenset({str, int, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list, tuple})
# First bytes in UTF-8 of U+10000 and above, and of U+E000 to U+FFFF.
_ABOVE_THE_BMP: Final = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))
_AFTER_SURROGATES: Final = (b"\xee", b"\xef")


def _quick(value: Any) -> bytes | None:
    """The same bytes from orjson, some ten times as fast; None where it may give others, or none.

    It refuses by itself what has no form: integers beyond 2**53, lone surrogates, keys that aren't str, nesting
    without end. Strings it escapes as the RFC does. That leaves the order of keys, floats, and types that it
    knows and the RFC doesn't, such as UUID.
    """
    try:
        encoded = orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return None
    if not _ordered_alike(encoded) or not _printed_alike(value):
        return None
    return encoded


def _ordered_alike(encoded: bytes) -> bool:
    """Whether code points and UTF-16 units put all keys in one order.

    They don't only if a character above U+FFFF, whose units begin at D800, meets one from U+E000 to U+FFFF.
    """
    return (
        encoded.isascii()
        or not any(lead in encoded for lead in _ABOVE_THE_BMP)
        or not any(lead in encoded for lead in _AFTER_SURROGATES)
    )


def _printed_alike(value: Any) -> bool:
    """Whether all that is in it is of the types that both print, and print alike. It is known to end."""
    todo: list[Any] = [(value,)]
    for container in todo:
        for item in container.values() if type(container) is dict else container:
            kind = type(item)
            if kind in _SAME_IN_BOTH:
                continue
            if kind in _CONTAINERS:
                todo.append(item)
            elif kind is not float or not _plain_decimal(item):
                return False
    return True


def _plain_decimal(number: float) -> bool:
    """Whether both print it as digits, a point and digits, the fewest that mean it: no exponent, no whole one."""
    return 1e-4 <= abs(number) < 1e15 and not number.is_integer()


def sha256_hex(content: bytes) -> str:
    """Lower-case hex SHA-256, 64 characters."""
    return hashlib.sha256(content).hexdigest()


def json_payload(value: Any) -> Payload:
    """A JSON value as an inline payload in canonical form. Raises NotCanonical, PayloadTooLarge."""
    return payload_of(canonical_json(value))


def payload_of(content: bytes, content_type: str = JSON) -> Payload:
    """Bytes as an inline payload, as they are. Raises PayloadTooLarge."""
    if len(content) > INLINE_BYTES_MAX:
        raise PayloadTooLarge(f"{len(content)} bytes; at most {INLINE_BYTES_MAX} travel inline")
    return Payload(content_type=content_type, content=content, sha256=sha256_hex(content))


def read_payload(payload: Payload) -> bytes:
    """The bytes, once they are proved to be those that the hash names. Raises PayloadUnreadable."""
    if payload.key_id is not None:
        raise PayloadUnreadable(f"the payload is encrypted under key {payload.key_id}: decrypt it first")
    if payload.content is None:
        where = payload.reference or "nowhere: it was erased"
        raise PayloadUnreadable(f"the payload isn't inline; its bytes stand {where}")
    if not hmac.compare_digest(sha256_hex(payload.content).encode(), payload.sha256.encode()):
        raise PayloadUnreadable("the payload's bytes aren't those that its sha256 names")
    if payload.content_type.startswith(JSON) and too_deep(payload.content):
        raise PayloadUnreadable(f"the payload is nested deeper than {DEPTH_MAX}")
    return payload.content
