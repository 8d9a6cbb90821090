"""The cases of who calls, of versions, and of what is done to many runs of one."""

from typing import Final

from tests.api.route_case import Bad, RouteCase

VERSIONS: Final = (
    RouteCase(
        route="GET /v1/me",
        path="/v1/me",
        who="nobody",
        public=True,
        may_not=(),
        elsewhere="own",
        bad=(Bad(path="/v1/me/none", status=404),),
    ),
)
