"""GET /v1/workflows, /v1/workflows/{name}, /v1/workflows/{name}/versions/{version}/runs and /drain: what can be
started, and which open runs hold a version that somebody wants to take out of service (F2)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query

from penstock.api.callers import READ, Caller
from penstock.api.door import Door
from penstock.api.drain_report import report, statuses_query, waits_query
from penstock.api.places import CURSOR_CHARACTERS_MAX
from penstock.api.problems import not_found
from penstock.api.run_filters import INT4_MAX, RunFilter, cursor_of, place_of
from penstock.api.run_views import open_by_version, page_of, summary, waits_for
from penstock.declare.workflows import Workflow

LIMIT_MAX: Final = 200
Versions = Sequence[Workflow[object, object]]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["workflows"])
    registered = _by_name(door)

    @router.get("/v1/workflows")
    async def workflows(caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """What the application registers, by name."""
        caller.needs(READ, "read workflows")
        return {
            "workflows": [
                {
                    "name": name,
                    "current_version": versions[-1].version,
                    "versions": [each.version for each in versions],
                    "links": {"self": f"/v1/workflows/{name}"},
                }
                for name, versions in registered.items()
            ]
        }

    @router.get("/v1/workflows/{name}")
    async def workflow(name: str, caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """One workflow: what each version takes and gives, as JSON Schemas, and how many runs of it are open."""
        caller.needs(READ, "read a workflow")
        versions = registered.get(name)
        if versions is None:
            raise not_found("workflow")
        counts = await open_by_version(door.views, caller.tenant, name)
        known = {each.version for each in versions}
        missing = {version: runs for (_, version), runs in counts.items() if version not in known}
        return {
            "name": name,
            "current_version": versions[-1].version,
            "versions": [_version(each, counts.get((name, each.version), 0)) for each in versions],
            # Open runs of a version that nobody registers any more are stalled until somebody does.
            "versions_missing": [
                {"version": version, "open_runs": runs}
                for version, runs in sorted(missing.items(), key=lambda each: each[0] or 0)
            ],
        }

    _hold(router, door)
    _drain(router, door, registered)
    return router


def _hold(router: APIRouter, door: Door) -> None:
    @router.get("/v1/workflows/{name}/versions/{version}/runs")
    async def holding(
        name: str,
        version: int,
        caller: Annotated[Caller, Depends(door.keys)],
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        cursor: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX)] = None,
    ) -> dict[str, Any]:
        """The open runs that hold a version, newest first, with what each waits for. None left: it may go."""
        caller.needs(READ, "read runs")
        if not 1 <= version <= INT4_MAX or "\x00" in name:
            raise not_found("version of a workflow")
        chosen = RunFilter(workflow=name, version=version, status="open")
        place = place_of(cursor, caller.tenant, chosen)
        page = await page_of(door.views, caller.tenant, chosen, place, limit, waiting=True)
        if not page.rows and door.application.workflow(name, version) is None:
            raise not_found("version of a workflow")
        return {
            "runs": [summary(row) | {"waits_for": waits_for(row)} for row in page.rows],
            "next_cursor": cursor_of(page.next, caller.tenant, chosen) if page.next else None,
        }


def _drain(router: APIRouter, door: Door, registered: Mapping[str, Versions]) -> None:
    @router.get("/v1/workflows/{name}/versions/{version}/drain")
    async def drain(name: str, version: int, caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """How many of the tenant's open runs hold a version, by status and by what they wait for, with the oldest of
        each. `drained`: none does, as far as the views are. Whether code may go is asked of all tenants, by `penstock
        workflows drain`."""
        caller.needs(READ, "read runs")
        if not 1 <= version <= INT4_MAX or "\x00" in name:
            raise not_found("version of a workflow")
        asked = {"tenant": caller.tenant, "workflow": name, "version": version}
        statuses = await door.views.ask(statuses_query(caller.tenant), asked)
        known = {each.version: each for each in registered.get(name, ())}
        if not statuses and version not in known:
            raise not_found("version of a workflow")
        waits = await door.views.ask(waits_query(caller.tenant), asked)
        links = {"runs": f"/v1/workflows/{name}/versions/{version}/runs", "workflow": f"/v1/workflows/{name}"}
        return report(name, version, known, statuses, waits) | {"links": links}


def _by_name(door: Door) -> dict[str, Versions]:
    found: dict[str, list[Workflow[object, object]]] = {}
    for each in sorted(door.application.workflows, key=lambda one: (one.name, one.version)):
        found.setdefault(each.name, []).append(each)
    return dict(found)


def _version(workflow: Workflow[object, object], open_runs: int) -> dict[str, Any]:
    return {
        "version": workflow.version,
        "code_hash": workflow.code_hash,
        "deadline_ms": workflow.deadline_ms,
        "max_steps": workflow.max_steps,
        "priority": workflow.priority,
        "input_schema": workflow.input_schema(),
        "result_schema": workflow.result_schema(),
        "signals": workflow.signal_schemas(),
        "open_runs": open_runs,
        "links": {
            "runs": f"/v1/workflows/{workflow.name}/versions/{workflow.version}/runs",
            "drain": f"/v1/workflows/{workflow.name}/versions/{workflow.version}/drain",
        },
    }
