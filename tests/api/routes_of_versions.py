"""The cases of who calls, of versions, and of what is done to many runs of one."""

from typing import Final

from tests.api.route_case import LONE, RUN, Bad, RouteCase


def bulk(kind: str, **more: object) -> RouteCase:
    """What is told to many runs: a dry run says nothing to anybody."""
    body = {"filter": {"all": True}, "reason": "tidying up", **more}
    return RouteCase(
        route=f"POST /v1/runs/{kind}",
        path=f"/v1/runs/{kind}",
        body=body,
        who="olga",
        may_not=("nobody", "ana", "sam"),
        elsewhere="own",
        bad=(
            Bad(body={}),
            Bad(body=body | {"filter": {}}),
            Bad(body=body | {"filter": {"status": "completed"}}),
            Bad(body=body | {"reason": LONE, "dry_run": False}),
        ),
        inputs=0,
    )


VERSIONS: Final = (
    bulk("pause"),
    bulk("continue"),
    bulk("retry"),
    bulk("migrate", to_version=2),
    RouteCase(
        route="POST /v1/runs/{run_id}/migrate",
        path=f"/v1/runs/{RUN}/migrate",
        body={"to_version": 2, "reason": "version 1 is to go"},
        who="olga",
        may_not=("nobody", "ana", "sam"),
        elsewhere="not-found",
        bad=(
            Bad(body={}),
            Bad(body={"to_version": 0, "reason": "x"}),
            Bad(body={"to_version": "2", "reason": "x"}),
            Bad(body={"to_version": 2, "reason": LONE}),
            Bad(path="/v1/runs/%00/migrate", status=404),
        ),
        same=lambda answer: answer["input_id"],
    ),
    RouteCase(
        route="GET /v1/me",
        path="/v1/me",
        who="nobody",
        public=True,
        may_not=(),
        elsewhere="own",
        bad=(Bad(path="/v1/me/none", status=404),),
    ),
    RouteCase(
        route="GET /v1/workflows/{name}/versions/{version}/drain",
        path="/v1/workflows/case-review/versions/1/drain",
        who="ana",
        elsewhere="own",
        bad=(
            Bad(path="/v1/workflows/case-review/versions/one/drain"),
            Bad(path="/v1/workflows/none/versions/1/drain", status=404),
            Bad(path="/v1/workflows/%00/versions/1/drain", status=404),
            Bad(path="/v1/workflows/case-review/versions/99999999999/drain", status=404),
        ),
    ),
)
