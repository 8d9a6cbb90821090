"""How API keys look to people."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from penstock.runtime.api_keys import ApiKey


def listed(keys: Sequence[ApiKey]) -> Table:
    """A row a key."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "key",
        "tenant",
        "subject",
        "kind",
        "roles",
        "groups",
        "scopes",
        "state",
        "until",
        "last used",
    ):
        table.add_column(name, overflow="fold")
    for key in keys:
        state = f"{key.state()}, replaced by {key.replaced_by}" if key.replaced_by else key.state()
        scopes = "all of its roles" if key.scopes is None else " ".join(key.scopes)
        row = (
            key.key_id,
            key.tenant,
            key.subject,
            key.kind,
            " ".join(key.roles),
            ", ".join(key.groups),
            scopes,
            state,
        )
        table.add_row(*map(escape, row), _time(key.expires_at), _time(key.last_used_at))
    return table


def _time(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
