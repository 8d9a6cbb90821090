"""Who calls: a tenant's person or service, with its roles and scopes. Only health works without one (B2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from penstock.api.problems import Problem, barred, forbidden, people_only, scope_missing
from penstock.api.rights import CANCEL, KEYS, PAUSE, READ, SETTLE, START, VOTE, right_to
from penstock.runtime.api_keys import KeyKind
from penstock.schemas.envelope.records import Actor

__all__ = ["CANCEL", "KEYS", "PAUSE", "READ", "SETTLE", "START", "VOTE", "Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated party of a request."""

    tenant: str
    subject: str
    roles: tuple[str, ...]
    kind: KeyKind = "person"
    # None: all that the roles give.
    scopes: frozenset[str] | None = None
    # Empty for a token.
    key_id: str = ""
    # As the issuer or the key names them: they give nothing by themselves.
    groups: tuple[str, ...] = ()
    # None: the credentials count until they are revoked.
    expires_at: datetime | None = None

    @property
    def actor(self) -> Actor:
        """The caller as inputs name it."""
        return Actor(kind=self.kind, subject=self.subject, roles=self.roles)

    def needs(self, roles: Iterable[str], action: str) -> None:
        """Raises a 403 problem unless the caller has one of these roles, and the scope that the action takes
        (api/rights.py), which its first words decide."""
        wanted = tuple(roles)
        if not set(wanted) & set(self.roles):
            raise forbidden(wanted, action)
        self.may(action)

    def may(self, action: str) -> None:
        """As `needs`, for whom something else than a role gives the right, such as a question that was delegated to
        them: what a key's or token's scopes, a service or a role that excludes it keep from them, this gives nobody."""
        right = right_to(action)
        if self.scopes is not None and right.scope not in self.scopes:
            raise scope_missing(right.scope, action)
        if right.people and self.kind != "person":
            raise people_only(action)
        if set(right.barred) & set(self.roles):
            raise barred(right.barred, action)

    def can(self, action: str) -> bool:
        """Whether `may` would let it pass: for what a caller is shown beforehand."""
        try:
            self.may(action)
        except Problem:
            return False
        return True
