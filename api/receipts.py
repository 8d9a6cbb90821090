"""Receipts: where on the log a run's start stands. Who shows one reads the run also at a process that didn't take the
start, before the views know of it (L13).

Reads: penstock.run.inbox, one record for a receipt that is new to this process.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from pydantic import Field

from penstock.api.accepted import AcceptedRun, AcceptedRuns
from penstock.api.authentication import Authentication
from penstock.api.callers import Caller
from penstock.api.problems import Problem, unavailable
from penstock.api.views import Views
from penstock.producers.errors import LogError
from penstock.producers.log import Log, Record
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import Codec, Undecodable
from penstock.schemas.ids import is_uuid, partition_of
from penstock.schemas.run.records import StartRun
from penstock.schemas.topics import RUN_INBOX

ANSWER_S: Final = 5.0
_READERS: Final = 2
_STARTERS: Final = frozenset({Authority.API, Authority.APP})

ReceiptOf = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{1,6}\.[0-9]{1,18}$",
        description="Of the run's start, as its answer and its links have it: makes the run known before the views "
        "show it, whichever process is asked.",
    ),
]
Receipt = Annotated[
    str | None,
    Field(
        description="Where the log has its start: with `?receipt=` any process knows the run at once, before the views "
        "show it. Null if they do."
    ),
]


def query_of(receipt: str | None) -> str:
    """What a path ends with that shows it."""
    return f"?receipt={receipt}" if receipt else ""


def receipt_of(record: Record) -> str:
    """The receipt of a start that stands there: `<partition>.<offset>` of penstock.run.inbox."""
    return f"{record.partition}.{record.offset}"


class Receipts:
    """Has runs known to this process by their receipts. For one event loop."""

    def __init__(
        self,
        log: Log,
        codec: Codec,
        keyring: Keyring,
        keys: Authentication,
        views: Views,
        accepted: AcceptedRuns,
        answer_s: float = ANSWER_S,
    ) -> None:
        """`answer_s` bounds the wait for the log."""
        self._log = log
        self._codec = codec
        self._keyring = keyring
        self._views = views
        self._accepted = accepted
        self._answer_s = answer_s
        # Their own: a log that is away holds these threads, and nobody else's.
        self._readers = ThreadPoolExecutor(_READERS, "receipts")

        async def of_run(
            run_id: str, caller: Annotated[Caller, Depends(keys)], receipt: ReceiptOf = None
        ) -> None:
            await self._show(caller, run_id, receipt)

        async def of_review(
            task_id: str, caller: Annotated[Caller, Depends(keys)], receipt: ReceiptOf = None
        ) -> None:
            await self._show(caller, task_id, receipt)

        # For routes below /{run_id} and /{task_id}.
        self.of_run: Any = Depends(of_run)
        self.of_review: Any = Depends(of_review)

    def close(self) -> None:
        """Look up no more."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def _show(self, caller: Caller, run_id: str, receipt: str | None) -> None:
        """Raises a 503 problem if the log doesn't say what stands there."""
        if receipt is None or not is_uuid(run_id) or self._accepted.get(run_id, caller.tenant) is not None:
            return
        if await self._views.run(caller.tenant, run_id) is not None:
            return
        partition, _, offset = receipt.partition(".")
        asked = self._readers.submit(self._read, run_id, int(partition), int(offset))
        try:
            async with asyncio.timeout(self._answer_s):
                record = await asyncio.wrap_future(asked)
        except (TimeoutError, LogError) as error:
            raise _away() from error
        start = None if record is None else self._start(record, run_id, caller.tenant)
        if start is not None:
            self._accepted.note(run_id, AcceptedRun(caller.tenant, start.body_sha256, receipt))

    def _read(self, run_id: str, partition: int, offset: int) -> Record | None:
        if partition != partition_of(run_id.encode(), self._log.partitions(RUN_INBOX)):
            return None
        return next(iter(self._log.read(RUN_INBOX, partition, offset, offset + 1)), None)

    def _start(self, record: Record, run_id: str, tenant: str) -> StartRun | None:
        """What the record says, if it starts that run of that tenant's and its runner will take it."""
        with suppress(Undecodable):
            meta, body = self._codec.decode_input(record.value or b"")
            signed = self._keyring.verify(record, meta) in _STARTERS
            if signed and (meta.tenant, meta.entity_id) == (tenant, run_id) and isinstance(body, StartRun):
                return body
        return None


def _away() -> Problem:
    detail = (
        "The views don't show this run yet, and the log, which knows it, didn't answer in time: ask again."
    )
    return unavailable("log-away", "Log away", detail, retry_after_s=5)
