"""What processes hold of the limits that they share: the rows of penstock.limit_share.

Guarantees: who reads parts holds the locks of their names until its transaction is over, so that what it writes
fits to what it has read. A process that has surely ended on this machine holds no slots any more; of a rate it holds
what it may have begun with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.runtime.passport import has_ended
from penstock.streams.tools.allotting import Part
from penstock.streams.transactions import Session

# Who hasn't renewed for so long is stopped or gone: it keeps what it has for its lease, and wants nothing more.
STALE_S: Final = 3.0

# The session's own bound keeps a process that was stopped in the middle from holding up the others.
_BEGIN: Final = "SET LOCAL idle_in_transaction_session_timeout = '2s'; SET LOCAL lock_timeout = '2s'"
_LOCK: Final = """
SELECT pg_advisory_xact_lock(key)
FROM (SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(%s::text[]) AS name ORDER BY 1) AS keys
"""
_PARTS: Final = """
SELECT limit_name, holder::text, slots, wanted, extract(epoch FROM clock_timestamp() - since)::float8,
    coalesce(renewed_at > clock_timestamp() - %s * interval '1 second', true), process
FROM penstock.limit_share WHERE limit_name = ANY(%s) AND expires_at > clock_timestamp()
"""
_HOLD: Final = """
INSERT INTO penstock.limit_share AS old
    (limit_name, holder, slots, wanted, since, process, renewed_at, expires_at)
VALUES (%s, %s, %s, %s, clock_timestamp(), %s, clock_timestamp(), clock_timestamp() + %s * interval '1 second')
ON CONFLICT (limit_name, holder) DO UPDATE SET
    slots = excluded.slots, wanted = excluded.wanted, process = excluded.process,
    renewed_at = excluded.renewed_at, expires_at = excluded.expires_at,
    since = CASE WHEN %s THEN excluded.since ELSE old.since END
"""
_GIVE_UP: Final = "DELETE FROM penstock.limit_share WHERE limit_name = %s AND holder = %s"
_FORGET: Final = "DELETE FROM penstock.limit_share WHERE expires_at < clock_timestamp() - interval '1 minute'"
# What an ended process began counts for the length of the rate, at the longest from now.
_OUTLIVE: Final = """
UPDATE penstock.limit_share SET process = '', wanted = 0,
    expires_at = least(expires_at, clock_timestamp() + %s * interval '1 second')
WHERE limit_name = %s AND holder = %s
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a process holds of a limit from now on. `changed`: since when it has it counts anew. `kept`: also if that is
    nothing, because it is the lease of something else."""

    name: str
    slots: int
    wanted: int
    lease_s: float
    changed: bool
    kept: bool = False


class ShareRows:
    """The table as one process sees it, in transactions of its own."""

    def __init__(self, holder: str, process: str) -> None:
        self._holder = holder
        self._process = process

    def lock(self, session: Session, names: Sequence[str]) -> None:
        """Nobody else reads or writes these until the transaction is over."""
        session.execute(_BEGIN)
        session.execute(_LOCK, (list(names),))
        session.execute(_FORGET)

    def parts(self, session: Session, lasts_s: Mapping[str, float]) -> dict[str, list[Part]]:
        """Who holds what of these limits. `lasts_s`: how long something counts after its process has ended."""
        found: dict[str, list[Part]] = {name: [] for name in lasts_s}
        ended: dict[str, bool] = {}
        rows = session.execute(_PARTS, (STALE_S, list(lasts_s))).fetchall()
        for name, holder, slots, wanted, for_s, awake, process in rows:
            if process not in ended:
                ended[process] = has_ended(process)
            if not ended[process]:
                found[name].append(Part(holder, slots, wanted if awake else min(wanted, slots), for_s, awake))
            elif lasts_s[name] > 0:
                session.execute(_OUTLIVE, (lasts_s[name], name, holder))
                found[name].append(Part(holder, slots, 0, for_s))
            else:
                session.execute(_GIVE_UP, (name, holder))
        return found

    def hold(self, session: Session, holdings: Sequence[Holding]) -> None:
        """This process holds that, for the length of its lease; nothing of what it neither has nor wants."""
        for each in holdings:
            if each.slots or each.wanted or each.kept:
                words = (each.slots, each.wanted, self._process, each.lease_s, each.changed)
                session.execute(_HOLD, (each.name, self._holder, *words))
            else:
                session.execute(_GIVE_UP, (each.name, self._holder))
