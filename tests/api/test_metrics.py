"""GET /metrics for operators, and the trace that every request belongs to."""

from tests.api.conftest import Api


def test_an_operator_reads_what_the_api_counts(api: Api) -> None:
    before = api.client.get("/metrics", headers=api.as_("olga"))
    assert before.status_code == 200
    assert before.headers["content-type"].startswith("text/plain; version=0.0.4")
    api.client.get("/v1/approvals", headers=api.as_("ana"))
    api.client.get("/nothing-is-here", headers=api.as_("ana"))
    after = api.client.get("/metrics", headers=api.as_("olga")).text.splitlines()
    name = "http_server_request_duration_seconds_count"
    assert any(line.startswith(name) and 'http_route="/v1/approvals"' in line for line in after)
    # A path that nobody knows mustn't become a series of its own.
    assert any(
        line.startswith(name) and 'http_route="",http_response_status_code="404"' in line for line in after
    )
    assert not any("nothing-is-here" in line for line in after)
    assert any(line.startswith("http_server_active_requests") and line.endswith(" 1") for line in after)
    assert any('service_name="penstock.api"' in line for line in after)


def test_metrics_take_an_operators_key(api: Api) -> None:
    assert api.client.get("/metrics").status_code == 401
    refused = api.client.get("/metrics", headers=api.as_("sam"))
    assert refused.status_code == 403
    assert "operator" in refused.json()["detail"]
