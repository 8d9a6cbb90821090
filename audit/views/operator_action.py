"""The view of what operators did: one row an action, if a door vouches for it; anything else is a dead letter."""

from typing import Final, NamedTuple

from penstock.audit.views.columns import text
from penstock.audit.views.readable import actor_json, content_json
from penstock.producers.log import Record
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import Codec
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import PARTITIONS

# Whose word counts here: the doors that ask operators who they are.
DOORS: Final = (Authority.API, Authority.OPERATOR)


class NotVouchedFor(ValueError):
    """No door's key signed it: whatever it says, no operator said it."""


class Misplaced(ValueError):
    """It doesn't stand where its key belongs: a copy, or a stranger's."""


class OperatorActionRow(NamedTuple):
    """A row of views.operator_action. `detail` and `actor` are JSON text; place and time are the log's."""

    action_id: str
    tenant: str
    action: str
    target: str
    reason: str
    detail: str
    subject: str
    actor: str
    said_by: str
    time_ms: int
    partition: int
    offset: int


def project(record: Record, codec: Codec, keyring: Keyring) -> OperatorActionRow:
    """The row of an action. Raises Undecodable, Misplaced, NotVouchedFor."""
    meta, body = codec.decode_fact(record.value or b"")
    # One place an action: a signed record that is copied elsewhere mustn't come to stand before its original.
    own = meta.entity_id.encode()
    if record.key != own or partition_of(own, PARTITIONS) != record.partition:
        raise Misplaced(
            f"the action of tenant {meta.tenant} stands under another key, or on another partition"
        )
    authority = keyring.verify(record, meta)
    if authority not in DOORS:
        raise NotVouchedFor(f"signed by {authority.value}, not by the API or for the command line")
    return OperatorActionRow(
        action_id=meta.id,
        tenant=text(meta.tenant),
        action=text(body.action),
        target=text(body.target),
        reason=text(body.reason),
        detail=content_json(body.detail) or "null",
        subject=text(meta.actor.subject),
        actor=actor_json(meta.actor),
        said_by=authority.value,
        time_ms=record.time_ms,
        partition=record.partition,
        offset=record.offset,
    )
