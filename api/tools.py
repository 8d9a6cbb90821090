"""GET /v1/tools, /v1/tools/{name}: what workflows may call, and under which rules."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from penstock.api.callers import READ, Caller
from penstock.api.door import Door
from penstock.api.problems import not_found
from penstock.declare.application import Application
from penstock.declare.tools import Tool


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["tools"])

    @router.get("/v1/tools")
    async def tools(caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """What the application registers, by name: of each the newest version's effect and risk."""
        caller.needs(READ, "read tools")
        return {
            "tools": [
                {
                    "name": name,
                    "current_version": versions[-1].version,
                    "effect": versions[-1].effect,
                    "risk": versions[-1].risk,
                    "links": {"self": f"/v1/tools/{name}"},
                }
                for name, versions in _by_name(door.application).items()
            ]
        }

    @router.get("/v1/tools/{name}")
    async def tool(name: str, caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """One tool: arguments and result as JSON Schemas, who may have it called, its limits, its approval rule."""
        caller.needs(READ, "read a tool")
        versions = _by_name(door.application).get(name)
        if versions is None:
            raise not_found("tool")
        rule = door.application.rule(name)
        return {
            "name": name,
            "current_version": versions[-1].version,
            "approval_rule": None if rule is None else {"name": rule.name, "version": rule.version},
            "versions": [_version(each) for each in versions],
        }

    return router


def _by_name(application: Application) -> dict[str, Sequence[Tool[object]]]:
    found: dict[str, list[Tool[object]]] = {}
    for each in sorted(application.tools, key=lambda one: (one.name, one.version)):
        found.setdefault(each.name, []).append(each)
    return dict(found)


def _version(tool: Tool[object]) -> dict[str, Any]:
    limits, rate = tool.limits, tool.limits.rate
    return {
        "version": tool.version,
        "effect": tool.effect,
        "needs_grant": tool.writes,
        "risk": tool.risk,
        "owner": tool.owner,
        "roles": sorted(tool.roles),
        "timeout_ms": tool.timeout_ms,
        "deferred_ms": tool.deferred_ms,
        "attempts": tool.retry.attempts,
        "reconciled": tool.reconcile is not None,
        "limits": {
            "concurrency": limits.concurrency,
            "tenant_concurrency": limits.tenant_concurrency,
            "concurrency_per_key": None if limits.concurrency_key is None else limits.concurrency_per_key,
            "rate": None
            if rate is None
            else {"count": rate.count, "per_ms": round(rate.per.total_seconds() * 1000)},
            "scope": limits.scope,
        },
        "arguments_schema": tool.arguments_schema(),
        "result_schema": tool.result_schema(),
    }
