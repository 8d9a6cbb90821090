"""The view of search attributes: one row an attribute of a run, written once, when the run starts."""

from typing import Final, NamedTuple

from penstock.audit.views.columns import RowSoFar
from penstock.schemas.attributes import InvalidAttributes, decode_attributes, pairs


class RunAttributeRow(NamedTuple):
    """A row of views.run_attribute. `pair` is `name=value`, with the value as JSON."""

    tenant: str
    pair: str
    created_at_ms: int
    run_id: str


TYPES: Final = {"tenant": "text", "pair": "text", "created_at_ms": "int8", "run_id": "text"}


def readable(attributes: str | None) -> str | None:
    """The JSON text of a start, None where it isn't as the decider lets it in."""
    try:
        return attributes if decode_attributes(attributes) else None
    except InvalidAttributes:
        return None


def project(run: RowSoFar) -> list[RunAttributeRow]:
    """The rows of the run that has just started."""
    attributes = run.get("search_attributes")
    if not isinstance(attributes, str):
        return []
    tenant, created_at_ms, run_id = run["tenant"], run["created_at_ms"], run["run_id"]
    assert isinstance(tenant, str)
    assert isinstance(created_at_ms, int)
    assert isinstance(run_id, str)
    return [RunAttributeRow(tenant, pair, created_at_ms, run_id) for pair in pairs(attributes)]
