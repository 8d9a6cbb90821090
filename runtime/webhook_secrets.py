"""What deliveries are signed with: a secret a subscription, told once, kept sealed; and the signature itself.

The sender needs the secret, so a hash won't do. It is sealed by AES-256-GCM under a key made of the API's signing key,
which stands in keys.json and never in the database: a copy of the database alone signs nothing. Sealed to its
subscription's id, so that no row's secret opens in another row. Reads and writes nothing.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock.producers.errors import SigningError
from penstock.producers.signing import Keyring

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
_PURPOSE: Final = "webhook secrets"
_FORM: Final = 1
_NONCE_BYTES: Final = 12


class SecretLost(Exception):
    """A secret can't be opened: its key isn't in keys.json any more, or the row was changed. Rotate the secret."""


def new_secret() -> str:
    """As Standard Webhooks writes them: whsec_ and the bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal(keyring: Keyring, webhook_id: str, secret: str) -> bytes:
    """The secret as it is kept: form, the key's id with its length, nonce, ciphertext."""
    key_id, key = keyring.derived(_PURPOSE)
    nonce, named = os.urandom(_NONCE_BYTES), key_id.encode()
    return (
        bytes((_FORM, len(named))) + named + nonce + AESGCM(key).encrypt(nonce, *_about(webhook_id, secret))
    )


def unseal(keyring: Keyring, webhook_id: str, sealed: bytes) -> str:
    """What was sealed. Raises SecretLost."""
    if len(sealed) < 2 or sealed[0] != _FORM:
        raise SecretLost("the secret is kept in a form that this version doesn't know")
    ends = 2 + sealed[1]
    key_id, nonce, rest = (
        sealed[2:ends].decode(),
        sealed[ends : ends + _NONCE_BYTES],
        sealed[ends + _NONCE_BYTES :],
    )
    try:
        _, key = keyring.derived(_PURPOSE, key_id)
        return AESGCM(key).decrypt(nonce, rest, webhook_id.encode()).decode()
    except SigningError:
        raise SecretLost(
            f"the secret is sealed under the key {key_id}, which keys.json lacks: rotate it"
        ) from None
    except (InvalidTag, ValueError):
        raise SecretLost("the secret isn't what was sealed: rotate it") from None


def signature(found: Iterable[str], webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """The webhook-signature header: `v1,<base64>` for each secret, the newest first. `webhook_id` is the header's, so
    the event's. Raises SecretLost for what is no secret."""
    signed = f"{webhook_id}.{timestamp_s}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key_of(secret), signed, hashlib.sha256)).decode()
        for secret in found
    )


def _key_of(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise SecretLost("the secret isn't base64: rotate it") from None


def _about(webhook_id: str, secret: str) -> tuple[bytes, bytes]:
    return secret.encode(), webhook_id.encode()
