"""What the API says of the application's tools."""

from tests.api.conftest import Api


def test_tools_are_listed_with_what_they_do(api: Api) -> None:
    answer = api.client.get("/v1/tools", headers=api.as_("ana")).json()
    assert answer == {
        "tools": [
            {
                "name": "look_up",
                "current_version": 1,
                "effect": "read",
                "risk": "low",
                "links": {"self": "/v1/tools/look_up"},
            }
        ]
    }


def test_a_tool_is_shown_with_schemas_limits_and_who_may_have_it_called(api: Api) -> None:
    answer = api.client.get("/v1/tools/look_up", headers=api.as_("ana")).json()
    assert answer["approval_rule"] is None
    (version,) = answer["versions"]
    assert version["arguments_schema"]["properties"]["deep"] == {"title": "Deep", "type": "boolean"}
    assert version["arguments_schema"]["required"] == ["case_id"]
    assert version["result_schema"] == {"items": {"type": "string"}, "type": "array"}
    assert (version["needs_grant"], version["roles"], version["owner"]) == (False, ["analyst"], "desk")
    assert version["limits"]["rate"] == {"count": 5, "per_ms": 1000}
    assert version["limits"]["concurrency"] == 3
