"""The load on DBOS, through its own client: enqueue, send, and look for ends when a review says it ends."""

# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
# DBOS isn't among Penstock's packages, so there is nothing to check this against.
import asyncio
import os
import uuid

import steps
from dbos import DBOSClient
from loading import serve

OPEN = ("ENQUEUED", "PENDING", "DELAYED")
LOOK_S = 0.002


class Dbos:
    """Ends are seen by one query for all reviews that said they were about to end."""

    def __init__(self) -> None:
        self._client = DBOSClient(
            system_database_url=os.environ["PEERS_DATABASE_URL"], system_database_pool_size=8
        )
        self._workflow = os.environ.get("PEERS_WORKFLOW", "review")
        self._waiting: dict[str, asyncio.Future] = {}
        self._ending: set[str] = set()
        self._looking: asyncio.Task | None = None

    async def review(self, number):
        run_id = f"bench-{number}-{uuid.uuid4()}"
        ended = self._waiting[run_id] = asyncio.get_running_loop().create_future()
        options = {"workflow_name": self._workflow, "queue_name": "reviews", "workflow_id": run_id}
        await self._client.enqueue_async({**options, "app_version": "1"}, steps.case(number))
        await ended
        del self._waiting[run_id]
        # The result is with the status already: reading it is no more waiting.
        return await (await self._client.retrieve_workflow_async(run_id)).get_result()

    async def answer(self, run_id, token):
        await self._client.send_async(token, {"vote": "grant"}, topic="approval")

    def ended(self, run_id):
        self._ending.add(run_id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self):
        while self._ending:
            found = await self._client.list_workflows_async(
                workflow_ids=list(self._ending), load_input=False, load_output=False
            )
            for one in found:
                if one.status not in OPEN:
                    self._ending.discard(one.workflow_id)
                    waiting = self._waiting.get(one.workflow_id)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(None)
            await asyncio.sleep(LOOK_S)


asyncio.run(serve(Dbos()))
