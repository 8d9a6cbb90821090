"""What is posted to webhooks: one small JSON document, in the form of Standard Webhooks, with a version.

It says that something happened and where to look, and nothing of what a run is about: receivers are often chats and
ticket systems, where more people read than may read the run. Whoever wants more asks the API, which knows who they are.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from penstock.runtime.webhooks import BODY_VERSION


def body_of(kind: str, event_id: str, tenant: str, time_ms: int, about: Mapping[str, object]) -> str:
    """The document, the same for the same event however often it is made."""
    return json.dumps(
        {
            "version": BODY_VERSION,
            "id": event_id,
            "type": kind,
            "timestamp": moment(time_ms),
            "tenant": tenant,
            "data": dict(about),
        },
        separators=(",", ":"),
    )


def moment(time_ms: int) -> str:
    """Log time as RFC 3339 with ms, UTC."""
    said = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return said.replace("+00:00", "Z")
