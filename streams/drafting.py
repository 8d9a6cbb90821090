"""Decide: from an input to the events it causes, with parking and release, which every decider shares (law L5)."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Generic, TypeVar

from penstock.producers.log import Record
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import Codec, EventBody, Undecodable
from penstock.schemas.envelope.records import Failure
from penstock.schemas.log.records import (
    DiscardInput,
    InputDiscarded,
    InputParked,
    InputRefused,
    InputReleased,
    ReleaseInput,
)
from penstock.streams.arrival import Arrival
from penstock.streams.decider import (
    Decided,
    Decider,
    FoldingDecider,
    Happened,
    Input,
    decide_and_fold,
)
from penstock.streams.describing import described
from penstock.streams.entity import Entity

log = logging.getLogger("penstock.streams.runner")
S = TypeVar("S")
Deciding = Callable[[S, Input, int, int], Decided[S]]

ATTEMPTS: Final = 3
MESSAGE_CHARACTERS_MAX: Final = 4_000
# Of a queue of parked inputs, so much is released at once; the oldest of what is left is released next.
RELEASED_BYTES_MAX: Final = 8 * 1024 * 1024
BYPASSES_PARKING: Final = "Cancel"
MAY_RELEASE: Final = frozenset({Authority.API, Authority.OPERATOR})


class Unappliable(Exception):
    """Deciding an input raised three times: the input is parked until somebody releases or discards it."""


class Draft(Generic[S]):
    """What one input has caused so far, folded as it goes."""

    def __init__(self, decider: Decider[S], entity: Entity[S], time_ms: int) -> None:
        self._decider = decider
        self._seq = entity.seq
        self.state = entity.state
        self.time_ms = max(entity.time_ms, time_ms)
        self.bodies: list[EventBody] = []

    def add(self, body: EventBody) -> None:
        """One more event."""
        self._seq += 1
        self.state = self._decider.evolve(self.state, Happened(body, self._seq, self.time_ms))
        self.bodies.append(body)

    def decide(self, given: Input, deciding: "Deciding[S]") -> None:
        """What follows from an input, after what is here already."""
        decided = deciding(self.state, given, self._seq, self.time_ms)
        if not decided.events:
            raise RuntimeError(f"the decider answered {given.meta.type} with no event")
        self._seq += len(decided.events)
        self.state = decided.state
        self.bodies += decided.events


class Drafter(Generic[S]):
    """Turns arrivals into drafts. Never raises for an input: what can't be decided is parked."""

    def __init__(self, decider: Decider[S], codec: Codec, keyring: Keyring) -> None:
        self._decider = decider
        self._deciding: Deciding[S] = (
            decider.decide_folded
            if isinstance(decider, FoldingDecider)
            else partial(decide_and_fold, decider)
        )
        self._codec = codec
        self._keyring = keyring

    def draft(
        self, entity: Entity[S], arrival: Arrival, released_bytes_max: int = RELEASED_BYTES_MAX
    ) -> Draft[S]:
        """The events that follow from the arrival. Raises Unappliable when deciding fails."""
        given = arrival.given
        if isinstance(given.body, ReleaseInput | DiscardInput):
            try:
                return self._attempt(
                    entity, given, partial(self._unpark, entity, arrival, released_bytes_max)
                )
            except Unappliable as error:
                return self.refused(entity, arrival, "still_unappliable", str(error))
        if (entity.parked or entity.broken) and given.authority is Authority.NONE:
            # Nobody vouches for it, so it isn't kept: strangers would fill the queue that a release works off.
            return self.refused(entity, arrival, "unsigned", "the signature is missing or wrong")
        if entity.parked and not given.meta.type.startswith(BYPASSES_PARKING):
            return self.parked(entity, arrival, "parked_behind", "an earlier input of this entity is parked")
        if entity.broken:
            raise Unappliable(entity.broken)
        return self._attempt(entity, given, lambda draft: draft.decide(given, self._deciding))

    def parked(self, entity: Entity[S], arrival: Arrival, kind: str, message: str) -> Draft[S]:
        """The draft that parks the arrival."""
        draft = Draft(self._decider, entity, arrival.given.time_ms)
        signature = arrival.record.header("penstock_signature") or b""
        body = InputParked(
            input_id=arrival.given.meta.id,
            input_type=arrival.given.meta.type,
            input_value=arrival.record.value or b"",
            input_signature=signature.decode("ascii", "replace"),
            error=Failure(kind=kind, message=message[:MESSAGE_CHARACTERS_MAX], retryable=True),
        )
        return self._with(draft, entity, body)

    def refused(self, entity: Entity[S], arrival: Arrival, reason: str, detail: str) -> Draft[S]:
        """The draft that refuses the arrival."""
        draft = Draft(self._decider, entity, arrival.given.time_ms)
        body = InputRefused(input_type=arrival.given.meta.type, reason=reason, detail=detail)
        return self._with(draft, entity, body)

    @staticmethod
    def _with(draft: Draft[S], entity: Entity[S], body: EventBody) -> Draft[S]:
        if entity.broken:
            draft.bodies.append(body)
        else:
            draft.add(body)
        return draft

    def _attempt(self, entity: Entity[S], given: Input, step: Callable[[Draft[S]], None]) -> Draft[S]:
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            draft = Draft(self._decider, entity, given.time_ms)
            try:
                step(draft)
            except Exception as error:  # noqa: BLE001 any error of a decider parks its input, and only that
                failure = error
                continue
            return draft
        log.exception("%s %s can't be decided", given.meta.type, given.meta.id, exc_info=failure)
        assert failure is not None
        raise Unappliable(described(failure, MESSAGE_CHARACTERS_MAX)) from failure

    def _unpark(self, entity: Entity[S], arrival: Arrival, released_bytes_max: int, draft: Draft[S]) -> None:
        given, body = arrival.given, arrival.given.body
        assert isinstance(body, ReleaseInput | DiscardInput)

        def refuse(reason: str, detail: str) -> None:
            draft.add(InputRefused(input_type=given.meta.type, reason=reason, detail=detail))

        if given.authority not in MAY_RELEASE or "operator" not in given.meta.actor.roles:
            return refuse("not_authorized", "only an operator releases or discards parked inputs")
        if body.parked_input_id not in entity.parked:
            return refuse("not_parked", f"no input {body.parked_input_id} is parked here")
        if isinstance(body, DiscardInput):
            return draft.add(InputDiscarded(parked_input_id=body.parked_input_id, reason=body.reason))
        if body.parked_input_id != next(iter(entity.parked)):
            return refuse("not_the_oldest", f"release {next(iter(entity.parked))} first")
        replacement = None
        if body.replacement is not None:
            try:
                replacement = self._revived(body.replacement, body.replacement_signature, arrival)
            except Undecodable as error:
                return refuse("invalid_replacement", str(error))
            if problem := _unfit(entity, given, replacement):
                return refuse("invalid_replacement", problem)
        released_bytes = 0
        for parked in list(entity.parked.values()):
            released_bytes += len(parked.input_value)
            if draft.bodies and released_bytes > released_bytes_max:
                break
            released = InputReleased(parked_input_id=parked.input_id, reason=body.reason)
            if replacement is not None:
                released = replace(released, replacement_id=replacement.meta.id, replacement=body.replacement)
            draft.add(released)
            again = replacement or self._revived(parked.input_value, parked.input_signature, arrival)
            draft.decide(again, self._deciding)
            replacement = None
        return None

    def _revived(self, value: bytes, signature: str, arrival: Arrival) -> Input:
        """The input of these bytes, as signed as it was, at the time of the release."""
        meta, body = self._codec.decode_input(value)
        at = arrival.record
        headers = (("penstock_signature", signature.encode()),)
        record = Record(at.topic, at.partition, at.offset, at.time_ms, at.key, value, headers)
        return Input(meta, body, self._keyring.verify(record, meta), at.time_ms)


def _unfit(entity: Entity[S], given: Input, replacement: Input) -> str | None:
    """Why this can't stand in a parked input's place. What it may do is its own signature's and actor's matter."""
    meta = replacement.meta
    if (meta.entity_id, meta.tenant) != (entity.entity_id, given.meta.tenant):
        return "it belongs to another entity or tenant"
    if replacement.authority is Authority.NONE:
        return "its signature is missing or wrong"
    if isinstance(replacement.body, ReleaseInput | DiscardInput):
        return "a release or a discard is no replacement"
    if meta.id in entity.causes:
        return f"input {meta.id} has been decided, or parked, before"
    return None
