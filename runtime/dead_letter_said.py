"""What operators said of a dead letter up to this moment, however far behind the views are."""

import json
from typing import Final

from penstock.producers.signing import Authority
from penstock.runtime import postgres_dead_letters as rows
from penstock.runtime.dead_letter_actions import Said
from penstock.runtime.postgres_dead_letters import Reading
from penstock.runtime.put_backs import Means
from penstock.schemas.codec import Undecodable
from penstock.schemas.ids import partition_of, tenant_id
from penstock.schemas.topics import OPERATOR_ACTIONS

DOORS: Final = (Authority.API, Authority.OPERATOR)


def said(connection: Reading, means: Means, tenant: str, ident: str) -> list[Said]:
    """What was said of a dead letter, in order: as the views know, and what the log has beyond them."""
    log, codec = means.log, means.codec
    partition = partition_of(tenant_id(tenant).encode(), log.partitions(OPERATOR_ACTIONS))
    first, end = log.bounds(OPERATOR_ACTIONS, partition)
    at = max(first, rows.position(connection, OPERATOR_ACTIONS, partition))
    shown = rows.done(connection, tenant, ident)
    found = {row["action_id"]: Said(row["action_id"], row["action"], row["detail"]) for row in shown}
    for record in log.read(OPERATOR_ACTIONS, partition, at, end):
        try:
            meta, body = codec.decode_fact(record.value or b"")
        except Undecodable:
            continue
        if body.target == ident and meta.tenant == tenant and means.keyring.verify(record, meta) in DOORS:
            found.setdefault(meta.id, Said(meta.id, body.action, json.loads(body.detail.content or b"{}")))
    return list(found.values())
