"""What kind of token one says that it is: an issuer signs ID tokens, logout tokens and others with the same key.

Guarantees: what names another kind than an access token isn't taken for one. An ID token that says nothing of it is
known by its audience alone, which is its client's.
"""

from collections.abc import Mapping
from typing import Any, Final

# In the claim typ, by which Keycloak tells apart what it signs.
_OF_KEYCLOAK: Final = frozenset({"id", "refresh", "offline", "logout"})


def is_access_token(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Whether nothing in it says that it is something else. In the header `typ` is JWT, or at+jwt (RFC 9068), which
    also ends vendors' own names for it."""
    said = header.get("typ", "jwt")
    kind = said.lower().removeprefix("application/") if isinstance(said, str) else ""
    claimed = claims.get("typ")
    return (kind == "jwt" or kind.endswith("at+jwt")) and not (
        isinstance(claimed, str) and claimed.lower() in _OF_KEYCLOAK
    )
