"""Refuses requests that say twice what counts once: two readers of such a request could take it for two others."""

from collections import Counter
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.api.problems import Problem, answer_of

# Of these there is one, or none.
ONCE: Final = frozenset(
    {
        *(b"authorization", b"content-type", b"content-encoding", b"host", b"idempotency-key"),
        *(b"if-match", b"if-none-match", b"last-event-id", b"traceparent"),
    }
)


class Framing:
    """ASGI middleware: a 400 problem for a body of two lengths, or for a header twice that stands once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        problem = _problem(scope["headers"]) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await answer_of(problem, scope["path"])(scope, receive, send)


def _problem(headers: list[tuple[bytes, bytes]]) -> Problem | None:
    counted = Counter(name for name, _ in headers)
    if counted[b"content-length"] and counted[b"transfer-encoding"]:
        return Problem(
            400,
            "two-lengths",
            "Two lengths",
            "A body has a Content-Length or a Transfer-Encoding, never both: leave one out. Nothing was taken.",
            headers={"Connection": "close"},
        )
    twice = sorted(name.decode("latin-1") for name in ONCE if counted[name] > 1)
    if twice:
        return Problem(
            400,
            "repeated-header",
            "Repeated header",
            f"Send each of these headers once: {', '.join(twice)}. Nothing was taken.",
        )
    return None
