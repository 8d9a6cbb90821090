"""One post: resolve, look at the address, connect to just that one, sign, send, read a little of the answer.

Guarantees: a post ends within TIMEOUT_S whatever the receiver does; no redirect is followed, no proxy of the
environment used; nothing is sent to an address that runtime/webhook_addresses.py refuses.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeAlias

from penstock import __version__
from penstock.producers.signing import Keyring
from penstock.runtime.webhook_addresses import Refused, Target, address_of, chosen, target_of
from penstock.runtime.webhook_secrets import SecretLost, signature, unseal
from penstock.streams.webhooks.daemons import in_a_thread
from penstock.streams.webhooks.outcomes import Answer
from penstock.streams.webhooks.rows import Due

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 15.0
ANSWER_BYTES_MAX: Final = 4_096
RESOLVERS: Final = 32
USER_AGENT: Final = f"Penstock/{__version__}"
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


class Resolver:
    """The system's, in threads of its own: a name server that is silent holds up nobody else in this process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(RESOLVERS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The host's addresses, in the order of preference. Raises OSError, UnicodeError."""
        if address_of(host) is not None:
            return [host]
        return await in_a_thread(partial(self._ask, host, port), self._places)

    @staticmethod
    def _ask(host: str, port: int) -> Sequence[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Poster:
    """Posts deliveries. One connection each, for two hosts at one address must not share one."""

    def __init__(
        self,
        keyring: Keyring,
        allowed: frozenset[str],
        resolve: Resolve,
        timeout_s: float = TIMEOUT_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._keyring = keyring
        self._allowed = allowed
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._now_s = now_s
        # It would log every address, and of some the path is a secret.
        logging.getLogger("httpx").setLevel(logging.WARNING)

    async def post(self, due: Due) -> Answer:
        """What came of it. Raises nothing but what cancels it."""
        import httpx

        try:
            async with asyncio.timeout(self._timeout_s):
                target = target_of(due.url, self._allowed)
                address = chosen(target, await self._resolve(target.host, target.port))
                return await self._send(target, str(address), due)
        except (Refused, SecretLost) as error:
            return Answer(error=str(error), unsent=True)
        except TimeoutError:
            return Answer(error=f"no answer within {self._timeout_s:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            return Answer(error=f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Let go of what is left."""
        if "_client" in vars(self):
            await self._client.aclose()

    @cached_property
    def _client(self) -> "httpx.AsyncClient":
        # Imported with the first post: it takes a tenth of a second, which a worker that is to take over hasn't.
        import httpx

        return httpx.AsyncClient(
            verify=httpx.create_ssl_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def _send(self, target: Target, address: str, due: Due) -> Answer:
        literal = f"[{address}]" if ":" in address else address
        body = due.body.encode()
        sealed = [each for each in (due.secret, due.secret_before) if each is not None]
        secrets = [unseal(self._keyring, due.webhook_id, each) for each in sealed]
        at_s = int(self._now_s())
        headers = {
            "Host": target.host_header,
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": due.event_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature(secrets, due.event_id, at_s, body),
        }
        # The certificate is the name's, whatever the address.
        named = {"sni_hostname": target.host}
        url = f"{target.scheme}://{literal}:{target.port}{target.path}"
        async with self._client.stream(
            "POST", url, content=body, headers=headers, extensions=named
        ) as response:
            read = 0
            async for some in response.aiter_raw(1024):
                read += len(some)
                if read >= ANSWER_BYTES_MAX:
                    break
            return Answer(response.status_code, None, response.headers.get("retry-after"))
