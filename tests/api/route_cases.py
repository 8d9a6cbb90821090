"""Every route of the API with what each of its five tests needs: no credentials, another tenant, a role that may not,
bad input, the same request again. tests/api/test_every_route.py asks them all, and fails for a route without a case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from penstock.schemas.run.records import ToolCallInDoubt
from tests.api.conftest import Api
from tests.views.histories import approval_of, asked, call_of, lease_started, requested, started

RUN: Final = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
VOTE: Final = {"decision": "grant", "args_sha256": "a" * 64}
SETTLEMENT: Final = {"happened": True, "evidence": "the journal has it"}

# Half of a surrogate pair, which JSON can say and UTF-8 can't.
LONE: Final = "\ud83d"

# What a caller of another tenant gets: what is named isn't there; a list of nothing; or the route is about what is
# the caller's own, and says nothing of anybody else's.
Elsewhere = Literal["not-found", "nothing", "own"]


@dataclass(frozen=True, slots=True)
class Bad:
    """A request that can't be meant, and the status that it gets. What isn't said is as in the good one."""

    path: str | None = None
    body: object = None
    status: int = 422


@dataclass(frozen=True, slots=True)
class RouteCase:
    """One route. `route` is as OpenAPI has it; `path` and `body` make a request that `who` may make.

    `may_not` are callers of the same tenant whom it refuses; `public` says that anybody with a key may.
    """

    route: str
    path: str
    who: str
    elsewhere: Elsewhere
    bad: tuple[Bad, ...]
    may_not: tuple[str, ...] = ("nobody",)
    body: object = None
    public: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    # Of an answer, what is the same again when the request is repeated; all of it by default.
    same: Callable[[Any], object] = lambda answer: answer

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        return self.route.partition(" ")[0]

    def __str__(self) -> str:
        return self.route


# Health needs no key: the process that looks after this one asks (B7).
WITHOUT_A_KEY: Final = frozenset({"GET /health/live", "GET /health/ready"})

CASES: Final = (
    RouteCase(
        route="POST /case-review",
        path="/case-review",
        body={"case_id": "case-1"},
        who="ana",
        may_not=("nobody", "sam", "olga"),
        elsewhere="own",
        bad=(
            Bad(body={}),
            Bad(body={"case_id": 7}),
            Bad(body={"case_id": "not a case"}),
            Bad(body={"case_id": "case-1", "unknown": 1}),
            Bad(body=["case-1"]),
            Bad(body={"case_id": "case-1", "note": LONE}),
        ),
    ),
    RouteCase(
        route="GET /case-review/{task_id}",
        path=f"/case-review/{RUN}",
        who="ana",
        elsewhere="not-found",
        bad=(Bad(path="/case-review/none", status=404), Bad(path="/case-review/%00", status=404)),
    ),
    RouteCase(
        route="POST /case-review/{task_id}/cancel",
        path=f"/case-review/{RUN}/cancel",
        body={"reason": "withdrawn"},
        who="ana",
        elsewhere="not-found",
        bad=(
            Bad(body={"reason": ""}),
            Bad(body={}),
            Bad(body={"reason": LONE}),
            Bad(path="/case-review/none/cancel", status=404),
        ),
    ),
    RouteCase(
        route="GET /v1/runs/{run_id}/events",
        path=f"/v1/runs/{RUN}/events",
        who="ana",
        elsewhere="not-found",
        bad=(
            Bad(path=f"/v1/runs/{RUN}/events?from_seq=0"),
            Bad(path=f"/v1/runs/{RUN}/events?limit=1001"),
            Bad(path="/v1/runs/%00/events", status=404),
        ),
    ),
    RouteCase(
        route="GET /v1/approvals",
        path="/v1/approvals",
        who="ana",
        elsewhere="nothing",
        bad=(Bad(path="/v1/approvals?status=open"), Bad(path="/v1/approvals?limit=0")),
    ),
    RouteCase(
        route="POST /v1/approvals/{approval_id}/votes",
        path=f"/v1/approvals/{approval_of(RUN, 1)}/votes",
        body=VOTE,
        who="sam",
        may_not=("nobody", "olga"),
        elsewhere="not-found",
        bad=(
            Bad(body={"decision": "maybe", "args_sha256": "a" * 64}),
            Bad(body={"decision": "grant"}),
            Bad(body={**VOTE, "reason": LONE}),
            Bad(path="/v1/approvals/%00/votes", status=404),
        ),
    ),
    RouteCase(
        route="POST /v1/calls/{call_id}/settlement",
        path=f"/v1/calls/{call_of(RUN, 2)}/settlement",
        body=SETTLEMENT,
        who="olga",
        may_not=("nobody", "ana", "sam"),
        elsewhere="not-found",
        bad=(
            Bad(body={"happened": True}),
            Bad(body={**SETTLEMENT, "evidence": LONE}),
            Bad(body={**SETTLEMENT, "result": {"text": LONE}}),
            Bad(body={**SETTLEMENT, "result": {LONE: 1}}),
            Bad(body={**SETTLEMENT, "result": 2**60}),
            Bad(path="/v1/calls/%00/settlement", status=404),
        ),
    ),
    RouteCase(
        route="GET /metrics",
        path="/metrics",
        who="olga",
        elsewhere="own",
        bad=(Bad(path="/metrics/none", status=404),),
        same=lambda answer: None,
    ),
    RouteCase(
        route="GET /openapi.json",
        path="/openapi.json",
        who="nobody",
        public=True,
        may_not=(),
        elsewhere="own",
        bad=(Bad(path="/openapi.json/none", status=404),),
    ),
)


def tell_of_a_run(api: Api) -> None:
    """The views know a run of tenant `local`'s, with an open question and a call in doubt."""
    doubt = ToolCallInDoubt(call_id=call_of(RUN, 2), attempt=1, lease_id="l", reason="the worker died")
    call = requested(RUN, 2, tool="update_case_status", effect="unsafe")
    api.tell(RUN, started(), asked(RUN, 1), call, lease_started(RUN, 2), doubt)
