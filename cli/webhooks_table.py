"""How webhooks and deliveries look to people."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from penstock.runtime.webhooks import Delivered, Webhook


def listed(webhooks: Sequence[Webhook]) -> Table:
    """A row a subscription."""
    table = _table("webhook", "url", "kinds", "state", "failing since", "description")
    for one in webhooks:
        state = f"{one.state}: {one.disabled_reason}" if one.disabled_reason else one.state
        row = (one.webhook_id, one.url, " ".join(one.kinds), state, _time(one.failing_since), one.description)
        table.add_row(*map(escape, row))
    return table


def deliveries(found: Sequence[Delivered]) -> Table:
    """A row a delivery."""
    table = _table("delivery", "kind", "status", "tries", "filed", "last try", "answer", "next try")
    for one in found:
        answer = one.last_error or (str(one.last_status) if one.last_status else "")
        due = _time(one.next_at) if one.status == "waiting" else ""
        tries = (str(one.attempts), _time(one.filed_at), _time(one.last_at))
        table.add_row(*map(escape, (one.event_id, one.kind, one.status, *tries, answer, due)))
    return table


def _table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def _time(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
