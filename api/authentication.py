"""Which credentials a request brings: an API key (`psk_…`) or a token of the OIDC issuer (B2)."""

from typing import Annotated, Final

from fastapi import Header

from penstock.api.callers import Caller
from penstock.api.key_ring import KeyRing
from penstock.api.problems import Problem
from penstock.api.tokens import Tokens

_KEY_PREFIX: Final = "psk_"


class Authentication:
    """The dependency of every route but health's."""

    def __init__(self, keys: KeyRing, tokens: Tokens | None = None) -> None:
        """Without `tokens` only API keys count."""
        self._keys = keys
        self._tokens = tokens

    async def __call__(
        self,
        authorization: Annotated[
            str | None, Header(description="Bearer psk_<id>_<random>, or Bearer <JWT of the OIDC issuer>")
        ] = None,
    ) -> Caller:
        """The caller of a request. Raises problems: 401, for a token also 403 and 503."""
        scheme, _, said = (authorization or "").partition(" ")
        credential = said.strip()
        if scheme.lower() != "bearer" or not credential:
            raise self._unauthenticated()
        if self._tokens is not None and not credential.startswith(_KEY_PREFIX):
            return await self._tokens.caller_of(credential)
        found = await self._keys.find(credential)
        if found is None:
            raise self._unauthenticated()
        return found[0]

    def _unauthenticated(self) -> Problem:
        token = "" if self._tokens is None else ", or a token of the OIDC issuer"
        return Problem(
            401,
            "unauthenticated",
            "No valid credentials",
            f"Send the header `Authorization: Bearer psk_...` with a key of this API{token}; "
            "`penstock keys add` makes one.",
            headers={"WWW-Authenticate": "Bearer"},
        )
