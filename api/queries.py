"""What a request asks by its query: a word that its route doesn't know is refused. It was meant to leave something out,
and a list of what wasn't asked for looks like an answer."""

from collections.abc import Iterator
from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from penstock.api.problems import Problem


def check_query(request: Request) -> None:
    """Raises a 422 problem unless the route knows each parameter of the request's query."""
    given = request.query_params.keys()
    route = request.scope.get("route")
    if not given or not isinstance(route, APIRoute):
        return
    known = sorted(set(_names(route.dependant)))
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise _unknown(unknown, known)


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _names(each)


def _unknown(unknown: list[str], known: list[str]) -> Problem:
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    near = [found for name in unknown[:5] for found in get_close_matches(name[:50], known, 1)]
    meant = f" Did you mean {' and '.join(near)}?" if near else ""
    detail = f"Correct the query: this route doesn't know {_shown(unknown)}; {takes}.{meant}"
    return Problem(422, "invalid-request", "Invalid request", detail)


def _shown(names: list[str]) -> str:
    shown = ", ".join(ascii(name[:50]) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
