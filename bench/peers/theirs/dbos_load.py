"""The load on DBOS, through its own client: enqueue, send, and look for ends when a review says it ends."""

# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
# DBOS isn't among Penstock's packages, so there is nothing to check this against.
import asyncio
import json
import os
import uuid

import sqlalchemy
import steps
from dbos import DBOSClient
from loading import serve

OPEN = ("ENQUEUED", "PENDING", "DELAYED")
LOOK_S = 0.002


def engine():
    """As the client makes its own, but for more connections; asking each before its use is left to a setting."""
    url = os.environ["PEERS_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    settings = json.loads(os.environ.get("PEERS_SETTINGS", "{}")).get("config", {})
    asked = settings.get("db_engine_kwargs", {}).get("pool_pre_ping", True)
    return sqlalchemy.create_engine(url, pool_size=8, max_overflow=0, pool_pre_ping=asked)


class Dbos:
    """Ends are seen by one query for all reviews that said they were about to end."""

    def __init__(self) -> None:
        self._client = DBOSClient(system_database_engine=engine())
        self._workflow = os.environ.get("PEERS_WORKFLOW", "review")
        self._waiting: dict[str, asyncio.Future] = {}
        self._ending: set[str] = set()
        self._looking: asyncio.Task | None = None

    async def review(self, number):
        run_id = f"bench-{number}-{uuid.uuid4()}"
        ended = self._waiting[run_id] = asyncio.get_running_loop().create_future()
        options = {"workflow_name": self._workflow, "queue_name": "reviews", "workflow_id": run_id}
        await self._client.enqueue_async({**options, "app_version": "1"}, steps.case(number))
        status = await ended
        del self._waiting[run_id]
        if status.status != "SUCCESS":
            raise ValueError(f"{run_id} ended as {status.status}: {status.error}")
        return status.output

    async def answer(self, run_id, token):
        await self._client.send_async(token, {"vote": "grant"}, topic="approval")

    def ended(self, run_id):
        self._ending.add(run_id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self):
        while self._ending:
            found = await self._client.list_workflows_async(workflow_ids=list(self._ending), load_input=False)
            for one in found:
                if one.status not in OPEN:
                    self._ending.discard(one.workflow_id)
                    waiting = self._waiting.get(one.workflow_id)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(one)
            await asyncio.sleep(LOOK_S)


asyncio.run(serve(Dbos()))
