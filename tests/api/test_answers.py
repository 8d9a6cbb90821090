"""What every answer has, whatever is asked: methods, types, queries, and who may keep it."""

import pytest

from tests.api.conftest import Api
from tests.api.route_case import RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import asked, started

JSON_START = b'{"workflow": "case-review", "input": {"case_id": "case-1"}}'


def test_every_method_of_a_path_is_allowed_whichever_route_answers_it(api: Api) -> None:
    for path, methods in (
        ("/v1/runs", "GET, POST, HEAD"),
        (f"/v1/runs/{RUN}", "GET, HEAD"),
        ("/v1/runs/cancel", "GET, POST, HEAD"),
        ("/v1/schedules/nightly", "GET, PUT, DELETE, HEAD"),
        ("/v1/webhooks/none", "GET, PATCH, DELETE, HEAD"),
        ("/v1/events", "GET, HEAD"),
        ("/case-review", "POST"),
    ):
        answer = api.client.request("BREW", path, headers=api.as_("ana"))
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == methods, path


def test_head_is_get_without_its_body(api: Api) -> None:
    api.tell(RUN, started(), asked(RUN, 1))
    stream = {"Accept": "text/event-stream"}
    for path in (
        f"/v1/runs/{RUN}",
        "/v1/runs?limit=1",
        f"/v1/runs/{RUN}/events",
        "/v1/runs/none",
        "/health/live",
    ):
        whole, head = (api.client.request(m, path, headers=api.as_("ana")) for m in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (whole.status_code, b"")
        for name in ("content-length", "content-type", "etag", "cache-control"):
            assert head.headers.get(name) == whole.headers.get(name), (path, name)
        assert api.client.head(path, headers=api.as_("ana", **stream)).content == b"", "it is no stream"
    assert_problem(api.client.get("/v1/runs/none", headers=api.as_("ana")), 404, "not-found")
    assert api.client.head("/case-review", headers=api.as_("ana")).status_code == 405


def test_nobody_keeps_what_others_must_not_read(api: Api) -> None:
    api.tell(RUN, started(), asked(RUN, 1))
    for path, kept in (
        ("/v1/approvals", "no-store"),
        ("/v1/none", "no-store"),
        ("/openapi.json", "no-store"),
        (f"/v1/runs/{RUN}", "private, no-cache"),
    ):
        answer = api.client.get(path, headers=api.as_("ana"))
        assert answer.headers["cache-control"] == kept
        assert answer.headers["x-content-type-options"] == "nosniff"
    body = {"url": "https://example.com/", "kinds": ["approval.requested"]}
    secret = api.client.post("/v1/webhooks", json=body, headers=api.as_("olga"))
    assert (secret.json()["secret"][:6], secret.headers["cache-control"]) == ("whsec_", "no-store")
    same = api.client.get(
        f"/v1/runs/{RUN}", headers=api.as_("ana", **{"If-None-Match": answer.headers["etag"]})
    )
    assert (same.status_code, same.headers["cache-control"]) == (304, "private, no-cache")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/runs?staus=failed", "'staus'; it takes attribute, cursor"),
        ("/v1/runs?staus=failed", "Did you mean status?"),
        ("/v1/approvals?limit=1&mine=true&run=1", "'run'; it takes"),
        ("/v1/me?a=1&b=2", "'a', 'b'; it takes none."),
        ("/v1/webhooks?\x85\ud83d%00=1", "it takes none"),
        (f"/v1/runs/{RUN}/events?after=7", "from_seq"),
    ],
)
def test_a_query_that_no_route_knows_is_refused(api: Api, path: str, words: str) -> None:
    quoted = path.encode("utf-8", "surrogatepass").decode("latin-1")
    answer = api.client.get(quoted, headers=api.as_("olga"))
    assert_problem(answer, 422, "invalid-request")
    assert words in answer.json()["detail"]
    assert api.client.get(quoted).status_code == 401, "who calls is asked first"


def test_a_body_that_is_said_to_be_something_else_is_told_so(api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", None):
        headers = api.as_("ana", **({"Content-Type": kind} if kind else {}))
        answer = api.client.post("/v1/runs", content=JSON_START, headers=headers)
        assert_problem(answer, 415, "unsupported-media-type")
    for kind in ("application/json", "application/json; charset=utf-8", "Application/Merge+JSON"):
        answer = api.client.post(
            "/v1/runs", content=JSON_START, headers=api.as_("ana", **{"Content-Type": kind})
        )
        assert answer.status_code == 202, answer.text
    headers = api.as_("ana", **{"Content-Type": "application/json"})
    assert_problem(api.client.post("/v1/runs", content=b"7", headers=headers), 422, "invalid-request")
    assert_problem(api.client.post("/v1/runs", headers=api.as_("ana")), 422, "invalid-request")


def test_a_slash_too_many_leads_nowhere(api: Api) -> None:
    answer = api.client.get("/v1/runs/", headers=api.as_("ana", Host="elsewhere"), follow_redirects=False)
    assert_problem(answer, 404, "no-such-path")
