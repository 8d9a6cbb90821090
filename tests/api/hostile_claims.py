"""Claims that the issuer has signed although it shouldn't: of the wrong type, out of bounds, or for something else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.api.hostile_tokens import issuers_key, signed
from tests.api.issuer import AUDIENCE, Issuer

UNTRUSTED: Final = "it isn't one that this API's issuer has signed for it"
NO_TIME: Final = "is no time in seconds since 1970"
LACKS: Final = "it lacks one of the claims"
ELSEWHERE: Final = "another audience"
KIND: Final = "it isn't an access token"


@dataclass(frozen=True, slots=True)
class Claims:
    """What is changed in a good token's claims, what is put behind them as it is, and what the answer must say."""

    name: str
    changes: Mapping[str, object]
    status: int
    says: str
    raw: bytes = b""
    header: Mapping[str, object] = field(default_factory=dict)

    def token(self, issuer: Issuer) -> str:
        """Signed by the issuer."""
        claims = json.dumps({**issuer.claims(), **self.changes}).encode()
        whole = claims[:-1] + b"," + self.raw + b"}" if self.raw else claims
        header = {"alg": "RS256", "kid": "k1", **self.header}
        return signed(issuers_key(issuer), header, whole)


def _each(claim: str, status: int, says: str, *values: object) -> tuple[Claims, ...]:
    return tuple(
        Claims(f"{claim} {json.dumps(value)[:40]}", {claim: value}, status, says) for value in values
    )


def _raw(name: str, raw: bytes, says: str, status: int = 401) -> Claims:
    return Claims(name, {}, status, says, raw)


def _kind(name: str, header: Mapping[str, object], **changes: object) -> Claims:
    return Claims(name, changes, 401, KIND, header=header)


WRONG_TYPES: Final = ("4102444800", "tomorrow", "", True, False, [4_102_444_800], {"s": 4_102_444_800})
# Milliseconds, too: nobody means the year 58,000.
NEVER: Final = (253_402_300_800, 1_800_000_000_000, 10**30, 1e300)
REFUSED: Final = (
    *(row for claim in ("exp", "iat", "nbf") for row in _each(claim, 401, NO_TIME, *WRONG_TYPES, *NEVER)),
    *_each("exp", 401, "it has expired", 0, -1, -(10**30), 0.5, -1e300),
    *(row for claim in ("exp", "iat", "iss", "aud") for row in _each(claim, 401, LACKS, None)),
    *_each("nbf", 401, NO_TIME, None),
    _raw("exp NaN", b'"exp":NaN', NO_TIME),
    _raw("exp 1e400", b'"exp":1e400', NO_TIME),
    _raw("exp -1e400", b'"exp":-1e400', "it has expired"),
    _raw("exp of five thousand digits", b'"exp":' + b"9" * 5_000, UNTRUSTED),
    _raw("two exps, the later in the past", b'"exp":1', "it has expired"),
    _raw("two audiences, the later another's", b'"aud":"another"', ELSEWHERE),
    _raw("two tenants, the later none", b'"tenant":""', "claim tenant names no", 403),
    _raw("deep claims", b'"x":' + b"[" * 5_000 + b"]" * 5_000, UNTRUSTED),
    _raw("claims that aren't UTF-8", b'"x":"\xff"', UNTRUSTED),
    _raw("claims that are no JSON", b"x", UNTRUSTED),
    *_each(
        "aud", 401, ELSEWHERE, "another", AUDIENCE.upper(), f"{AUDIENCE} ", [f"{AUDIENCE}2"], {AUDIENCE: True}
    ),
    *_each("aud", 401, ELSEWHERE, 7, True, [[AUDIENCE]], [AUDIENCE, 7], [None]),
    *_each("aud", 401, LACKS, "", [], {}, 0, False),
    *_each("iss", 401, "another issuer", "https://elsewhere.example", "", 7, True, {}, []),
    *_each("sub", 401, UNTRUSTED, None, 7, True, ["ana"], {"sub": "ana"}),
    *_each("sub", 403, "claim sub names no", "", "a\0b", "a\nb", "a\u202eb", "a\u200bb", "\ud800", "a" * 256),
    *_each("tenant", 403, "claim tenant names no", None, "", 7, True, 1.5, ["local"], {"id": "local"}),
    *_each("tenant", 403, "claim tenant names no", "local\0", "local\n", "lo\u200bcal", "\udfff", "l" * 256),
    *_each(
        "roles", 403, "claim roles names no", None, [], "", " ", 7, True, {"analyst": True}, [["analyst"]]
    ),
    *_each("roles", 403, "claim roles names no", [7, None, {}], ["a\0b", "\ud800"], ["r" * 256]),
    *_each("jti", 401, UNTRUSTED, 7, ["x"]),
    _kind("an ID token of Keycloak", {}, typ="ID"),
    _kind("a refresh token of Keycloak", {}, typ="Refresh"),
    _kind("a logout token", {"typ": "logout+jwt"}),
    _kind("a security event", {"typ": "secevent+jwt"}),
    _kind("a proof", {"typ": "dpop+jwt"}),
    _kind("a typ that is none", {"typ": 7}),
)
# What is odd and taken: everything that it says is what the issuer may say.
TAKEN: Final = (
    Claims("ours among other audiences", {"aud": ["another", AUDIENCE]}, 202, ""),
    Claims("times with fractions", {"exp": 4_102_444_800.5, "iat": 1.25, "nbf": 1e9}, 202, ""),
    Claims("issued before 1970", {"iat": -5, "nbf": -5}, 202, ""),
    Claims("the last second of all", {"exp": 253_402_300_798}, 202, ""),
    Claims("ten thousand groups of odd types", {"groups": [7, None, {}, *["g"] * 2_000]}, 202, ""),
    Claims("a crowd of roles", {"roles": ["analyst", *(f"r{n}" for n in range(600))]}, 202, ""),
    Claims("roles and rubbish", {"roles": ["analyst", 7, None, {}, "a\0b"]}, 202, ""),
    Claims("groups that are none", {"groups": {"a": "b"}}, 202, ""),
    Claims("scopes that are none", {"scope": 7, "scp": {"runs:read": True}}, 202, ""),
    Claims(
        "other claims of wrong types",
        {"azp": 7, "client_id": ["x"], "gty": {}, "preferred_username": []},
        202,
        "",
    ),
    Claims("an access token by RFC 9068", {}, 202, "", header={"typ": "at+jwt"}),
    Claims("the same in full", {}, 202, "", header={"typ": "application/AT+JWT"}),
    Claims("an access token of Keycloak", {"typ": "Bearer"}, 202, "", header={"typ": "JWT"}),
)
