"""What operators do, said on the log: who, what, why (J6). For whoever acts: the API and the command line.

Writes: penstock.operator.actions. Guarantees: the same action recorded twice under one id counts once; what one
thread records for one tenant stands in that order.
"""

import uuid
from collections.abc import Mapping

from penstock.producers.clock import Clock, SystemClock
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.schemas.canonical import canonical_json, payload_of
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import tenant_id
from penstock.schemas.operator.records import OperatorActed
from penstock.schemas.topics import OPERATOR_ACTIONS


class OperatorLog:
    """Records what operators of one tenant do. Every call raises what `Publisher.publish` does.

    The publisher's signer must be of the API or of the operator: nobody believes another's.
    """

    def __init__(self, publisher: Publisher, tenant: str, clock: Clock | None = None) -> None:
        self._publisher = publisher
        self._tenant = tenant
        self._clock = clock or SystemClock()

    def record(
        self,
        actor: Actor,
        action: str,
        target: str,
        reason: str,
        detail: Mapping[str, object],
        *,
        action_id: str | None = None,
    ) -> Receipt:
        """Say that `actor` did `action` (thing.verb, as in key.create) to `target`, and why.

        `detail` is what else there is to know, as JSON values; no secret, for it stays for good. `action_id` is a
        UUID of the caller's: the same id again is the same action, not a second one. Raises NotCanonical or
        PayloadTooLarge before anything is sent. Wait for the receipt before you act.
        """
        entity_id = tenant_id(self._tenant)
        body = OperatorActed(
            action=action, target=target, reason=reason, detail=payload_of(canonical_json(dict(detail)))
        )
        meta = InputMeta(
            id=action_id or str(uuid.uuid4()),
            type=OperatorActed.__name__,
            tenant=self._tenant,
            entity_id=entity_id,
            time_ms=self._clock.now_ms(),
            actor=actor,
        )
        return self._publisher.publish(meta, body, OPERATOR_ACTIONS)
