"""The cases of case reviews, approvals and calls."""

from typing import Final

from tests.api.route_case import LONE, RUN, SETTLEMENT, VOTE, Bad, RouteCase
from tests.views.histories import approval_of, call_of

REVIEWS: Final = (
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
        route="GET /v1/approvals",
        path="/v1/approvals",
        who="ana",
        elsewhere="nothing",
        bad=(
            Bad(path="/v1/approvals?status=open"),
            Bad(path="/v1/approvals?limit=0"),
            Bad(path="/v1/approvals?cursor=none"),
        ),
    ),
    RouteCase(
        route="GET /v1/approvals/{approval_id}",
        path=f"/v1/approvals/{approval_of(RUN, 1)}",
        who="ana",
        elsewhere="not-found",
        bad=(Bad(path="/v1/approvals/none", status=404), Bad(path="/v1/approvals/%00", status=404)),
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
        route="POST /v1/approvals/{approval_id}/delegate",
        path=f"/v1/approvals/{approval_of(RUN, 1)}/delegate",
        body={"delegate": "pat"},
        who="sam",
        may_not=("nobody", "olga"),
        elsewhere="not-found",
        bad=(Bad(body={}), Bad(body={"delegate": LONE}), Bad(path="/v1/approvals/%00/delegate", status=404)),
    ),
    RouteCase(
        route="POST /v1/approvals/{approval_id}/escalate",
        path=f"/v1/approvals/{approval_of(RUN, 1)}/escalate",
        body={"reason": "over my limit"},
        who="sam",
        elsewhere="not-found",
        bad=(Bad(body={"reason": LONE}), Bad(path="/v1/approvals/%00/escalate", status=404)),
    ),
)
