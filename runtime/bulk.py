"""Many dead letters at once: what would be done, and each of them done, with what came of it."""

from dataclasses import asdict
from typing import Any, Final, Literal, TypeAlias

from penstock.runtime import postgres_dead_letters as rows
from penstock.runtime.dead_letter_documents import line
from penstock.runtime.postgres_dead_letters import Filter
from penstock.runtime.put_backs import Refused
from penstock.runtime.redriving import Redriver

Verb: TypeAlias = Literal["redrive", "discard"]

SAMPLE: Final = 10


def dry_run(redriver: Redriver, verb: Verb, which: Filter, limit: int) -> dict[str, Any]:
    """How many match, of what kinds, and some of them. Changes nothing."""
    with rows.answered():
        counts = rows.counts(redriver.connection, redriver.tenant, which)
        sample = rows.listed(redriver.connection, redriver.tenant, which, SAMPLE)
    matching = len(redriver.ids(which, limit + 1))
    return {
        "dry_run": True,
        "would": verb,
        "count": min(matching, limit),
        "more_than_limit": matching > limit,
        "counts": counts,
        "sample": [line(row) for row in sample],
    }


def one_of_many(redriver: Redriver, verb: Verb, ident: str, reason: str) -> dict[str, Any]:
    """Do one of them; what came of it, also if it was refused. Raises LogError, DatabaseAway."""
    try:
        done = redriver.redrive(ident, reason) if verb == "redrive" else redriver.discard(ident, reason)
    except Refused as refused:
        return {"id": ident, "outcome": "refused", "kind": refused.kind, "detail": str(refused)}
    place = {name: value for name, value in asdict(done).items() if name in ("topic", "partition", "offset")}
    return {"id": ident, "outcome": done.state, "action_id": done.action_id, **(place if done.topic else {})}
