"""What an admin may do with API keys over HTTP. Nobody gets more by it than they have.

- A key that is made here is a service's. People come by the issuer of tokens, or by `penstock keys add`, which takes
  the signing keys of the installation: with a key for a person whom one invents, one could vote twice.
- It has only roles and groups that its maker has, and never admin; a maker that is limited to scopes gives only these.
- Rotating tells a secret, so it is for one's own key, and for services' that one could have made.
- All of the tenant's keys may be seen and revoked.
"""

from collections.abc import Collection
from typing import Final, NoReturn

from penstock.api.callers import Caller
from penstock.api.problems import Problem
from penstock.api.rights import ADMIN
from penstock.runtime.api_keys import ApiKey, KeyKind

_PEOPLE: Final = (
    "Over HTTP keys are made for services alone, and told again for services and oneself: a person's comes from "
    "the OIDC issuer, or from whoever runs the installation, by `penstock keys add` and `penstock keys rotate`."
)


def may_make(
    caller: Caller,
    kind: KeyKind,
    roles: Collection[str],
    scopes: Collection[str] | None,
    groups: Collection[str] = (),
) -> None:
    """Raises a 403 problem unless the caller may make such a key."""
    if kind != "service":
        raise Problem(403, "not-for-people", "Not for people", _PEOPLE)
    _within(caller, roles, scopes, groups)


def may_rotate(caller: Caller, key: ApiKey) -> None:
    """Raises a 403 problem unless the caller may be told a secret that stands for what the key stands for."""
    if key.key_id == caller.key_id:
        return
    if key.kind != "service":
        raise Problem(403, "not-for-people", "Not for people", _PEOPLE)
    _within(caller, key.roles, key.scopes, key.groups)


def _within(
    caller: Caller, roles: Collection[str], scopes: Collection[str] | None, groups: Collection[str]
) -> None:
    if ADMIN in roles:
        _more("the role admin, which is given by `penstock keys add` alone")
    missing = sorted({*roles} - {*caller.roles})
    if missing:
        _more(f"the role {', '.join(missing)}")
    foreign = sorted({*groups} - {*caller.groups})
    if foreign:
        _more(f"the group {', '.join(foreign)}")
    if caller.scopes is None:
        return
    if scopes is None:
        _more("all scopes, and yours is limited: name the scopes that it is to have")
    beyond = sorted({*scopes} - caller.scopes)
    if beyond:
        _more(f"the scope {', '.join(beyond)}")


def _more(what: str) -> NoReturn:
    detail = f"A key gives at most what its maker has, and this one would have {what}: ask for less."
    raise Problem(403, "more-than-yours", "More than you have", detail)
