"""What a tool is told about the call it serves, and what a reconciler answers about one in doubt."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from penstock.declare.errors import DeclarationError


class Deferred(BaseException):
    """How `Call.defer` leaves a tool. No Exception, so that a tool which catches those lets it through."""


@dataclass(frozen=True, slots=True)
class Callback:
    """How an outside system answers a call: whoever has the token may answer this one call, and nothing else.

    POST `{"result": ...}` or `{"error": {"kind", "message", "retryable"}}` to `url`, which is None unless
    PENSTOCK_API_PUBLIC_URL says where the API is: then it is `/v1/callbacks/<token>` there. Keep both secret.
    """

    token: str = field(repr=False)
    url: str | None = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation of a tool. Send `idempotency_key` to the target: it is the same for every attempt."""

    call_id: str
    attempt: int
    run_id: str
    tenant: str
    requester: str
    handed: Callback | None = None

    @property
    def idempotency_key(self) -> str:
        """The key by which the target knows a repetition; it equals `call_id`."""
        return self.call_id

    @property
    def callback(self) -> Callback:
        """For a tool declared with `deferred`: hand it to who will answer. Raises DeclarationError in others."""
        if self.handed is None:
            raise DeclarationError(
                "Declare the tool with @tool(..., deferred=timedelta(...)) to answer it later."
            )
        return self.handed

    def defer(self) -> NoReturn:
        """Leave the tool without an answer: `callback` has been handed over, and the answer comes by it.

        Raises DeclarationError in a tool that isn't declared with `deferred`.
        """
        raise Deferred(self.callback.expires_at)


@dataclass(frozen=True, slots=True)
class Happened:
    """A reconciler's answer: the effect happened; `result` is what the tool would have returned, if known."""

    result: object = None


@dataclass(frozen=True, slots=True)
class NeverWill:
    """A reconciler's answer: it didn't happen, and the target will refuse this call's key from now on.

    `basis` says why the target will: `key_voided` there, or `deadline_passed` that the request carried.
    """

    basis: str = "key_voided"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A reconciler's answer: it can't tell; a person will be asked."""


Reconciled = Happened | NeverWill | Unknown
