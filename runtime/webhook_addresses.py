"""Where webhooks may be posted to: never into the network that Penstock itself stands in, unless an operator of the
installation named the host (PENSTOCK_WEBHOOK_HOSTS_ALLOWED).

Whoever may subscribe could otherwise have the workers ask for what only they can reach: metadata services, databases,
Penstock's own ports. The rule is about addresses, not names, because a name may mean another address at any time: the
sender resolves, has one `chosen`, and connects to that one.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_CHARACTERS_MAX: Final = 2_000
_PORTS: Final = {"https": 443, "http": 80}
# IPv4 addresses in IPv6 clothes: what a translator or a tunnel would make of them is what counts.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
SETTING: Final = "PENSTOCK_WEBHOOK_HOSTS_ALLOWED"


class Refused(ValueError):
    """Nothing is posted there. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts. `allowed`: the installation's operator named its host, so any address will do, and plain HTTP."""

    scheme: str
    host: str
    port: int
    path: str
    allowed: bool

    @property
    def host_header(self) -> str:
        """As the receiver expects it: the host, with its port where that isn't the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def hosts_allowed(setting: str) -> frozenset[str]:
    """The hosts of the setting: names or addresses with commas between them, each with a port or without."""
    return frozenset(word.strip().lower() for word in setting.split(",") if word.strip())


def target_of(url: str, allowed: frozenset[str]) -> Target:
    """The URL, if something may be posted there; what a name means is asked when it is posted to. Raises Refused."""
    if (
        len(url) > URL_CHARACTERS_MAX
        or not url.isascii()
        or not url.isprintable()
        or " " in url
        or "\\" in url
    ):
        raise Refused(f"a URL is at most {URL_CHARACTERS_MAX} characters of printable ASCII without spaces")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise Refused("that is no URL: write https://host/path") from None
    if parts.scheme not in _PORTS or not host or port == 0:
        raise Refused("that is no URL of https: write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Refused("leave user and password out of the URL: a delivery proves itself by its signature")
    if parts.fragment:
        raise Refused("leave out what comes after #: it is never sent")
    port = port or _PORTS[parts.scheme]
    named = host in allowed or f"{host}:{port}" in allowed
    if parts.scheme != "https" and not named:
        raise Refused(f"only https is posted to, unless {SETTING} names the host")
    literal = address_of(host)
    if literal is not None and not named and (why := refusal(literal)):
        raise Refused(why)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, named)


def chosen(target: Target, resolved: Iterable[str]) -> Address:
    """Which of a host's addresses to connect to. Raises Refused unless all of them may be connected to: a name with one
    address inside is a name that somebody has made for this."""
    addresses = [found for each in resolved if (found := address_of(each)) is not None]
    if not addresses:
        raise Refused(f"{target.host} has no address")
    if not target.allowed:
        for address in addresses:
            if why := refusal(address):
                raise Refused(why)
    return addresses[0]


def refusal(address: Address) -> str | None:
    """Why nothing is posted to this address; None if something may be."""
    inner = _inside(address)
    if inner.is_global and not inner.is_multicast and not inner.is_reserved:
        return None
    return f"{address} isn't an address of the public internet, and {SETTING} doesn't name the host"


def address_of(text: str) -> Address | None:
    """The address that the text is; None for a name. What resolvers take for an address too (127.1, 0x7f000001) is a
    name to us, and resolves to what it means."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _inside(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    # Teredo hides the address of its client in the inverse; no receiver lives there.
    return ipaddress.IPv6Address("::1") if address.teredo is not None else address
