"""Whether a call is allowed: asked at each request and again when an unsafe one starts (L9, L11, L12)."""

from dataclasses import dataclass

from penstock.declare.application import Application
from penstock.schemas.frozen import quick
from penstock.streams.runs.state import RunState


@quick
@dataclass(frozen=True, slots=True)
class Denial:
    """Why not: a stable word, and a sentence for a person."""

    reason: str
    detail: str


@quick
@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that somebody wants to make."""

    call_id: str
    tool: str
    tool_version: int
    args_sha256: str
    grant_id: str | None


def tool_denial(application: Application, state: RunState, wanted: Wanted) -> Denial | None:
    """Whether this requester may use this tool at all. Policy is never pinned: it is today's."""
    tool = application.tool(wanted.tool, wanted.tool_version)
    if tool is None:
        return Denial("unknown_tool", f"version {wanted.tool_version} of {wanted.tool} isn't registered")
    roles = frozenset(state.started.requester_roles) if state.started else frozenset()
    if tool.roles and not tool.roles & roles:
        return Denial("unauthorized", f"the requester holds none of: {', '.join(sorted(tool.roles))}")
    return None


def grant_denial(application: Application, state: RunState, wanted: Wanted, time_ms: int) -> Denial | None:
    """Whether the grant covers exactly this call, now. A read needs none; one that is named must fit."""
    tool = application.tool(wanted.tool, wanted.tool_version)
    if wanted.grant_id is None:
        if tool is not None and not tool.writes:
            return None
        return Denial("grant_missing", "a write needs a grant: by a person, or by the tool's approval rule")
    grant = state.grants.get(wanted.grant_id)
    if grant is None:
        return Denial("grant_unknown", f"this run has no grant {wanted.grant_id}")
    if grant.spent_by not in (None, wanted.call_id):
        return Denial("grant_spent", f"call {grant.spent_by} spent it")
    bound = (grant.tool, grant.tool_version, grant.args_sha256)
    if bound != (wanted.tool, wanted.tool_version, wanted.args_sha256):
        return Denial(
            "grant_mismatch", f"it is for {grant.tool} v{grant.tool_version} with its own arguments"
        )
    if grant.rule_version != application.rule_version(grant.tool):
        return Denial("rule_changed", f"it was given under version {grant.rule_version} of the approval rule")
    if time_ms >= grant.expires_at_ms:
        return Denial("grant_expired", f"it expired at {grant.expires_at_ms} ms")
    return None


def denial(application: Application, state: RunState, wanted: Wanted, time_ms: int) -> Denial | None:
    """Both questions."""
    return tool_denial(application, state, wanted) or grant_denial(application, state, wanted, time_ms)
