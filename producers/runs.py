"""What may be said to a run, as calls: start, cancel, pause, continue, migrate, signal, vote, delegate, escalate,
settle, release, discard.

Writes: penstock.run.inbox. Guarantees: starting twice with one idempotency key is one run, and the same input
published twice has the same id; nothing is sent that is too large to be taken.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import PydanticSerializationError, to_jsonable_python

from penstock.producers.clock import Clock, SystemClock
from penstock.producers.log import Record
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.producers.retries import Retry
from penstock.schemas import ids
from penstock.schemas.attributes import Attribute, encode_attributes
from penstock.schemas.canonical import NotCanonical, canonical_json, payload_of, sha256_hex
from penstock.schemas.codec import InputBody
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.log.records import DiscardInput, ReleaseInput
from penstock.schemas.run.records import (
    CancelRun,
    CastVote,
    ContinueRun,
    DelegateApproval,
    EscalateApproval,
    MigrateRun,
    PauseRun,
    SettleBasis,
    SettleToolCall,
    SignalRun,
    StartRun,
    VoteDecision,
)


@dataclass(frozen=True, slots=True)
class StartReceipt:
    """A run that was asked for. Its id is known before the log has answered."""

    run_id: str
    receipt: Receipt

    def wait(self, timeout_s: float | None = None) -> Record:
        """Block until the log has the request; raises as `Receipt.wait`. The run itself starts after that."""
        return self.receipt.wait(timeout_s)


class RunClient:
    """Speaks to the runs of one tenant, as one actor. Every call raises what `Publisher.publish` does.

    `input_id`, where there is one, is a UUID of the caller's: the same id again is the same input, not a
    second one. Without it each call is an input of its own.
    """

    def __init__(self, publisher: Publisher, tenant: str, actor: Actor, clock: Clock | None = None) -> None:
        self._publisher = publisher
        self._tenant = tenant
        self._actor = actor
        self._clock = clock or SystemClock()

    def start(
        self,
        workflow: str,
        input: object,
        idempotency_key: str,
        version: int | None = None,
        priority: int | None = None,
        search_attributes: Mapping[str, Attribute] | None = None,
        retry: Retry | None = None,
    ) -> StartReceipt:
        """Start a workflow, once for each idempotency key of the tenant.

        `input` is a pydantic model, a dataclass or a JSON value; it travels as canonical JSON. `version` None
        is the newest registered; `priority` None is the workflow's own (-100 to 100, higher goes first).
        `search_attributes` are what the run is looked for by: at most 16 strings, numbers and booleans by name. The
        same key with another workflow, version, input or search attributes is a conflict, which the run refuses by an
        event. With `retry` it is that run done again, and the key tells apart the retries of that run. Raises
        NotCanonical, PayloadTooLarge or InvalidAttributes before anything is sent.
        """
        content = canonical_json(as_json(input))
        run_id = retry.run_id(idempotency_key) if retry else ids.run_id(self._tenant, idempotency_key)
        attributes = encode_attributes(search_attributes)
        body_sha256 = start_sha256(workflow, version, content, attributes)
        body = StartRun(
            workflow=workflow,
            workflow_version=version,
            input=payload_of(content),
            body_sha256=body_sha256,
            priority=priority,
            search_attributes=attributes,
            retry_of=retry.of if retry else None,
            requesters_before=retry.requesters if retry else (),
        )
        input_id = ids.derived_id(run_id, f"start:{body_sha256}")
        return StartReceipt(run_id, self.say(run_id, body, input_id))

    def cancel(self, run_id: str, reason: str, *, input_id: str | None = None) -> Receipt:
        """End a run early; it is cancelled when every outstanding call of it is settled."""
        return self.say(run_id, CancelRun(reason=reason), input_id)

    def pause(self, run_id: str, reason: str, *, input_id: str | None = None) -> Receipt:
        """Have a run wait: it takes inputs, what is under way ends, and nothing new is asked for. People only."""
        return self.say(run_id, PauseRun(reason=reason), input_id)

    def go_on(self, run_id: str, reason: str = "", *, input_id: str | None = None) -> Receipt:
        """Continue a paused run. People only."""
        return self.say(run_id, ContinueRun(reason=reason), input_id)

    def migrate(
        self,
        run_id: str,
        to_version: int,
        reason: str = "",
        *,
        trial: bool = False,
        input_id: str | None = None,
    ) -> Receipt:
        """Have a run go on under another version of its workflow, if its history fits that; a trial only asks. For
        operators."""
        return self.say(run_id, MigrateRun(to_version=to_version, reason=reason, trial=trial), input_id)

    def signal(
        self, run_id: str, name: str, payload: object, signal_id: str, *, input_id: str | None = None
    ) -> Receipt:
        """Tell a run what its workflow waits for, now or later, by `run.signal(name, ...)`.

        `payload` is as the input of `start`. The same `signal_id` again is one signal; whether the workflow
        takes such a signal is said by an event. Raises NotCanonical or PayloadTooLarge.
        """
        content = payload_of(canonical_json(as_json(payload)))
        return self.say(run_id, SignalRun(name=name, signal_id=signal_id, payload=content), input_id)

    def vote(
        self,
        run_id: str,
        approval_id: str,
        decision: VoteDecision,
        args_sha256: str,
        reason: str = "",
        *,
        input_id: str | None = None,
    ) -> Receipt:
        """Vote on an approval as this client's actor. `args_sha256` is of the arguments the voter saw."""
        body = CastVote(approval_id=approval_id, decision=decision, args_sha256=args_sha256, reason=reason)
        return self.say(run_id, body, input_id)

    def delegate(
        self, run_id: str, approval_id: str, delegate: str, reason: str = "", *, input_id: str | None = None
    ) -> Receipt:
        """Hand a question on, as who may vote on it: `delegate` (a subject of the tenant) may vote from then on."""
        return self.say(
            run_id, DelegateApproval(approval_id=approval_id, delegate=delegate, reason=reason), input_id
        )

    def escalate(
        self, run_id: str, approval_id: str, reason: str = "", *, input_id: str | None = None
    ) -> Receipt:
        """Have a question go to the role that its workflow named, before its time."""
        return self.say(run_id, EscalateApproval(approval_id=approval_id, reason=reason), input_id)

    def settle(
        self,
        run_id: str,
        call_id: str,
        attempt: int,
        *,
        happened: bool,
        result: bytes | None = None,
        basis: SettleBasis = "person",
        evidence: str = "",
        input_id: str | None = None,
    ) -> Receipt:
        """Answer whether the effect of a call in doubt happened.

        `attempt` counts from 1. `result` is what the call returned, as canonical JSON bytes, if that is
        known; `evidence` says what was looked at.
        """
        body = SettleToolCall(
            call_id=call_id,
            attempt=attempt,
            happened=happened,
            result=None if result is None else payload_of(result),
            basis=basis,
            evidence=evidence,
        )
        return self.say(run_id, body, input_id)

    def release(
        self,
        run_id: str,
        parked_input_id: str,
        reason: str = "",
        *,
        replacement: tuple[bytes, str] | None = None,
        input_id: str | None = None,
    ) -> Receipt:
        """Have a parked input decided again, and then those parked behind it, in order. `replacement`: another
        input's encoded value and its own signature, to be decided in the first one's place."""
        value, signature = replacement or (None, "")
        body = ReleaseInput(
            parked_input_id=parked_input_id,
            reason=reason,
            replacement=value,
            replacement_signature=signature,
        )
        return self.say(run_id, body, input_id)

    def discard(
        self, run_id: str, parked_input_id: str, reason: str, *, input_id: str | None = None
    ) -> Receipt:
        """Give a parked input up."""
        return self.say(run_id, DiscardInput(parked_input_id=parked_input_id, reason=reason), input_id)

    def say(self, run_id: str, body: InputBody, input_id: str | None = None) -> Receipt:
        """Say an input, also one that has no call of its own here. Whether this client's key may, the run judges."""
        meta = InputMeta(
            id=input_id or str(uuid.uuid4()),
            type=type(body).__name__,
            tenant=self._tenant,
            entity_id=run_id,
            time_ms=self._clock.now_ms(),
            actor=self._actor,
        )
        return self._publisher.publish(meta, body)


def start_sha256(workflow: str, version: int | None, content: bytes, attributes: str | None = None) -> str:
    """Hash of what a start asks for, by which a repetition is told from a conflict.

    `content` is the input as canonical JSON, `attributes` the search attributes as encode_attributes gives them: they
    are part of it where there are any. The priority isn't.
    """
    # The canonical form of all in one object, without making that of the input twice.
    searched = b"" if attributes is None else b'"search_attributes":%b,' % attributes.encode()
    named = (canonical_json(version), canonical_json(workflow))
    return sha256_hex(b'{"input":%b,%b"version":%b,"workflow":%b}' % (content, searched, *named))


def as_json(value: object) -> object:
    """A pydantic model, a dataclass or a JSON value as a JSON value. Raises NotCanonical."""
    try:
        return to_jsonable_python(value)
    except (PydanticSerializationError, ValueError) as error:
        raise NotCanonical(f"no JSON form for this {type(value).__name__}: {error}") from error
