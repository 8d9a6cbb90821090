"""The load on Restate, through the SDK's client over its ingress."""

# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
# The SDK isn't among Penstock's packages, so there is nothing to check this against.
import asyncio
import json
import os
import uuid
from dataclasses import dataclass

import aiohttp
import httpx
import restate_service
import steps
from loading import serve
from restate.client import Client


class Awakeables:
    """A plain handler, started with an idempotency key; the person resolves its awakeable at the ingress."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def review(self, number):
        key = f"bench-{number}-{uuid.uuid4()}"
        return await self._client.service_call(
            restate_service.review, steps.case(number), idempotency_key=key
        )

    async def answer(self, run_id, token):
        json_type = {"Content-Type": "application/json"}
        vote = json.dumps({"vote": "grant"}).encode()
        await self._client.generic_call(f"restate/awakeables/{token}", "resolve", vote, headers=json_type)

    def ended(self, run_id):
        """The call's response says it."""


class Flows(Awakeables):
    """A workflow by key; the person calls its other handler."""

    async def review(self, number):
        key = f"bench-{number}-{uuid.uuid4()}"
        return await self._client.workflow_call(restate_service.review_flow, key, steps.case(number))

    async def answer(self, run_id, token):
        await self._client.workflow_call(restate_service.approve, token, {"vote": "grant"})


class Ingress:
    """Restate's ingress by aiohttp, in the place of the httpx client that `restate.create_client` makes.

    That one has 100 connections at most and goes through all of them for every request: with 150 reviews in
    flight it took 27 ms of CPU a run, more than server and service together.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, endpoint, headers, content):
        async with self._session.post(f"/{endpoint}", headers=headers, data=content) as response:
            return Answered(response.status, response.reason or "", await response.read())


@dataclass(frozen=True, slots=True)
class Answered:
    """What the SDK's client reads of a response."""

    status_code: int
    reason_phrase: str
    content: bytes

    @property
    def text(self):
        return self.content.decode()


async def main() -> None:
    """PEERS_CLIENT chooses between the client as the SDK makes it and the leaner transport."""
    chosen = {"review": Awakeables, "flow": Flows}[os.environ.get("PEERS_WORKFLOW", "review")]
    url = os.environ["PEERS_INGRESS"]
    if os.environ.get("PEERS_CLIENT") == "httpx":
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(base_url=url, http2=True, limits=limits, timeout=None) as http:
            await serve(chosen(Client(http)))
        return
    connections = aiohttp.TCPConnector(limit=0)
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, connector=connections, timeout=forever) as session:
        await serve(chosen(Client(Ingress(session))))


asyncio.run(main())
