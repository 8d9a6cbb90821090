"""What TAB offers for ids, names and words, each with what it is, in shells that show it.

Guarantees: never an error, and hardly ever more than a second: who types goes on typing.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from io import StringIO
from typing import Annotated, Final, get_args

import typer

log = logging.getLogger("penstock.completing")

Offers = list[tuple[str, str]]
Offer = Callable[[typer.Context, str], Offers]

OFFERS_MAX: Final = 30
_WAIT: Final = "SET statement_timeout = '1s'"
_BEGINS: Final = "starts_with({}, %(typed)s)"

# The newest of the deployment's tenant, and once something is typed those of all that begin so.
_RUNS: Final = """
(SELECT run_id, concat_ws(', ', workflow, status) FROM views.run
 WHERE %(typed)s = '' AND tenant = %(tenant)s ORDER BY created_at_ms DESC, run_id DESC LIMIT %(max)s)
UNION ALL
(SELECT run_id, concat_ws(', ', workflow, status) FROM views.run
 WHERE %(typed)s <> '' AND run_id >= %(typed)s AND run_id < %(typed)s || '~' ORDER BY run_id LIMIT %(max)s)"""
_APPROVALS: Final = f"""
SELECT approval_id, concat_ws(', ', tool, role, requester) FROM views.approval
WHERE status = 'waiting' AND {_BEGINS.format("approval_id")} ORDER BY requested_at_ms LIMIT %(max)s"""
_CALLS: Final = f"""
SELECT call_id, concat_ws(', ', tool, run_id) FROM views.tool_call_row
WHERE in_doubt AND {_BEGINS.format("call_id")} ORDER BY requested_at_ms LIMIT %(max)s"""
_PARKED: Final = f"""
SELECT each, 'parked' FROM views.run, unnest(parked_inputs) AS each
WHERE run_id = %(run_id)s AND {_BEGINS.format("each")} LIMIT %(max)s"""
_PARKED_OF_SCHEDULE: Final = f"""
SELECT each, 'parked' FROM views.schedule, unnest(parked_inputs) AS each
WHERE tenant = %(tenant)s AND name = %(name)s AND {_BEGINS.format("each")} LIMIT %(max)s"""
_SCHEDULES: Final = f"""
SELECT name, concat_ws(', ', workflow, state) FROM views.schedule
WHERE tenant = %(tenant)s AND state <> 'deleted' AND {_BEGINS.format("name")} ORDER BY name LIMIT %(max)s"""
_LETTERS: Final = f"""
SELECT id, concat_ws(', ', error_class, topic) FROM views.dead_letter_standing
WHERE state = 'open' AND {_BEGINS.format("id")} ORDER BY time_ms DESC LIMIT %(max)s"""
_WEBHOOKS: Final = f"""
SELECT webhook_id, url FROM penstock.webhook WHERE {_BEGINS.format("webhook_id")} ORDER BY 2, 1 LIMIT %(max)s"""
_KEYS: Final = f"""
SELECT key_id, concat_ws(', ', subject, kind, array_to_string(roles, ' ')) FROM penstock.api_key
WHERE revoked_at IS NULL AND {_BEGINS.format("key_id")} ORDER BY 2, 1 LIMIT %(max)s"""
_BULKS: Final = f"""
SELECT bulk_id, concat_ws(', ', kind, status) FROM penstock.bulk
WHERE {_BEGINS.format("bulk_id")} ORDER BY asked_at_ms DESC LIMIT %(max)s"""


def _quietly(find: Callable[[typer.Context, str], Iterable[tuple[str, str]]]) -> Offer:
    def offer(ctx: typer.Context, incomplete: str) -> Offers:
        try:
            # An application, for one, may say something while it is imported.
            with redirect_stdout(StringIO()):
                found = dict(find(ctx, incomplete))
        except Exception:
            log.debug("nothing to offer", exc_info=True)
            return []
        return [(word, about) for word, about in found.items() if word.startswith(incomplete)]

    return offer


def words(*known: str) -> Offer:
    """Offers these."""
    return _quietly(lambda ctx, typed: ((word, "") for word in known))


def _rows(select: str) -> Offer:
    """Offers what the database has: (what is typed, what it is) of each row."""

    def find(ctx: typer.Context, typed: str) -> Offers:
        from penstock.runtime.postgres import connect
        from penstock.runtime.settings import Settings

        settings = Settings.load()
        values = {name: ctx.params.get(name) for name in ("run_id", "name")}
        tenant = ctx.params.get("tenant") or settings.deployment_tenant
        with connect(settings, application_name="penstock.cli") as connection:
            connection.execute(_WAIT)
            asked = values | {"typed": typed, "max": OFFERS_MAX, "tenant": tenant}
            return [(str(word), about) for word, about in connection.execute(select.encode(), asked)]

    return _quietly(find)


def _workflows(ctx: typer.Context, typed: str) -> Offers:
    from penstock.declare.application import load_application
    from penstock.runtime.settings import Settings

    loaded = load_application(Settings.load().application)
    return [(each.name, f"version {each.version}") for each in loaded.workflows]


def _tables(ctx: typer.Context, typed: str) -> Offers:
    from penstock.audit.tables import tables
    from penstock.runtime.postgres import connect
    from penstock.runtime.settings import Settings

    with connect(Settings.load(), application_name="penstock.cli") as connection:
        return [("all", ""), *((table.view, "") for table in tables(connection))]


def _statuses(ctx: typer.Context, typed: str) -> Offers:
    from penstock.api.run_filters import Status

    return [(word, "") for word in get_args(Status)]


def _webhook_kinds(ctx: typer.Context, typed: str) -> Offers:
    from penstock.runtime.webhooks import KINDS

    return [(word, "") for word in KINDS]


runs = _rows(_RUNS)
bulks = _rows(_BULKS)
letters = _rows(_LETTERS)
webhooks = _rows(_WEBHOOKS)
workflows = _quietly(_workflows)
tables = _quietly(_tables)
run_statuses = _quietly(_statuses)
webhook_kinds = _quietly(_webhook_kinds)

RunId = Annotated[str, typer.Argument(autocompletion=runs)]
ApprovalId = Annotated[str, typer.Argument(autocompletion=_rows(_APPROVALS))]
CallId = Annotated[str, typer.Argument(autocompletion=_rows(_CALLS))]
ParkedInputId = Annotated[str, typer.Argument(autocompletion=_rows(_PARKED))]
ParkedScheduleInputId = Annotated[str, typer.Argument(autocompletion=_rows(_PARKED_OF_SCHEDULE))]
ScheduleName = Annotated[str, typer.Argument(autocompletion=_rows(_SCHEDULES))]
KeyId = Annotated[str, typer.Argument(autocompletion=_rows(_KEYS))]
WorkflowName = Annotated[str, typer.Argument(autocompletion=workflows)]
