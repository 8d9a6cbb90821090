"""What a tool is told about the call it serves, and what a reconciler answers about one in doubt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation of a tool. Send `idempotency_key` to the target: it is the same for every attempt."""

    call_id: str
    attempt: int
    run_id: str
    tenant: str
    requester: str

    @property
    def idempotency_key(self) -> str:
        """The key by which the target knows a repetition; it equals `call_id`."""
        return self.call_id


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
