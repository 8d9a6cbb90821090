"""Bearer tokens of an OIDC issuer: who a JWT stands for, and why one is refused.

Guarantees: only signatures by the issuer's public keys count, and of these only tokens for our audience, within their
life; a refusal names a claim only to whoever holds a token that the issuer has signed. A token may be used as often
as one likes while it lives: what must count once carries an Idempotency-Key.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from jwt import PyJWK
from jwt import exceptions as wrong
from jwt.types import Options

from penstock.api.callers import Caller
from penstock.api.jwks import ALGORITHMS, Jwks, reader_of
from penstock.api.problems import Problem
from penstock.api.rights import SCOPES
from penstock.api.token_kinds import is_access_token
from penstock.api.token_times import wrong_time
from penstock.runtime.api_keys import KeyKind
from penstock.runtime.errors import NotConfigured
from penstock.runtime.settings import Settings

TOKEN_CHARACTERS_MAX: Final = 16_384
NAME_CHARACTERS_MAX: Final = 255
ROLES_MAX: Final = 100
GROUPS_MAX: Final = 500
_UNTRUSTED: Final = "it isn't one that this API's issuer has signed for it"
# What whoever has a token of the issuer's is told. Their order is that of the classes: the more special first.
_WHY: Final[Sequence[tuple[type[Exception], str]]] = (
    (wrong.InvalidAudienceError, "it is for another audience"),
    (wrong.InvalidIssuerError, "another issuer made it"),
    (wrong.MissingRequiredClaimError, "it lacks one of the claims exp, iat, iss, aud"),
)
# The times are compared by our own clock (api/token_times.py).
_OPTIONS: Final[Options] = {
    "require": ["exp", "iat", "iss", "aud"],
    "enforce_minimum_key_length": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
# One text a token: base64url without padding, and nothing around it.
_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say, and in which of its claims it says the rest. A claim is a dotted path. `group_roles` are
    roles by the group that has them."""

    issuer: str
    audience: str
    leeway_s: int
    tenant_claim: str
    roles_claim: str
    subject_claim: str
    service_claim: str
    groups_claim: str = "groups"
    group_roles: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Tokens:
    """Says who a token stands for."""

    def __init__(self, rules: TokenRules, jwks: Jwks, clock_s: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._jwks = jwks
        self._clock_s = clock_s

    @property
    def leeway_s(self) -> int:
        """By how much clocks may differ."""
        return self._rules.leeway_s

    async def caller_of(self, token: str) -> Caller:
        """Whom the token stands for. Raises problems: 401 for one that doesn't count, 403 for one that doesn't say
        enough, 503 while nobody can tell."""
        kid, algorithm = _header(token)
        key = await self._jwks.find(kid, algorithm)
        if key is None:
            raise invalid_token(_UNTRUSTED)
        return self._caller(self._claims(token, key))

    def _claims(self, token: str, key: PyJWK) -> dict[str, Any]:
        try:
            decoded = jwt.decode_complete(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                options=_OPTIONS,
            )
        except (wrong.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            why = next((words for kind, words in _WHY if isinstance(error, kind)), _UNTRUSTED)
            raise invalid_token(why) from error
        claims: dict[str, Any] = decoded["payload"]
        if not is_access_token(decoded["header"], claims):
            raise invalid_token("it isn't an access token")
        if reason := wrong_time(claims, self._clock_s(), self._rules.leeway_s):
            raise invalid_token(reason)
        return claims

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        rules = self._rules
        subject, tenant = _at(claims, rules.subject_claim), _at(claims, rules.tenant_claim)
        if not _is_name(subject):
            raise _silent("subject", rules.subject_claim, "PENSTOCK_OIDC_SUBJECT_CLAIM")
        if not _is_name(tenant):
            raise _silent("tenant", rules.tenant_claim, "PENSTOCK_OIDC_TENANT_CLAIM")
        groups = _names(_at(claims, rules.groups_claim))[:GROUPS_MAX]
        given = (role for group in groups for role in rules.group_roles.get(group, ()))
        roles = tuple(dict.fromkeys((*_names(_at(claims, rules.roles_claim)), *given)))[:ROLES_MAX]
        if not roles:
            raise _without_roles(rules, groups)
        kind: KeyKind = "service" if _is_service(claims, rules.service_claim) else "person"
        until = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(tenant, subject, roles, kind, _scopes(claims), "", groups, until)


def tokens_of(settings: Settings) -> Tokens | None:
    """As the settings say; None where no issuer is set. Raises NotConfigured."""
    if not settings.oidc_issuer:
        if settings.oidc_audience or settings.oidc_jwks_url:
            raise NotConfigured("PENSTOCK_OIDC_ISSUER isn't set, but other settings of it are: export it too")
        return None
    if not settings.oidc_issuer.startswith(("https://", "http://")):
        raise NotConfigured("PENSTOCK_OIDC_ISSUER isn't a URL: it reads as the claim iss does, https://…")
    if not settings.oidc_audience:
        raise NotConfigured(
            "PENSTOCK_OIDC_AUDIENCE isn't set: export what the issuer puts into the claim aud for this API. "
            "Without it tokens for any other application would open this one"
        )
    rules = TokenRules(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        leeway_s=settings.oidc_leeway_s,
        tenant_claim=settings.oidc_tenant_claim,
        roles_claim=settings.oidc_roles_claim,
        subject_claim=settings.oidc_subject_claim,
        service_claim=settings.oidc_service_claim,
        groups_claim=settings.oidc_groups_claim,
        group_roles=settings.oidc_group_roles,
    )
    return Tokens(rules, Jwks(reader_of(settings.oidc_issuer, settings.oidc_jwks_url)))


def _header(token: str) -> tuple[str | None, str]:
    """Key id and algorithm that the token claims. Raises a 401 problem for what can't be one of ours."""
    try:
        if len(token) > TOKEN_CHARACTERS_MAX or not _FORM.fullmatch(token):
            raise wrong.DecodeError("too long, or not three parts in base64url")
        header = jwt.get_unverified_header(token)
    except (wrong.PyJWTError, ValueError, RecursionError) as error:
        raise invalid_token(_UNTRUSTED) from error
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in ALGORITHMS or not (kid is None or isinstance(kid, str)):
        raise invalid_token(_UNTRUSTED)
    return kid, algorithm


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path. A claim whose own name has dots, as URLs do, is found as a whole."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX and value.isprintable()


def _words(value: object) -> list[str]:
    """A list of texts, or one text with spaces in between."""
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _names(value: object) -> tuple[str, ...]:
    return tuple(word for word in _words(value) if _is_name(word))


def _is_service(claims: Mapping[str, Any], service_claim: str) -> bool:
    """Whether a program got the token for itself: by the claim that the settings name, or as RFC 9068, Auth0, Entra
    and Keycloak say it. In doubt it is one, because a service may do less."""
    clients = [claims.get(name) for name in ("client_id", "azp")]
    return bool(
        (service_claim and _at(claims, service_claim))
        or ("sub" in claims and claims["sub"] in clients)
        or claims.get("gty") == "client-credentials"
        or claims.get("idtyp") == "app"
        or str(claims.get("preferred_username", "")).startswith("service-account-")
    )


def _scopes(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """Those of our scopes that the token names; None, which is no limit, where it names none of them."""
    named = {*_words(claims.get("scope")), *_words(claims.get("scp"))} & {*SCOPES}
    return frozenset(named) or None


def invalid_token(why: str) -> Problem:
    """For a token that doesn't count. `why` is for its holder, and helps nobody to make a better one."""
    return Problem(
        401,
        "invalid-token",
        "Invalid token",
        f"The token doesn't count: {why}. Get a new one from the issuer, for this API.",
        headers={"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{why}"'},
    )


def _without_roles(rules: TokenRules, groups: Sequence[str]) -> Problem:
    if not groups or not rules.group_roles:
        return _silent("roles", rules.roles_claim, "PENSTOCK_OIDC_ROLES_CLAIM")
    return Problem(
        403,
        "token-without-roles",
        "Token doesn't say enough",
        f"The token is good, but its claim {rules.roles_claim} names no roles, and PENSTOCK_OIDC_GROUP_ROLES gives "
        f"none to the groups in its claim {rules.groups_claim}: give one of them a role there, or have the issuer "
        "name roles.",
    )


def _silent(what: str, claim: str, variable: str) -> Problem:
    return Problem(
        403,
        f"token-without-{what}",
        "Token doesn't say enough",
        f"The token is good, but its claim {claim} names no {what}: have the issuer put it there, or set {variable} "
        "to the claim that does.",
    )
