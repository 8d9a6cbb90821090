"""What processes hold of keys and tenants: the rows of penstock.limit_key.

Guarantees: a row counts while its holder's lease of the tool lasts, so it is written when it changes and never renewed.
Who reads or writes holds the lock of the tool's concurrency (share_rows.py).
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from penstock.streams.tools.allotting import Part
from penstock.streams.tools.holds import Name, Term
from penstock.streams.transactions import Session

LITERAL_CHARS_MAX: Final = 200
HASHED: Final = "sha256:"

_READ: Final = """
SELECT place, holder::text, slots, wanted, extract(epoch FROM clock_timestamp() - since)::float8
FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS asked (limit_name, tenant, key, place)
JOIN penstock.limit_key USING (limit_name, tenant, key)
"""
_WRITE: Final = """
INSERT INTO penstock.limit_key AS old (limit_name, tenant, key, slots, wanted, holder, since)
SELECT *, %s, clock_timestamp() FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::int[])
ON CONFLICT (limit_name, tenant, key, holder) DO UPDATE SET slots = excluded.slots, wanted = excluded.wanted,
    since = CASE WHEN old.slots = excluded.slots THEN old.since ELSE excluded.since END
"""
_GIVE_UP: Final = """
DELETE FROM penstock.limit_key
USING unnest(%s::text[], %s::text[], %s::text[]) AS gone (limit_name, tenant, key)
WHERE limit_key.limit_name = gone.limit_name AND limit_key.tenant = gone.tenant AND limit_key.key = gone.key
    AND holder = %s
"""
_DROP: Final = "DELETE FROM penstock.limit_key WHERE limit_name = ANY(%s) AND holder = %s"
# Rows of holders without a lease count for nothing; a holder that comes back writes its own anew.
_FORGET: Final = """
DELETE FROM penstock.limit_key WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM penstock.limit_key AS old WHERE NOT EXISTS (
        SELECT FROM penstock.limit_share AS lease WHERE lease.holder = old.holder
            AND lease.limit_name = regexp_replace(old.limit_name, '/(key|tenant)$', '/concurrency'))
    FOR UPDATE SKIP LOCKED))
"""


class HoldRows:
    """The table as one process sees it."""

    def __init__(self, holder: str) -> None:
        self._holder = holder

    def read(self, session: Session, lane: str, names: Sequence[Name]) -> list[list[Part]]:
        """Who has rows of each of these, whether their leases last or not."""
        found: list[list[Part]] = [[] for _ in names]
        if names:
            for place, *words in session.execute(_READ, _columns(lane, names)).fetchall():
                found[place - 1].append(Part(*words))
        return found

    def write(self, session: Session, lane: str, terms: Iterable[Term]) -> None:
        """This process holds that from now on."""
        kept: list[Term] = []
        gone: list[Term] = []
        for term in terms:
            (kept if term.slots or term.wanted else gone).append(term)
        if kept:
            columns = _columns(lane, [term.name for term in kept])
            counts = [term.slots for term in kept], [term.wanted for term in kept]
            session.execute(_WRITE, (self._holder, *columns, *counts))
        if gone:
            session.execute(_GIVE_UP, (*_columns(lane, [term.name for term in gone]), self._holder))

    def drop(self, session: Session, lane: str) -> None:
        """This process holds nothing of that lane: its lease had run out, and others may have what it had."""
        session.execute(_DROP, ([f"{lane}/key", f"{lane}/tenant"], self._holder))

    def forget(self, session: Session) -> None:
        """Sweep what processes left that are gone."""
        session.execute(_FORGET)


def _columns(lane: str, names: Sequence[Name]) -> tuple[list[str], list[str], list[str]]:
    limits = [f"{lane}/tenant" if name.key is None else f"{lane}/key" for name in names]
    tenants = [_written(name.tenant) for name in names]
    return limits, tenants, ["" if name.key is None else _written(name.key) for name in names]


def _written(text: str) -> str:
    """As it is where an index can hold it and Postgres writes it; else its hash."""
    if len(text) <= LITERAL_CHARS_MAX and text.isprintable() and not text.startswith(HASHED):
        return text
    return HASHED + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
