"""The cases of webhooks and their deliveries."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.api.conftest import Api
from tests.api.route_case import LONE, Bad, RouteCase

NEW: Final = {"url": "https://hooks.example.com/penstock", "kinds": ["approval.requested"]}
MAY_NOT: Final = ("nobody", "ana", "sam", "chloe")
ID: Final[Callable[[Any], object]] = lambda answer: answer and answer["id"]  # noqa: E731


def tell_of_a_webhook(api: Api) -> Mapping[str, str]:
    """An active subscription, and a delivery of a test of it."""
    made = api.client.post("/v1/webhooks", json=NEW, headers=api.as_("olga")).json()
    tested = api.client.post(f"/v1/webhooks/{made['id']}/test", headers=api.as_("olga")).json()
    return {"webhook": made["id"], "delivery": tested["id"]}


def one(route: str, path: str, *bad: Bad, body: object = None, same: Any = ID) -> RouteCase:
    """A route of one subscription."""
    method = route.partition(" ")[0]
    missing = Bad(path=path.format(webhook="%00", delivery="none"), status=404)
    return RouteCase(
        route=route,
        path=path,
        body=body,
        who="olga",
        may_not=MAY_NOT,
        given=tell_of_a_webhook,
        elsewhere="not-found",
        bad=(missing, *bad),
        same=same,
        again=404 if method == "DELETE" else 0,
        inputs=0,
    )


WEBHOOKS: Final = (
    RouteCase(
        route="GET /v1/webhooks",
        path="/v1/webhooks",
        who="olga",
        may_not=MAY_NOT,
        given=tell_of_a_webhook,
        elsewhere="nothing",
        bad=(Bad(path="/v1/webhooks/%00", status=404),),
    ),
    RouteCase(
        route="POST /v1/webhooks",
        path="/v1/webhooks",
        body=NEW,
        who="olga",
        may_not=MAY_NOT,
        given=lambda api: {},
        elsewhere="own",
        bad=(
            Bad(body={}),
            Bad(body=NEW | {"url": "http://hooks.example.com"}),
            Bad(body=NEW | {"url": "https://169.254.169.254/latest"}),
            Bad(body=NEW | {"url": f"https://{LONE}"}),
            Bad(body=NEW | {"kinds": []}),
            Bad(body=NEW | {"kinds": ["run.started"]}),
            Bad(body=NEW | {"description": "\x00"}),
            Bad(body=NEW | {"description": LONE}),
        ),
        again=409,
        inputs=0,
    ),
    one("GET /v1/webhooks/{webhook_id}", "/v1/webhooks/{webhook}"),
    one(
        "PATCH /v1/webhooks/{webhook_id}",
        "/v1/webhooks/{webhook}",
        Bad(body={"url": "https://localhost:-1/"}),
        Bad(body={"kinds": ["run.started"]}),
        body={"kinds": ["run.ended"]},
    ),
    one("DELETE /v1/webhooks/{webhook_id}", "/v1/webhooks/{webhook}"),
    one(
        "POST /v1/webhooks/{webhook_id}/rotate",
        "/v1/webhooks/{webhook}/rotate",
        Bad(body={"grace_s": -1}),
        body={"grace_s": 60},
    ),
    one(
        "POST /v1/webhooks/{webhook_id}/disable",
        "/v1/webhooks/{webhook}/disable",
        Bad(body={"reason": "\x00"}),
        Bad(body={"reason": LONE}),
        body={"reason": "the desk moves"},
    ),
    one("POST /v1/webhooks/{webhook_id}/enable", "/v1/webhooks/{webhook}/enable", Bad(body={"why": ""})),
    one("POST /v1/webhooks/{webhook_id}/test", "/v1/webhooks/{webhook}/test"),
    one(
        "GET /v1/webhooks/{webhook_id}/deliveries",
        "/v1/webhooks/{webhook}/deliveries",
        Bad(path="/v1/webhooks/none/deliveries?status=gone"),
        Bad(path="/v1/webhooks/none/deliveries?cursor=none"),
        same=lambda answer: [each["id"] for each in answer["deliveries"]],
    ),
    one(
        "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        "/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver",
        Bad(path="/v1/webhooks/none/deliveries/%00/redeliver", status=404),
    ),
)
