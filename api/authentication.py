"""Which credentials a request brings: an API key (`psk_…`) or a token of the OIDC issuer (B2), and how often (B3)."""

import time
from typing import Annotated

from fastapi import Header, Request

from penstock.api.callers import Caller
from penstock.api.key_ring import KeyRing
from penstock.api.problems import Problem
from penstock.api.queries import check_query
from penstock.api.rates import Rates
from penstock.api.tokens import Tokens
from penstock.runtime.api_keys import PREFIX


class Authentication:
    """The dependency of every route but health's."""

    def __init__(self, keys: KeyRing, tokens: Tokens | None, rates: Rates) -> None:
        """Without `tokens` only API keys count."""
        self._keys = keys
        self._tokens = tokens
        self._rates = rates

    async def __call__(
        self,
        request: Request,
        authorization: Annotated[
            str | None, Header(description="Bearer psk_<id>_<random>, or Bearer <JWT of the OIDC issuer>")
        ] = None,
    ) -> Caller:
        """The caller of a request. Raises problems: 401, 429, 503, for a token also 403; 422 for a query that the route
        doesn't know."""
        try:
            caller, per_minute = await self._caller_of(authorization or "")
        except Problem as problem:
            if problem.status_code in (401, 403):
                self.failed(request)
            raise
        self._rates.count(request.scope, caller, per_minute)
        check_query(request)
        return caller

    def counts(self, caller: Caller) -> bool:
        """Whether the credentials that a caller came with count still: not expired, and not a key that is revoked."""
        if caller.key_id:
            return self._keys.counts(caller)
        leeway_s = 0 if self._tokens is None else self._tokens.leeway_s
        return caller.expires_at is None or caller.expires_at.timestamp() + leeway_s > time.time()

    def failed(self, request: Request) -> None:
        """One more request of its address with credentials that don't count. Raises a 429 problem if it is one too
        many."""
        self._rates.failed(request.client.host if request.client else "")

    async def _caller_of(self, authorization: str) -> tuple[Caller, int | None]:
        """The caller, and how often a minute it may come, if it has a limit of its own."""
        scheme, _, said = authorization.partition(" ")
        credential = said.strip()
        if scheme.lower() != "bearer" or not credential:
            raise self._unauthenticated()
        if self._tokens is not None and not credential.startswith(PREFIX):
            return await self._tokens.caller_of(credential), None
        found = await self._keys.find(credential)
        if found is None:
            raise self._unauthenticated()
        caller, key = found
        return caller, key.requests_per_minute

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
