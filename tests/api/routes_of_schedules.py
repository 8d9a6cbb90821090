"""The cases of schedules."""

from typing import Any, Final

from tests.api.route_case import LONE, Bad, RouteCase
from tests.api.scheduled import tell_of_a_parked_input, tell_of_a_schedule

PLAN: Final[dict[str, Any]] = {
    "workflow": "case-review",
    "input": {"case_id": "case-1"},
    "cron": "30 6 * * MON-FRI",
    "time_zone": "Europe/Berlin",
}
_READERS: Final = ("nobody",)
_OPERATORS: Final = ("nobody", "ana", "sam")


def _bad_plans(**more: object) -> tuple[Bad, ...]:
    whole = {**PLAN, **more}
    return (
        Bad(body={**whole, "workflow": "none"}, slug="unknown-workflow"),
        Bad(body={**whole, "version": 9}, slug="unknown-workflow"),
        Bad(body={**whole, "input": {"case_id": "none"}}),
        Bad(body={**whole, "input": {"case_id": "case-1", "note": LONE}}),
        Bad(body={**whole, "cron": "6 * * *"}),
        Bad(body={**whole, "cron": "\x00"}),
        Bad(body={**whole, "cron": LONE}),
        Bad(body={**whole, "every_s": 5}),
        Bad(body={**whole, "cron": None}),
        Bad(body={**whole, "cron": None, "every_s": 0}),
        Bad(body={**whole, "time_zone": "Europe/Nowhere"}),
        Bad(body={**whole, "time_zone": "../zones"}),
        Bad(body={**whole, "ends_at": "2001-01-01T00:00:00Z"}),
        Bad(body={**whole, "starts_at": "9999-12-31T23:59:59Z"}),
        Bad(body={**whole, "starts_at": "0001-01-01T00:00:00+14:00"}),
        Bad(body={**whole, "catch_up": "some"}),
        Bad(body={**whole, "catch_up_window_s": 1}),
        Bad(body={**whole, "catch_up_max": 0}),
        Bad(body={**whole, "priority": 101}),
        Bad(body={**whole, "search_attributes": {"a b": 1}}),
        Bad(body={**whole, "unknown": 1}),
    )


def _command(verb: str, *bad: Bad, body: object) -> RouteCase:
    return RouteCase(
        route=f"POST /v1/schedules/{{name}}/{verb}",
        path=f"/v1/schedules/nightly/{verb}",
        body=body,
        who="olga",
        may_not=_OPERATORS,
        elsewhere="not-found",
        given=tell_of_a_schedule,
        bad=(
            Bad(body={"reason": LONE}),
            Bad(body={"reason": "x" * 2001}),
            Bad(path=f"/v1/schedules/none/{verb}", status=404),
            *bad,
        ),
    )


def _mending(verb: str, *bad: Bad, body: object) -> RouteCase:
    path = f"/v1/schedules/nightly/parked-inputs/{{parked}}/{verb}"
    return RouteCase(
        route=f"POST /v1/schedules/{{name}}/parked-inputs/{{parked_input_id}}/{verb}",
        path=path,
        body=body,
        who="olga",
        may_not=_OPERATORS,
        elsewhere="not-found",
        given=tell_of_a_parked_input,
        bad=(
            Bad(body={"reason": LONE}),
            Bad(body=[]),
            Bad(path=path.replace("nightly", "none"), status=404),
            Bad(path=path.replace("{parked}", "none"), status=404),
            Bad(path=path.replace("{parked}", "%00")),
            *bad,
        ),
    )


SCHEDULES: Final = (
    RouteCase(
        route="GET /v1/schedules",
        path="/v1/schedules",
        who="ana",
        may_not=_READERS,
        elsewhere="nothing",
        given=tell_of_a_schedule,
        bad=(
            Bad(path="/v1/schedules?limit=0"),
            Bad(path="/v1/schedules?state=none"),
            Bad(path="/v1/schedules?cursor=none"),
            Bad(path="/v1/schedules?cursor=WyIiLCIiXQ"),
        ),
    ),
    RouteCase(
        route="GET /v1/schedules/{name}",
        path="/v1/schedules/nightly",
        who="ana",
        may_not=_READERS,
        elsewhere="not-found",
        given=tell_of_a_schedule,
        bad=(Bad(path="/v1/schedules/none", status=404), Bad(path="/v1/schedules/%00")),
    ),
    RouteCase(
        route="POST /v1/schedules",
        path="/v1/schedules",
        body={**PLAN, "name": "weekdays"},
        who="olga",
        may_not=_OPERATORS,
        elsewhere="own",
        given=tell_of_a_schedule,
        bad=(*_bad_plans(name="weekdays"), Bad(body={**PLAN, "name": "a b"}), Bad(body=PLAN), Bad(body=[])),
    ),
    RouteCase(
        route="PUT /v1/schedules/{name}",
        path="/v1/schedules/nightly",
        body=PLAN,
        who="olga",
        may_not=_OPERATORS,
        elsewhere="not-found",
        given=tell_of_a_schedule,
        bad=(*_bad_plans(), Bad(path="/v1/schedules/none", status=404), Bad(body={**PLAN, "name": "x"})),
    ),
    RouteCase(
        route="DELETE /v1/schedules/{name}",
        path="/v1/schedules/nightly?reason=done",
        who="olga",
        may_not=_OPERATORS,
        elsewhere="not-found",
        given=tell_of_a_schedule,
        bad=(
            Bad(path="/v1/schedules/none", status=404),
            Bad(path="/v1/schedules/nightly?reason=%00"),
        ),
    ),
    _command("pause", Bad(body={}), Bad(body={"reason": ""}), body={"reason": "closed"}),
    _command("resume", Bad(body=[]), body={}),
    _command("trigger", Bad(body=[]), body={"reason": "now"}),
    RouteCase(
        route="GET /v1/schedules/{name}/parked-inputs",
        path="/v1/schedules/nightly/parked-inputs",
        who="ana",
        may_not=_READERS,
        elsewhere="not-found",
        given=tell_of_a_parked_input,
        bad=(Bad(path="/v1/schedules/none/parked-inputs", status=404),),
    ),
    _mending("release", body={"reason": "mended"}),
    _mending("discard", Bad(body={}), Bad(body={"reason": ""}), body={"reason": "once is enough"}),
)
