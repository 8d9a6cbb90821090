"""The statements of who posts: take what is due, record what came of it, tidy up.

A delivery that is being posted is a row whose `next_at` is its lease: a process that dies leaves it to be taken again.
The outcome of an attempt is recorded only if no later one has been taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg.rows import class_row

from penstock.runtime.webhooks import FAILING_S_MAX, KEPT_S, TRIED_S, WAITING_MAX
from penstock.streams.transactions import Session
from penstock.streams.webhooks.outcomes import Outcome

LEASE_S: Final = 60
POSTS_EACH_MAX: Final = 4
REMOVED_AT_ONCE: Final = 5_000

# Every subscription has a few places, one that fails has one, and one that is held has none: so whoever is slow or dead
# takes nobody else's.
_TAKE: Final = f"""
WITH open AS (
    SELECT w.webhook_id, w.url, w.secret, w.failures,
        CASE WHEN w.secret_before_until > now() THEN w.secret_before END AS secret_before,
        CASE WHEN w.failures > 0 THEN 1 ELSE {POSTS_EACH_MAX} END - coalesce(b.posts, 0) AS places
    FROM penstock.webhook AS w
    LEFT JOIN unnest(%(busy)s::text[], %(posts)s::int[]) AS b (webhook_id, posts) USING (webhook_id)
    WHERE w.disabled_at IS NULL AND (w.held_until IS NULL OR w.held_until <= now())
), due AS (
    SELECT open.*, d.event_id FROM open CROSS JOIN LATERAL (
        SELECT event_id, next_at FROM penstock.webhook_delivery AS d
        WHERE d.webhook_id = open.webhook_id AND d.status = 'waiting' AND d.next_at <= now()
        ORDER BY d.next_at LIMIT greatest(open.places, 0) FOR UPDATE SKIP LOCKED
    ) AS d
    ORDER BY d.next_at LIMIT %(most)s
)
UPDATE penstock.webhook_delivery AS d SET attempts = d.attempts + 1, next_at = now() + interval '{LEASE_S} s'
FROM due WHERE d.webhook_id = due.webhook_id AND d.event_id = due.event_id
RETURNING d.webhook_id, d.event_id, d.attempts AS attempt, d.body, due.url, due.secret, due.secret_before, due.failures
""".encode()
_NOW_MINE: Final[LiteralString] = """
WHERE webhook_id = %(webhook_id)s AND event_id = %(event_id)s AND attempts = %(attempt)s AND status = 'waiting'"""
_DELIVERED: Final[LiteralString] = f"""
UPDATE penstock.webhook_delivery SET status = 'delivered', ended_at = now(), last_at = now(),
    last_status = %(status)s, last_error = NULL {_NOW_MINE}"""
_TRY_AGAIN: Final = f"""
UPDATE penstock.webhook_delivery SET last_at = now(), last_status = %(status)s, last_error = %(error)s,
    next_at = now() + %(wait_s)s * interval '1 s',
    status = CASE WHEN %(gone)s OR filed_at + interval '{TRIED_S} s' < now() + %(wait_s)s * interval '1 s'
        THEN 'failed' ELSE 'waiting' END,
    ended_at = CASE WHEN %(gone)s OR filed_at + interval '{TRIED_S} s' < now() + %(wait_s)s * interval '1 s'
        THEN now() END
{_NOW_MINE} RETURNING status""".encode()
_WELL: Final[LiteralString] = """
UPDATE penstock.webhook SET failing_since = NULL, failures = 0, held_until = NULL
WHERE webhook_id = %(webhook_id)s AND (failing_since IS NOT NULL OR failures > 0)"""
# A failure after a day without one isn't the same misery going on: there was nothing to post.
_UNWELL: Final = f"""
UPDATE penstock.webhook SET failed_at = now(),
    failing_since = CASE WHEN failed_at > now() - interval '{TRIED_S} s' THEN coalesce(failing_since, now())
        ELSE now() END,
    failures = failures + CASE WHEN %(away)s THEN 1 ELSE 0 END,
    held_until = CASE WHEN %(away)s THEN now() + %(wait_s)s * interval '1 s' ELSE held_until END
