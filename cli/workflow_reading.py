"""What the commands about workflows read: the application, and which versions open runs hold."""

from collections.abc import Mapping
from typing import Any, Final

from penstock.api.door import moment
from penstock.cli.run_reading import Ask
from penstock.cli.speaking import NotFound
from penstock.declare.application import load_application
from penstock.declare.errors import DeclarationError
from penstock.declare.workflows import Workflow
from penstock.runtime.settings import Settings

Versions = Mapping[int, Workflow[object, object]]
_HELD: Final = """
SELECT workflow, workflow_version AS version, count(*) AS runs, min(created_at_ms) AS oldest_ms FROM views.run_row
WHERE phase IN ('accepted', 'running', 'stalled', 'ending') AND workflow IS NOT NULL
  AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
GROUP BY workflow, workflow_version"""


def registered(settings: Settings) -> Mapping[str, Versions] | None:
    """What the application registers, by name and version; None where its code isn't here to be asked."""
    try:
        application = load_application(settings.application)
    except DeclarationError:
        return None
    found: dict[str, dict[int, Workflow[object, object]]] = {}
    for each in sorted(application.workflows, key=lambda one: (one.name, one.version)):
        found.setdefault(each.name, {})[each.version] = each
    return found


def versions(
    ask: Ask, known: Mapping[str, Versions] | None, tenant: str | None, name: str | None = None
) -> list[dict[str, Any]]:
    """Every version of one workflow, or of all, that is registered or held. Raises NotFound for a name of none."""
    rows = ask(_HELD, {"tenant": tenant, "workflow": name})
    held = {(row["workflow"], row["version"]): row for row in rows}
    declared = {
        (each.name, number)
        for named in (known or {}).values()
        for number, each in named.items()
        if name in (None, each.name)
    }
    if name is not None and not declared and not held:
        raise NotFound(f"nothing is known of a workflow {name}: `penstock workflows list` lists them")
    return [_version(known, *key, held.get(key)) for key in sorted({*declared, *held})]


def _version(
    known: Mapping[str, Versions] | None, name: str, number: int, held: Mapping[str, Any] | None
) -> dict[str, Any]:
    named = (known or {}).get(name, {})
    workflow = named.get(number)
    return {
        "workflow": name,
        "version": number,
        "registered": None if known is None else workflow is not None,
        "new_runs_begin_on_it": None if known is None else bool(named) and number == max(named),
        "open_runs": held["runs"] if held else 0,
        "oldest_started_at": moment(held["oldest_ms"]) if held else None,
        "code_hash": workflow and workflow.code_hash,
        "deadline_ms": workflow and workflow.deadline_ms,
        "max_steps": workflow and workflow.max_steps,
        "signals": sorted(workflow.signals) if workflow else None,
    }
