"""Callback tokens: who has one may answer one attempt of one call of one run, until its time is over (law L9).

A token is `pcb_<what it says>.<its MAC>`, both in base64url, under a key of the keyring's callback authority. It is a
capability: it stands on no log and in no table, and nobody but who was handed it can make it up.
"""

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.canonical import canonical_json

TOKEN_CHARS_MAX: Final = 8_000
_FORM: Final = re.compile(r"pcb_([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
# No input's type has a space in it, so that no token is an input's signature, nor one a token's.
_PURPOSE: Final = b"penstock callback\n"


@dataclass(frozen=True, slots=True)
class CallbackClaim:
    """What a token says: which attempt (from 1) of which call it may answer, until which log time."""

    tenant: str
    run_id: str
    call_id: str
    attempt: int
    expires_at_ms: int


class CallbackTokens:
    """Makes tokens and reads them. Several keys of the authority are for changing keys: the first makes."""

    def __init__(self, keyring: Keyring) -> None:
        """Raises NoSuchKey if the ring has no key for callbacks."""
        self._keys = keyring.keys_of(Authority.CALLBACK)

    def issue(self, claim: CallbackClaim) -> str:
        """The token that says this; the same for the same claim and key."""
        said = canonical_json([claim.tenant, claim.run_id, claim.call_id, claim.attempt, claim.expires_at_ms])
        return f"pcb_{_text(said)}.{_text(_mac(self._keys[0], said))}"

    def read(self, token: str) -> CallbackClaim | None:
        """What the token says; None if nobody here made it. What has expired is said all the same."""
        found = _FORM.fullmatch(token) if len(token) <= TOKEN_CHARS_MAX else None
        said = _bytes(found[1]) if found else None
        given = _bytes(found[2]) if found else None
        if said is None or given is None:
            return None
        if not any([hmac.compare_digest(_mac(key, said), given) for key in self._keys]):
            return None
        # Whoever has the key made it, so it is what `issue` makes.
        return CallbackClaim(*json.loads(said))


def _mac(key: Key, said: bytes) -> bytes:
    return hmac.new(key.secret, _PURPOSE + said, hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