WHERE webhook_id = %(webhook_id)s""".encode()
_DISABLE: Final[LiteralString] = """
UPDATE penstock.webhook SET disabled_at = now(), version = version + 1, disabled_reason = %(reason)s
WHERE webhook_id = %(webhook_id)s AND disabled_at IS NULL"""
_DISABLE_FAILING: Final = f"""
UPDATE penstock.webhook SET disabled_at = now(), version = version + 1,
    disabled_reason = 'nothing was delivered for {FAILING_S_MAX // 86_400} days; the last error: ' || %(error)s
WHERE webhook_id = %(webhook_id)s AND disabled_at IS NULL
    AND failing_since < now() - interval '{FAILING_S_MAX} s'""".encode()
_DISABLE_FULL: Final = f"""
UPDATE penstock.webhook SET disabled_at = now(), version = version + 1,
    disabled_reason = 'over {WAITING_MAX} deliveries waited: the receiver is too slow for these kinds'
WHERE disabled_at IS NULL AND webhook_id IN (
    SELECT webhook_id FROM penstock.webhook_delivery WHERE status = 'waiting'
    GROUP BY webhook_id HAVING count(*) > {WAITING_MAX})""".encode()
_EXPIRE: Final = f"""
UPDATE penstock.webhook_delivery SET status = 'failed', ended_at = now(),
    last_error = coalesce(last_error, 'never tried: the receiver was away, or the subscription disabled, for a day')
WHERE status = 'waiting' AND next_at <= now() AND filed_at < now() - interval '{TRIED_S} s'""".encode()
_REMOVE: Final = f"""
DELETE FROM penstock.webhook_delivery WHERE (webhook_id, event_id) IN (
    SELECT webhook_id, event_id FROM penstock.webhook_delivery
    WHERE status <> 'waiting' AND ended_at < now() - interval '{KEPT_S} s' LIMIT {REMOVED_AT_ONCE})""".encode()
_GIVE_BACK: Final[LiteralString] = f"""
UPDATE penstock.webhook_delivery SET next_at = now() {_NOW_MINE}"""


@dataclass(frozen=True, slots=True)
class Due:
    """One attempt of a delivery, which this process has taken. Secrets are sealed. `failures`: in a row before this."""

    webhook_id: str
    event_id: str
    attempt: int
    body: str
    url: str
    secret: bytes
    secret_before: bytes | None
    failures: int

    @property
    def name(self) -> tuple[str, str]:
        """Which delivery it is."""
        return self.webhook_id, self.event_id


def take(session: Session, busy: Mapping[str, int], most: int) -> list[Due]:
    """Up to `most` that are due, the longest due first. `busy`: how many posts to each this process has under way."""
    values = {"busy": list(busy), "posts": list(busy.values()), "most": most}
    with session.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(_TAKE, values).fetchall()


def record(session: Session, ended: Sequence[tuple[Due, Outcome]]) -> list[str]:
    """Note what came of attempts; of each whether it is `delivered`, `failed` for good, `waiting` again, or `late`:
    somebody else has it by now."""
    return [_record(session, due, outcome) for due, outcome in ended]


def give_back(session: Session, given: Sequence[Due]) -> None:
    """Have these be due at once: whether they reached anybody isn't known."""
    for due in given:
        session.execute(_GIVE_BACK, _values(due))


def tidy(session: Session) -> None:
    """End what was never tried in time, disable what can't keep up, remove what is old."""
    session.execute(_EXPIRE)
    session.execute(_DISABLE_FULL)
    session.execute(_REMOVE)


def _record(session: Session, due: Due, outcome: Outcome) -> str:
    values = _values(due) | {"status": outcome.status, "error": outcome.error, "wait_s": outcome.wait_s}
    if outcome.delivered:
        session.execute(_WELL, values)
        return "delivered" if session.execute(_DELIVERED, values).rowcount else "late"
    values |= {"away": outcome.away, "gone": outcome.gone}
    session.execute(_UNWELL, values)
    if outcome.gone:
        session.execute(_DISABLE, values | {"reason": outcome.error})
    session.execute(_DISABLE_FAILING, values)
    found = session.execute(_TRY_AGAIN, values).fetchone()
    return str(found[0]) if found else "late"


def _values(due: Due) -> dict[str, object]:
    return {"webhook_id": due.webhook_id, "event_id": due.event_id, "attempt": due.attempt}
