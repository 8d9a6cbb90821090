"""Where the API works on dead letters: threads of its own, so that a slow log holds up nobody else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.problems import Problem, not_found, unavailable
from penstock.api.views import database_away
from penstock.producers.errors import LogError
from penstock.producers.signing import Keyring
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.mends import BadMend
from penstock.runtime.put_backs import Means, Refused
from penstock.runtime.redriving import Redriver
from penstock.schemas.codec import codec_for
from penstock.schemas.ids import is_uuid

T = TypeVar("T")

THREADS: Final = 4
WAIT_S: Final = 20.0


class Desk:
    """Built once by create_app. Raises problems."""

    def __init__(self, door: Door) -> None:
        self.means = Means(
            door.settings,
            door.log,
            door.inbox.publisher,
            Keyring.load(door.settings.keys_file),
            codec_for(door.settings.schema_registry_url),
            door.inbox.acknowledged_s,
        )
        self._threads = ThreadPoolExecutor(THREADS, "dead-letters")

    async def at(self, caller: Caller, dead_letter_id: str, work: Callable[[Redriver], T]) -> T:
        """Have something done with one dead letter in the caller's name."""
        if not is_uuid(dead_letter_id):
            raise not_found("dead letter")

        def within() -> T:
            with Redriver(self.means, caller.tenant, caller.actor) as redriver:
                return work(redriver)

        try:
            return await self.run(within)
        except Refused as refused:
            raise _problem(refused) from refused
        except BadMend as error:
            detail = f"Correct the replacement: {error}."
            raise Problem(422, "invalid-request", "Invalid request", detail) from error
        except DatabaseAway as error:
            raise database_away(error) from error
        except (LogError, TimeoutError) as error:
            raise unavailable(
                "log-away",
                "Log away",
                "The log didn't answer in time, so the outcome is unknown. Send the same again with the same "
                "Idempotency-Key: it finds out, and finishes what was begun.",
                retry_after_s=5,
            ) from error

    async def run(self, work: Callable[[], T]) -> T:
        """In a thread of these. Raises TimeoutError after a while; the work then goes on unseen."""
        async with asyncio.timeout(WAIT_S):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _problem(refused: Refused) -> Problem:
    if refused.kind == "not-found":
        return not_found("dead letter")
    status = 413 if refused.kind == "too-large" else 409
    return Problem(status, f"dead-letter:{refused.kind}", "Not done", str(refused))
