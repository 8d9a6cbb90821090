"""What the API counts of itself, and GET /metrics, which shows it to operators as Prometheus reads it."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.limits import begins_stream
from penstock.api.rights import METRICS
from penstock.api.tracing import route_of
from penstock.runtime import metric_names as names
from penstock.runtime import prometheus
from penstock.runtime.meters import Meters
from penstock.runtime.telemetry import Telemetry


class Counting:
    """ASGI middleware: how many requests there are, and how long they take, by route and status."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._seconds = meters.spread(names.HTTP_SECONDS)
        self._active = meters.total(names.HTTP_ACTIVE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, status, answered = str(scope["method"]), "500", False

        def answer() -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._active.add(-1, method)
                self._seconds.record(time.perf_counter() - began_s, method, route_of(scope), status)

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            if begins_stream(message):
                # It goes on for hours: the answer is that it began.
                answer()
            await send(message)

        began_s = time.perf_counter()
        self._active.add(1, method)
        try:
            await self._app(scope, receive, send_counted)
        finally:
            answer()


def routes(door: Door, telemetry: Telemetry) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["metrics"])

    @router.get(prometheus.PATH, response_class=Response)
    def metrics(caller: Annotated[Caller, Depends(door.keys)]) -> Response:
        """Everything that this process counts, and every queue's depth and oldest age. In a thread: it asks
        broker and database."""
        caller.needs(METRICS, "read metrics")
        return Response(telemetry.text(), media_type=prometheus.CONTENT_TYPE)

    return router
