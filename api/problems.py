"""Every error as application/problem+json (RFC 9457): what is wrong, and in `detail` what to do next."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

log = logging.getLogger("penstock.api")

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:penstock:problem:"
NOT_ALLOWED: Final = 405
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

# What the framework itself refuses, with what the caller does next.
_FRAMEWORK: Final[Mapping[int, tuple[str, str]]] = {
    400: (
        "malformed-request",
        "The request can't be read as HTTP with a JSON body: correct it and send it again.",
    ),
    404: ("no-such-path", "Nothing is here: GET /openapi.json lists what there is."),
    405: (
        "method-not-allowed",
        "The path is right, the method isn't: the Allow header lists those that are.",
    ),
}


class Problem(HTTPException):
    """An error that the caller is told. `slug` names its kind for machines, `detail` says what to do."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.slug = slug
        self.title = title
        self.more = dict(more or {})


def not_found(what: str) -> Problem:
    """For things that aren't there, and alike for those of other tenants: the difference is a secret too."""
    return Problem(404, "not-found", "Not found", f"There is no such {what} here: check its id.")


def forbidden(needs: Sequence[str], action: str) -> Problem:
    """For a caller whose roles don't do."""
    roles = " or ".join(dict.fromkeys(needs))
    return Problem(
        403, "forbidden", "Role missing", f"To {action} takes the role {roles}: use a key that has it."
    )


def scope_missing(scope: str, action: str) -> Problem:
    """For a caller whose roles would do, but whose key or token is limited to other scopes."""
    detail = f"To {action} takes the scope {scope}: use a key or token that has it, or one without scopes."
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    return Problem(403, "scope-missing", "Scope missing", detail, headers={"WWW-Authenticate": challenge})


def people_only(action: str) -> Problem:
    """For a service that does what only a person may."""
    detail = f"To {action} takes a person, and this key or token is a service's: use one that is a person's."
    return Problem(403, "people-only", "Not for services", detail)


def barred(roles: Sequence[str], action: str) -> Problem:
    """For a caller with a role that excludes the action."""
    detail = f"Who has the role {' or '.join(roles)} can't {action}: it takes somebody who hasn't."
    return Problem(403, "role-excludes", "Role excludes it", detail)


def unavailable(slug: str, title: str, detail: str, retry_after_s: int = 2) -> Problem:
    """For what works again by itself."""
    return Problem(503, slug, title, detail, headers={"Retry-After": str(retry_after_s)})


def answer_of(problem: Problem, path: str) -> JSONResponse:
    """The response to a request that had this problem."""
    said = (problem.status_code, problem.slug, problem.title, str(problem.detail), path, problem.more)
    return JSONResponse(problem_body(*said), problem.status_code, problem.headers, MEDIA_TYPE)


def problem_body(
    status: int, slug: str, title: str, detail: str, instance: str, more: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The document of a problem."""
    own = {"type": _TYPE + slug, "title": title, "status": status, "detail": detail, "instance": instance}
    return {**(more or {}), **own}


def install(app: FastAPI) -> None:
    """Have every error of the application answered as a problem."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if isinstance(error, Problem):
            return answer_of(error, request.url.path)
        slug, detail = _FRAMEWORK.get(error.status_code, ("refused", str(error.detail)))
        body = problem_body(
            error.status_code, slug, HTTPStatus(error.status_code).phrase, detail, request.url.path
        )
        headers = {"Allow": _allowed(request)} if error.status_code == NOT_ALLOWED else error.headers
        return JSONResponse(body, error.status_code, headers, MEDIA_TYPE)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        if _is_no_json(request, error):
            return answer_of(_not_json(), request.url.path)
        errors = [_where(each) for each in error.errors()]
        detail = "Correct these and send it again: " + "; ".join(
            f"{each['at']}: {each['message']}" for each in errors
        )
        body = problem_body(
            422, "invalid-request", "Invalid request", detail, request.url.path, {"errors": errors}
        )
        return JSONResponse(body, 422, media_type=MEDIA_TYPE)

    async def failed(request: Request, error: Exception) -> JSONResponse:
        # The route's template: a path may hold a callback token.
        where = getattr(request.scope.get("route"), "path", request.url.path)
        log.error("%s %s failed", request.method, where, exc_info=error)
        detail = (
            "The API failed, which is its fault: send it again with the same Idempotency-Key, and report it."
        )
        body = problem_body(500, "internal", "Internal error", detail, request.url.path)
        return JSONResponse(body, 500, media_type=MEDIA_TYPE)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, failed)


def _allowed(request: Request) -> str:
    """Every method that the path has, whichever route answers it; the framework names those of the first one."""
    scope = {**request.scope, "path_params": {}}
    routes = request.app.router.routes
    found = [m for m in _METHODS if any(r.matches({**scope, "method": m})[0] is Match.FULL for r in routes)]
    return ", ".join([*found, "HEAD"] if "GET" in found else found)


def _is_no_json(request: Request, error: RequestValidationError) -> bool:
    """Whether a body wasn't even read as JSON, because its type says that it is something else."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    whole = any(each["loc"] == ("body",) and each["type"] != "missing" for each in error.errors())
    return whole and not is_json


def _not_json() -> Problem:
    detail = (
        "The body isn't said to be JSON: send it as JSON, with the header `Content-Type: application/json`."
    )
    return Problem(415, "unsupported-media-type", "Not JSON", detail)


def _where(error: Mapping[str, Any]) -> dict[str, str]:
    """Place and complaint of one invalid field, without the value, which may be secret."""
    return {"at": ".".join(map(str, error["loc"])), "message": str(error["msg"])}
