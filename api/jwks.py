"""The public keys of the issuer of tokens (a JWKS, RFC 7517), as this process knows them.

Reads: the issuer, over HTTP, or a file. Guarantees: the event loop is never held up; at most one question is open at
a time, and one that an unknown kid causes comes UNKNOWN_EVERY_S after the last at the earliest, so that forged tokens
can't make us flood the issuer; keys that are known stay good while the issuer is away, and where it isn't, one that it
has withdrawn is believed for twice RENEW_S at most.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from penstock.api.problems import Problem, unavailable

log = logging.getLogger("penstock.api.jwks")

Keys: TypeAlias = Mapping[tuple[str | None, str], PyJWK]

RENEW_S: Final = 300.0
UNKNOWN_EVERY_S: Final = 5.0
AGAIN_S: Final = 2.0
ANSWER_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 1024 * 1024
KEYS_MAX: Final = 100
KEY_BITS_MAX: Final = 16_384
# What is known is believed so many times as long as it may wait to be renewed; then the answer is waited for.
_BELIEVED_FACTOR: Final = 2
# Discovery and the keys themselves, and a moment.
_WAIT_S: Final = 2 * ANSWER_S + 1
# Public-key algorithms alone: with a shared secret whoever can verify a token could make one.
_OF_CURVE: Final = {
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "Ed25519": "EdDSA",
    "Ed448": "EdDSA",
}
_OF_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS: Final = (*_OF_RSA, *dict.fromkeys(_OF_CURVE.values()))
_PUBLIC: Final = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")


class NoKeys(Exception):
    """The issuer's keys can't be had now; the message says why."""


class Jwks:
    """Finds a key by its id, for the one event loop of the API's process."""

    def __init__(
        self,
        read: Callable[[], Keys],
        clock_s: Callable[[], float] = time.monotonic,
        renew_s: float = RENEW_S,
    ) -> None:
        """`read` is called in a thread, and raises NoKeys."""
        self._read = read
        self._clock_s = clock_s
        self._renew_s = renew_s
        self._keys: Keys = {}
        self._asked_s = -float("inf")
        self._away = False
        self._asking: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """The key of that id for that algorithm, None if the issuer has none. Without an id the only one there is.

        Raises a 503 problem if the issuer must be asked and doesn't answer.
        """
        key = self._pick(kid, algorithm)
        since_s = self._clock_s() - self._asked_s
        if key is not None and since_s <= _BELIEVED_FACTOR * self._renew_s:
            if since_s > (UNKNOWN_EVERY_S if self._away else self._renew_s) and self._asking is None:
                self._ask()
            return key
        if self._asking is not None or since_s >= (UNKNOWN_EVERY_S if self._keys else AGAIN_S):
            await self._answer()
            key = self._pick(kid, algorithm)
        if key is None and (self._away or not self._keys):
            raise _away()
        return key

    def _pick(self, kid: str | None, algorithm: str) -> PyJWK | None:
        if kid is not None:
            return self._keys.get((kid, algorithm))
        fitting = [key for (_, name), key in self._keys.items() if name == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def _answer(self) -> None:
        """Wait for the issuer, whose file or name server may not answer at all."""
        try:
            async with asyncio.timeout(_WAIT_S):
                await asyncio.shield(self._asking or self._ask())
        except TimeoutError:
            self._away = True

    def _ask(self) -> "asyncio.Task[None]":
        self._asked_s = self._clock_s()
        self._asking = asyncio.create_task(self._renew())
        return self._asking

    async def _renew(self) -> None:
        try:
            self._keys = await asyncio.to_thread(self._read)
            self._away = False
        except NoKeys as error:
            self._away = True
            log.warning("the keys of the OIDC issuer can't be had: %s", error)
        finally:
            self._asked_s = self._clock_s()
            self._asking = None


def keys_of(document: object) -> Keys:
    """By key id and algorithm what a JWKS holds for us: public keys for signatures. Raises NoKeys if that is none."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise NoKeys("what is there isn't a JWKS: it has no list of keys")
    found: dict[tuple[str | None, str], PyJWK] = {}
    for entry in entries[:KEYS_MAX]:
        if not isinstance(entry, dict) or not _is_for_signatures(entry):
            continue
        kid = entry.get("kid")
        for algorithm in _algorithms_of(entry):
            try:
                key = PyJWK({name: entry[name] for name in _PUBLIC if name in entry}, algorithm)
            except (PyJWTError, ValueError):
                continue
            if getattr(key.key, "key_size", 0) > KEY_BITS_MAX:
                continue
            found.setdefault((kid if isinstance(kid, str) else None, algorithm), key)
    if len(entries) > KEYS_MAX:
        log.warning(
            "the JWKS holds %d keys, of which only the first %d are looked at", len(entries), KEYS_MAX
        )
    if not found:
        raise NoKeys("the JWKS holds no public key for signatures that is of use here")
    return found


def _is_for_signatures(entry: Mapping[str, object]) -> bool:
    """Whether a key may verify, by its `use` and its `key_ops`, where it has them."""
    does = entry.get("key_ops", ["verify"])
    return entry.get("use", "sig") == "sig" and isinstance(does, list) and "verify" in does


def _algorithms_of(entry: Mapping[str, object]) -> tuple[str, ...]:
    """What a key may be used with: what it says, if that fits its type."""
    kty, curve, said = entry.get("kty"), entry.get("crv"), entry.get("alg")
    fitting: tuple[str, ...] = _OF_RSA if kty == "RSA" else ()
    if kty in ("EC", "OKP") and isinstance(curve, str) and curve in _OF_CURVE:
        fitting = (_OF_CURVE[curve],)
    return fitting if said is None else tuple(name for name in fitting if name == said)


def reader_of(issuer: str, where: str) -> Callable[[], Keys]:
    """Reads the JWKS at a URL or a path; at neither, at where the issuer says that it is."""
    if where and "://" not in where:
        return lambda: keys_of(_from_file(Path(where)))
    if where:
        return lambda: keys_of(_from_web(where))
    return lambda: keys_of(_from_web(_discovered(issuer)))


def _from_file(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return _parsed(file.read(ANSWER_BYTES_MAX + 1), str(path))
    except OSError as error:
        raise NoKeys(f"{path} can't be read: {error}") from error


def _discovered(issuer: str) -> str:
    """The address of the issuer's JWKS, by OpenID Connect Discovery, and where that isn't offered by custom."""
    base = issuer.rstrip("/")
    try:
        document = _from_web(f"{base}/.well-known/openid-configuration")
    except _NotThere:
        return f"{base}/.well-known/jwks.json"
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise NoKeys(f"the discovery document of {issuer} is another issuer's: correct PENSTOCK_OIDC_ISSUER")
    address = document.get("jwks_uri")
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        raise NoKeys(f"the discovery document of {issuer} names no jwks_uri")
    if issuer.startswith("https://") and not address.startswith("https://"):
        raise NoKeys(f"the discovery document of {issuer} names a jwks_uri without TLS")
    return address


class _NotThere(NoKeys):
    """404."""


def _from_web(address: str) -> object:
    """What is there, within ANSWER_S. Redirects aren't followed: the address is a setting, and means what it says."""
    import httpx  # an API that knows no issuer starts a tenth of a second sooner

    try:
        # In a loop of its own, because only there all of it, from the name's look-up to the last byte, has one end.
        content = asyncio.run(_fetched(address))
    except TimeoutError as error:
        raise NoKeys(f"{address} doesn't answer within {ANSWER_S:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise NoKeys(f"{address} doesn't answer ({type(error).__name__})") from error
    return _parsed(content, address)


async def _fetched(address: str) -> bytes:
    import httpx

    # Raw: what is small while it is packed would be large before anybody had counted it.
    headers = {"Accept-Encoding": "identity"}
    content = b""
    async with (
        asyncio.timeout(ANSWER_S),
        httpx.AsyncClient(timeout=ANSWER_S, headers=headers) as client,
        client.stream("GET", address) as answer,
    ):
        if answer.status_code == 404:
            raise _NotThere(f"{address} answers 404")
        if answer.status_code != 200:
            raise NoKeys(f"{address} answers {answer.status_code}")
        async for part in answer.aiter_raw():
            content += part
            if len(content) > ANSWER_BYTES_MAX:
                raise NoKeys(f"{address} answers more than {ANSWER_BYTES_MAX} bytes")
    return content


def _parsed(content: bytes, where: str) -> object:
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NoKeys(f"{where} holds no JSON") from error
    return document


def _away() -> Problem:
    detail = (
        "The issuer of tokens doesn't say its keys, so no token can be checked now: send the same again after "
        "Retry-After seconds. API keys work."
    )
    return unavailable("issuer-away", "Issuer away", detail, retry_after_s=int(UNKNOWN_EVERY_S))
