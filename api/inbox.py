"""Puts what callers say into the inbox, and waits a bounded time for the log.

Writes: penstock.run.inbox, penstock.schedule.inbox and penstock.operator.actions, signed as the API. Guarantees: an
answer below 400 means that the record stands on the log; a 503 says whether it may.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from penstock.api.callers import Caller
from penstock.api.problems import Problem, unavailable
from penstock.api.repeats import repeatable_id
from penstock.api.tracing import sending
from penstock.producers.errors import BufferFull, LogError, NotYetAcknowledged, RecordTooLarge
from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient, StartReceipt
from penstock.producers.schedules import ScheduleClient
from penstock.schemas.canonical import NotCanonical, PayloadTooLarge
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_INBOX, SCHEDULE_INBOX

R = TypeVar("R", Receipt, StartReceipt)

ACKNOWLEDGED_S_DEFAULT: Final = 5.0
EFFECT_S_DEFAULT: Final = 2.0


class Inbox:
    """The way in. `acknowledged_s` bounds the wait for the log, `effect_s` that for what follows."""

    def __init__(
        self,
        publisher: Publisher,
        acknowledged_s: float = ACKNOWLEDGED_S_DEFAULT,
        effect_s: float = EFFECT_S_DEFAULT,
    ) -> None:
        self._publisher = publisher
        self._acknowledged_s = acknowledged_s
        self._effect_s = effect_s

    def through(self, publisher: Publisher) -> "Inbox":
        """The same way in for who signs otherwise."""
        return Inbox(publisher, self._acknowledged_s, self._effect_s)

    @property
    def effect_s(self) -> float:
        """How long what came of an input is waited for, unless the caller says otherwise, in s."""
        return self._effect_s

    @property
    def publisher(self) -> Publisher:
        """What signs as the API."""
        return self._publisher

    @property
    def acknowledged_s(self) -> float:
        """For how long at most somebody waits for the log, in seconds."""
        return self._acknowledged_s

    async def say(self, caller: Caller, speak: Callable[[RunClient], R]) -> R:
        """Have something said in the caller's name; when this returns, the log has it.

        Raises problems: 413 if it is too large, 503 if the log doesn't answer.
        """
        client = RunClient(self._publisher, caller.tenant, caller.actor)
        return await self._acknowledged(lambda: speak(client), RUN_INBOX)

    async def tell_schedule(self, caller: Caller, speak: Callable[[ScheduleClient], Receipt]) -> Receipt:
        """The same to a schedule."""
        client = ScheduleClient(self._publisher, caller.tenant, caller.actor)
        return await self._acknowledged(lambda: speak(client), SCHEDULE_INBOX)

    async def record(self, caller: Caller, speak: Callable[[OperatorLog], Receipt]) -> Receipt:
        """Have the log know what the caller does as an operator; raises as `say`. Act when this has returned."""
        operators = OperatorLog(self._publisher, caller.tenant)
        return await self._acknowledged(lambda: speak(operators), OPERATOR_ACTIONS)

    async def _acknowledged(self, speak: Callable[[], R], topic: str) -> R:
        try:
            with sending(topic):
                async with asyncio.timeout(self._acknowledged_s):
                    # Even handing over may wait: the first time for what the topic is like.
                    said = await asyncio.to_thread(speak)
                    await (said.receipt if isinstance(said, StartReceipt) else said)
        except (PayloadTooLarge, RecordTooLarge) as error:
            raise too_large(error) from error
        except NotCanonical as error:
            raise Problem(422, "invalid-request", "Invalid request", f"Correct this: {error}.") from error
        except (TimeoutError, NotYetAcknowledged) as error:
            raise _unknown() from error
        except BufferFull as error:
            raise unavailable(
                "log-busy", "Log busy", "Nothing was taken: send it again after Retry-After seconds."
            ) from error
        except LogError as error:
            raise _unknown() from error
        return said


def input_id_of(
    entity_id: str, caller: Caller, idempotency_key: str | None, verb: str, *said: object
) -> str | None:
    """The id of an input that a caller may repeat: same key, caller and words make the same input, and other words
    under the same key are known as such (api/repeats.py)."""
    if idempotency_key is None:
        return None
    return repeatable_id(entity_id, caller.subject, idempotency_key, verb, *said)


def too_large(error: Exception) -> Problem:
    """The content of a request is over what the log takes inline."""
    return Problem(
        413, "payload-too-large", "Payload too large", f"Send it by reference, or send less: {error}."
    )


def _unknown() -> Problem:
    return unavailable(
        "log-away",
        "Log away",
        "The log didn't answer in time, so the outcome is unknown: it may have been taken. Send the "
        "same again with the same Idempotency-Key, which is safe because it counts once.",
        retry_after_s=5,
    )
