"""Tokens that no issuer would make, or not for us: forged ones, and what the issuer has signed but nobody may take."""

import base64
import functools
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

from tests.api.issuer import Issuer, public_jwk, rsa_key

Header = Mapping[str, object] | bytes
# Given the issuer, and the address of a server that nobody must ask.
Make = Callable[[Issuer, str], str]


@dataclass(frozen=True, slots=True)
class Hostile:
    """One of them."""

    name: str
    make: Make


def text(content: bytes) -> str:
    """In base64url, as the parts of a token are."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def part(value: object) -> str:
    """A JSON value as a part of a token; bytes as they are."""
    return text(value if isinstance(value, bytes) else json.dumps(value).encode())


@functools.cache
def attackers_key() -> rsa.RSAPrivateKey:
    """A key that isn't the issuer's."""
    return rsa_key()


def issuers_key(issuer: Issuer) -> rsa.RSAPrivateKey:
    """The issuer's, for what it signs although it shouldn't."""
    key = issuer.private["k1"]
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def signed(key: rsa.RSAPrivateKey, header: Header, claims: object) -> str:
    """A token with exactly this header and these claims, and an RS256 signature over both."""
    said = f"{part(header)}.{part(claims)}"
    return f"{said}.{text(key.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _forged(name: str, header: Callable[[str], Header]) -> Hostile:
    """The attacker's key, and a header that says where to find it, or what to take for it."""
    return Hostile(name, lambda issuer, trap: signed(attackers_key(), header(trap), issuer.claims()))


def _ours(name: str, header: Header) -> Hostile:
    """What the issuer signed under a header that we mustn't take."""
    return Hostile(name, lambda issuer, _: signed(issuers_key(issuer), header, issuer.claims()))


def _mangled(name: str, mangle: Callable[[str, str, str], str]) -> Hostile:
    """A good token whose three parts became something else."""

    def make(issuer: Issuer, trap: str) -> str:
        head, claims, signature = issuer.token().split(".")
        return mangle(head, claims, signature)

    return Hostile(name, make)


def _shared_secret(name: str, digest: str, form: Callable[[rsa.RSAPublicKey], bytes]) -> Hostile:
    """A MAC whose key is what everybody knows: the issuer's public key."""

    def make(issuer: Issuer, trap: str) -> str:
        secret = form(issuers_key(issuer).public_key())
        said = f"{part({'alg': 'HS' + digest, 'kid': 'k1'})}.{part(issuer.claims())}"
        return f"{said}.{text(hmac.new(secret, said.encode(), 'sha' + digest).digest())}"

    return Hostile(f"HS{digest} with the public key as {name}", make)


def _unsigned(alg: str) -> Hostile:
    return Hostile(
        f"alg {alg!r} without a signature",
        lambda issuer, _: f"{part(_with(alg=alg))}.{part(issuer.claims())}.",
    )


