"""Canonical JSON and payload envelopes: one value has one byte form, so its hash means it (L12, L15)."""

import hashlib
import hmac
from typing import Any, Final

import rfc8785

from penstock.schemas.envelope.records import Payload

INLINE_BYTES_MAX: Final = 262_144
JSON: Final = "application/json"


class PayloadTooLarge(ValueError):
    """More than INLINE_BYTES_MAX: put the bytes into object storage and send a reference with their hash."""


class PayloadUnreadable(ValueError):
    """The payload's bytes aren't here, or aren't those that its hash names: don't act on it."""


class NotCanonical(ValueError):
    """No canonical JSON form: use str keys, finite numbers, integers between -(2**53) and 2**53."""


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value (dict with str keys, list or tuple, str, int, float, bool, None)."""
    try:
        encoded: bytes = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise NotCanonical(f"no canonical JSON for this {type(value).__name__}: {error}") from error
    return encoded


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
    return payload.content
