"""What every resource of the API is given: who calls, what the views say, the way in."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Header

from penstock.api.accepted import AcceptedRuns
from penstock.api.admission import Admission
from penstock.api.authentication import Authentication
from penstock.api.callers import Caller
from penstock.api.inbox import Inbox
from penstock.api.receipts import Receipts
from penstock.api.repeats import Repeats
from penstock.api.views import Views
from penstock.declare.application import Application
from penstock.producers.callbacks import CallbackTokens
from penstock.producers.log import SoonLog
from penstock.runtime.settings import Settings
from penstock.schemas.headers import TIME_MS_MAX

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text without spaces: the same key again is the same request, and counts once.",
    ),
]


@dataclass(frozen=True, slots=True)
class CallbackDoor:
    """For who comes with a callback token: reads it, and says what they say under the authority of callbacks."""

    tokens: CallbackTokens
    inbox: Inbox


@dataclass(frozen=True, slots=True)
class Door:
    """Built once by create_app and handed down."""

    settings: Settings
    keys: Authentication
    views: Views
    inbox: Inbox
    accepted: AcceptedRuns
    receipts: Receipts
    admission: Admission
    application: Application
    log: SoonLog
    # None where the keyring has no key for callbacks: then nobody was given a token.
    callbacks: CallbackDoor | None = None
    repeats: Repeats = field(default_factory=Repeats)


def moment(time_ms: int | None) -> str | None:
    """Log time as RFC 3339 with ms, UTC; None stays None. A time that no calendar has is shown as the nearest."""
    if time_ms is None:
        return None
    within = min(max(time_ms, 0), TIME_MS_MAX)
    return (
        datetime.fromtimestamp(within / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def approval_document(row: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """An approval as the API shows it. `may_vote` is a hint; the run's decider judges every vote."""
    waiting = row["status"] == "waiting" and caller.can("vote")
    handed_on = (row["quorum"] or 1) > 1 and caller.subject in row["delegated_by"]
    asked = row["delegate"] == caller.subject or (row["role"] in caller.roles and not handed_on)
    never = (row["requester"], *(row["requesters_before"] or ()))
    eligible = asked and caller.subject not in (*never, *row["voters"])
    return {
        **{name: value for name, value in row.items() if not name.endswith("_ms")},
        "requested_at": moment(row["requested_at_ms"]),
        "decided_at": moment(row["decided_at_ms"]),
        "expires_at": moment(row["expires_at_ms"]),
        "escalate_at": moment(row["escalate_at_ms"]),
        "escalated_at": moment(row["escalated_at_ms"]),
        "may_vote": waiting and eligible,
        "links": {
            "self": f"/v1/approvals/{row['approval_id']}",
            "run": f"/v1/runs/{row['run_id']}/events",
            "votes": f"/v1/approvals/{row['approval_id']}/votes",
            "delegate": f"/v1/approvals/{row['approval_id']}/delegate",
            "escalate": f"/v1/approvals/{row['approval_id']}/escalate",
        },
    }
