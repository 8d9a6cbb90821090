"""How often one may ask: a bucket of requests for each key or token's subject, and one of failures for each address.

Guarantees: nobody waits for it, and no request asks a database for it; what is remembered is bounded, and who is
forgotten begins anew. Each process counts for itself. Health isn't counted, because it takes no credentials.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.api.callers import Caller
from penstock.api.problems import Problem
from penstock.runtime.settings import Settings

BUCKETS_MAX: Final = 10_000
WINDOW_S: Final = 60
_SHOWN: Final = "penstock.rate"
# A customer of a provider has a whole network of IPv6 addresses.
_NETWORK_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking for one of a bucket's requests: whether there was one, how many are left, and in how many
    seconds there is one again (if there was none) or all are."""

    allowed: bool
    left: int
    after_s: int


class Buckets:
    """Each holds as many requests as it gets in a minute, and is full at first."""

    def __init__(self, buckets_max: int = BUCKETS_MAX, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._buckets_max = buckets_max
        self._clock_s = clock_s
        # By name what is left, and when that was so; the one that was asked last is last.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, per_minute: int) -> Taken:
        """One request of the bucket's, if there is one."""
        now_s, per_s = self._clock_s(), per_minute / WINDOW_S
        left, at_s = self._buckets.pop(name, (float(per_minute), now_s))
        left = min(per_minute, left + (now_s - at_s) * per_s)
        allowed = left >= 1
        left -= allowed
        self._buckets[name] = (left, now_s)
        if len(self._buckets) > self._buckets_max:
            self._buckets.popitem(last=False)
        wanted = per_minute if allowed else 1
        return Taken(allowed, int(left), math.ceil((wanted - left) / per_s))

    def __len__(self) -> int:
        return len(self._buckets)


class Rates:
    """The limits of one process."""

    def __init__(
        self, per_minute: int, failures_per_minute: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` is for keys that have no limit of their own, and for tokens."""
        self._per_minute = per_minute
        self._failures_per_minute = failures_per_minute
        self._callers = Buckets(clock_s=clock_s)
        self._addresses = Buckets(clock_s=clock_s)

    @classmethod
    def of(cls, settings: Settings) -> "Rates":
        """As the settings say."""
        return cls(settings.api_key_requests_per_minute, settings.api_failures_per_minute)

    def count(self, scope: Scope, caller: Caller, own_per_minute: int | None) -> None:
        """One more request of the caller's. Raises a 429 problem if it is one too many."""
        per_minute = own_per_minute or self._per_minute
        name = f"key {caller.key_id}" if caller.key_id else f"token {caller.tenant}\x1f{caller.subject}"
        taken = self._callers.take(name, per_minute)
        scope.get(_SHOWN, {}).update(
            {
                "RateLimit-Policy": f'"credentials";q={per_minute};w={WINDOW_S}',
                "RateLimit": f'"credentials";r={taken.left};t={taken.after_s}',
            }
        )
        if not taken.allowed:
            whose = "This key" if caller.key_id else "This token's subject"
            detail = (
                f"{whose} may ask {per_minute} times a minute, and all are used up: nothing was taken; send the same "
                "again after Retry-After seconds."
            )
            raise _too_many("rate-limited", detail, taken)

    def failed(self, address: str) -> None:
        """One more request of the address's whose credentials don't count. Raises a 429 problem if it is one too
        many; who comes from there with good ones isn't held up."""
        taken = self._addresses.take(network_of(address), self._failures_per_minute)
        if not taken.allowed:
            detail = (
                f"More than {self._failures_per_minute} requests a minute came from this address with credentials that "
                "don't count: correct them, and come again after Retry-After seconds."
            )
            raise _too_many("too-many-failures", detail, taken)


def network_of(address: str) -> str:
    """What counts as one address: IPv4 as it is, IPv6 by its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, _NETWORK_BITS), strict=False))


def _too_many(slug: str, detail: str, taken: Taken) -> Problem:
    headers = {"Retry-After": str(taken.after_s)}
    return Problem(429, slug, "Too many requests", detail, headers=headers)


class RateHeaders:
    """ASGI middleware: tells every caller what is left of its rate (draft-ietf-httpapi-ratelimit-headers)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shown: dict[str, str] = {}
        scope[_SHOWN] = shown

        async def send_with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(shown)
            await send(message)

        await self._app(scope, receive, send_with_rate)