def _pem(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _der(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _jwk(key: rsa.RSAPublicKey) -> bytes:
    return json.dumps(RSAAlgorithm.to_jwk(key, as_dict=True)).encode()


def _modulus(key: rsa.RSAPublicKey) -> bytes:
    return key.public_numbers().n.to_bytes(256, "big")


@functools.cache
def _certificate() -> str:
    """The attacker's key, certified by the attacker, as x5c has it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    since = datetime.now(UTC) - timedelta(days=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(attackers_key().public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=9))
        .sign(attackers_key(), hashes.SHA256())
    )
    return base64.b64encode(built.public_bytes(serialization.Encoding.DER)).decode()


def _thumbprint() -> str:
    return text(hashlib.sha256(base64.b64decode(_certificate())).digest())


def _nested(issuer: Issuer, trap: str) -> str:
    return signed(issuers_key(issuer), {"alg": "RS256", "kid": "k1", "cty": "JWT"}, issuer.token().encode())


def _packed(issuer: Issuer, trap: str) -> str:
    header = {"alg": "RS256", "kid": "k1", "zip": "DEF"}
    return signed(issuers_key(issuer), header, zlib.compress(json.dumps(issuer.claims()).encode())[2:-4])


def _encrypted(issuer: Issuer, trap: str) -> str:
    return ".".join(
        [part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "k1"}), *(text(b"x" * 32) for _ in range(4))]
    )


def _by_another_tokens_signature(issuer: Issuer, trap: str) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{part(issuer.claims(sub='olga', roles=['operator']))}.{signature}"


def _with(**header: object) -> dict[str, object]:
    return {"alg": "RS256", "kid": "k1"} | header


FAR: Final = "/../" * 20 + "dev/null"
FORGED: Final = (
    _forged("another key", lambda _: _with()),
    _forged("jku", lambda trap: _with(jku=trap)),
    _forged("jku and a kid of its own", lambda trap: _with(jku=trap, kid="theirs")),
    _forged("x5u", lambda trap: _with(x5u=trap)),
    _forged("x5c", lambda _: _with(x5c=[_certificate()])),
    _forged("x5c and its thumbprint as kid", lambda _: _with(x5c=[_certificate()], kid=_thumbprint())),
    _forged("jwk", lambda _: _with(jwk=public_jwk(attackers_key()))),
    _forged("jwk and no kid", lambda _: {"alg": "RS256", "jwk": public_jwk(attackers_key())}),
    _forged("no kid", lambda _: {"alg": "RS256"}),
    _forged("an empty kid", lambda _: _with(kid="")),
    _forged("a path as kid", lambda _: _with(kid=FAR)),
    _forged("an address as kid", lambda trap: _with(kid=trap)),
    _forged("SQL as kid", lambda _: _with(kid="k1' UNION SELECT 'secret'; --")),
    _forged("U+0000 in the kid", lambda _: _with(kid="k1\0")),
    _forged("half a surrogate pair as kid", lambda _: _with(kid="\ud800")),
    _forged("a kid of ten thousand characters", lambda _: _with(kid="k" * 10_000)),
    _forged("a number as kid", lambda _: _with(kid=1)),
    _forged("a list as kid", lambda _: _with(kid=["k1"])),
    _forged("null as kid", lambda _: _with(kid=None)),
    _forged("two kids", lambda _: b'{"alg":"RS256","kid":"theirs","kid":"k1"}'),
    _forged("two algs", lambda _: b'{"alg":"none","alg":"RS256","kid":"k1"}'),
    _forged("a header of NaN", lambda _: b'{"alg":"RS256","kid":"k1","x":NaN}'),
    _forged("a header of 1e400", lambda _: b'{"alg":"RS256","kid":"k1","x":1e400}'),
    _forged("a header with a long number", lambda _: b'{"alg":"RS256","kid":"k1","x":' + b"9" * 5_000 + b"}"),
    _forged(
        "a deep header", lambda _: b'{"alg":"RS256","kid":"k1","x":' + b"[" * 4_000 + b"]" * 4_000 + b"}"
    ),
    _forged("a header that isn't UTF-8", lambda _: b'{"alg":"RS256","kid":"\xff"}'),
    _forged("a list as header", lambda _: b"[]"),
    _forged("no JSON as header", lambda _: b"{"),
    Hostile("another token's signature", _by_another_tokens_signature),
)
CONFUSED: Final = (
    *(
        _ours(f"alg {alg!r}", _with(alg=alg))
        for alg in ("rs256", "RS256 ", "HS256", "ES256", "EdDSA", "none", "")
    ),
    *(_ours(f"alg {alg!r}", _with(alg=alg)) for alg in (None, 256, ["RS256"], {"RS256": True}, True)),
    _ours("no alg", {"kid": "k1"}),
    _ours("crit that nobody knows", _with(crit=["exp"], exp=1)),
    _ours("crit that isn't there", _with(crit=["b64"])),
    _ours("an empty crit", _with(crit=[])),
    _ours("crit that is a text", _with(crit="b64")),
    _ours("b64 false", _with(b64=False)),
    _ours("b64 false and crit", _with(b64=False, crit=["b64"])),
    *(_unsigned(alg) for alg in ("none", "None", "nOnE", "NONE", "", "RS256")),
    *(_shared_secret("PEM", digest, _pem) for digest in ("256", "384", "512")),
    _shared_secret("DER", "256", _der),
    _shared_secret("JWK", "256", _jwk),
    _shared_secret("modulus", "256", _modulus),
    _shared_secret("nothing", "256", lambda _: b""),
    Hostile("an encrypted token", _encrypted),
    Hostile("a token in a token", _nested),
    Hostile("packed claims", _packed),
)
MANGLED: Final = (
    _mangled("no signature", lambda head, claims, _: f"{head}.{claims}"),
    _mangled("an empty signature", lambda head, claims, _: f"{head}.{claims}."),
    _mangled("half a signature", lambda head, claims, end: f"{head}.{claims}.{end[:170]}"),
    _mangled("a longer signature", lambda head, claims, end: f"{head}.{claims}.{end}AAAA"),
    _mangled(
        "another last bit", lambda head, claims, end: f"{head}.{claims}.{end[:-1]}{chr(ord(end[-1]) ^ 1)}"
    ),
    _mangled("padding", lambda head, claims, end: f"{head}.{claims}.{end}=="),
    _mangled("padding in the middle", lambda head, claims, end: f"{head}.{claims}==.{end}"),
    _mangled("rubbish in the signature", lambda head, claims, end: f"{head}.{claims}.!{end}"),
    _mangled("a space in the middle", lambda head, claims, end: f"{head}. {claims}.{end}"),
    _mangled("a tab at the end of the claims", lambda head, claims, end: f"{head}.{claims}\t.{end}"),
    _mangled("four parts", lambda head, claims, end: f"{head}.{claims}.{end}.{end}"),
    _mangled("twice", lambda head, claims, end: f"{head}.{claims}.{end},{head}.{claims}.{end}"),
    _mangled("in quotes", lambda head, claims, end: f'"{head}.{claims}.{end}"'),
    _mangled("the usual base64", lambda head, claims, end: f"{head}.{claims}.+/{end[2:]}"),
    _mangled("latin letters", lambda head, claims, end: f"{head}.{claims}.{end}\xe9"),
    _mangled("no header", lambda _, claims, end: f".{claims}.{end}"),
    _mangled("no claims", lambda head, _, end: f"{head}..{end}"),
    _mangled("nothing but dots", lambda *_: ".."),
    _mangled("too long", lambda head, claims, end: f"{head}.{claims}{'A' * 20_000}.{end}"),
    _mangled("a word", lambda *_: "x"),
)
