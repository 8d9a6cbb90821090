"""What the commands about runs read of the views, by the same queries as the API."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from penstock.api.run_filters import Place, RunFilter
from penstock.api.run_lists import query
from penstock.api.run_views import RUN, summary, waits_for
from penstock.cli.outcomes import until
from penstock.cli.speaking import SOURCE, NotFound
from penstock.runtime.effects import effect_of
from penstock.runtime.postgres import Connected, connect
from penstock.runtime.settings import Settings

Row = dict[str, Any]
Ask = Callable[[str, Mapping[str, object]], list[Row]]
ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})
_WHERE: Final = "SELECT tenant FROM views.run_row WHERE run_id = %(run_id)s"
_CAUSED: Final = """
SELECT seq, type, event FROM views.run_event WHERE run_id = %(run_id)s AND cause_id = %(input_id)s ORDER BY seq"""
_DEAD: Final = "SELECT error_class, error_message FROM views.dead_letter WHERE id = %(id)s"


@contextmanager
def views(settings: Settings) -> Iterator[Ask]:
    """Asks the views. Raises DatabaseAway."""
    with connect(settings, application_name=SOURCE) as connection:
        yield asking(connection)


def asking(connection: Connected) -> Ask:
    """Asks over this connection."""

    def ask(select: str, values: Mapping[str, object]) -> list[Row]:
        cursor = connection.execute(select.encode(), values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    return ask


def listed(ask: Ask, tenant: str, chosen: RunFilter, limit: int) -> list[Row]:
    """The newest runs of a tenant that fit, as the API lists them."""
    found: list[Row] = []
    place: Place | None = None
    while len(found) < limit:
        asked = query(tenant, chosen, place, limit - len(found))
        rows = ask(asked.select, asked.values)
        found += [row for row in rows if row["run_id"] is not None]
        if rows[0]["looked_id"] is None:
            break
        place = Place(rows[0]["looked_at_ms"], rows[0]["looked_id"])
    return [summary(row) for row in found]


def one(ask: Ask, run_id: str) -> Row:
    """A run with input, result and what it waits for, of whatever tenant. Raises NotFound."""
    tenants = ask(_WHERE, {"run_id": run_id})
    rows = ask(RUN, {"run_id": run_id, "tenant": tenants[0]["tenant"]}) if tenants else []
    if not rows:
        raise NotFound(f"the views know no run {run_id}: `penstock run list` shows those that they know")
    row = rows[0]
    return {"tenant": row["tenant"], **summary(row), "input": row["input"], "result": row["result"],
            "waits_for": waits_for(row)}  # fmt: skip


def awaited(ask: Ask, run_id: str, wait_s: float, note: Callable[[str], None]) -> Row:
    """The run once it has ended, or when the time is over; `note` hears of each status on the way."""
    seen = ""

    def ended() -> bool | None:
        nonlocal seen
        rows = ask("SELECT status, last_seq FROM views.run_row WHERE run_id = %(run_id)s", {"run_id": run_id})
        status = rows[0]["status"] if rows else "accepted"
        if status != seen:
            note(f"{status}, after event {rows[0]['last_seq']}" if rows else status)
            seen = status
        return status in ENDED or None

    until(ended, wait_s)
    if seen == "accepted":
        raise NotFound(
            f"run {run_id} was accepted, and the views don't show it yet: `penstock status` says how far they are; "
            f"then `penstock run result {run_id}`"
        )
    return one(ask, run_id)


def came_of(ask: Ask, run_id: str, input_id: str, dead_letter: str, wait_s: float) -> Row | None:
    """The event that an input caused, {"seq", "type", "event"}, or its dead letter; None if it takes longer."""

    def look() -> Row | None:
        effect = effect_of(ask(_CAUSED, {"run_id": run_id, "input_id": input_id}))
        letters = [] if effect else ask(_DEAD, {"id": dead_letter})
        return {"seq": None, "type": "DeadLetter", "event": letters[0]} if letters else effect

    return until(look, wait_s)
