"""Lists of runs: filters, cursors that hold while runs start, and how much a page reads."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from penstock.api import run_lists
from penstock.api.run_filters import Place, RunFilter, Status, cursor_of
from penstock.schemas.canonical import json_payload
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import RunCancelled, RunCompleted, RunStalled
from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem
from tests.views.database import make_anew
from tests.views.histories import START_MS, asked, failed, new_run, started

ROWS = 30_000


def listed(api: Api, asked_for: str = "", who: str = "ana") -> list[str]:
    """The ids of all pages together."""
    return [run["run_id"] for page in pages(api, asked_for, who) for run in page]


def pages(api: Api, asked_for: str = "", who: str = "ana") -> Iterator[list[dict[str, Any]]]:
    cursor = ""
    while cursor is not None:
        path = f"/v1/runs?{asked_for}" + (f"&cursor={cursor}" if cursor else "")
        response = api.client.get(path, headers=api.as_(who))
        assert response.status_code == 200, response.text
        yield response.json()["runs"]
        cursor = response.json()["next_cursor"]


def test_runs_are_listed_newest_first_each_once(api: Api) -> None:
    runs = [new_run() for _ in range(7)]
    for run in runs:
        api.tell(run, started())
    assert listed(api) == listed(api, "limit=1") == listed(api, "limit=3") == runs[::-1]


def test_pages_hold_while_runs_start(api: Api) -> None:
    before = [new_run() for _ in range(6)]
    for run in before:
        api.tell(run, started())
    seen: list[str] = []
    for page in pages(api, "limit=2"):
        seen += [run["run_id"] for run in page]
        # One that starts, and one of those before that goes on, between any two pages.
        api.tell(new_run(), started())
        api.tell(before[0], asked(before[0], 1))
    assert seen == before[::-1]


def test_each_filter_finds_its_runs(api: Api) -> None:
    first, second, third, refused = (new_run() for _ in range(4))
    api.tell(first, started(workflow="other", search_attributes='{"desk":"a","n":7,"zip":"007"}'))
    api.tell(
        second, started(workflow_version=2, requester="sam", search_attributes='{"desk":"a","urgent":true}')
    )
    api.tell(third, started(), asked(third, 1))
    api.tell(first, RunStalled(kind="exception", detail="KeyError", code_hash="1"))
    api.tell(second, RunCompleted(result=json_payload("done")))
    api.tell(refused, InputRefused(input_type="StartRun", reason="unknown_workflow"))
    whole = next(pages(api))
    ended_at = {run["run_id"]: run["ended_at"] for run in whole}[second]
    found = {
        "": [refused, third, second, first],
        "workflow=other": [first],
        "workflow=case-review": [third, second],
        "workflow=case-review&version=2": [second],
        "version=1": [third, first],
        "status=waiting_approval": [third],
        "status=stalled&workflow=other": [first],
        "status=stalled&workflow=other&version=1": [first],
        "status=completed": [second],
        "status=refused": [refused],
        "status=open": [third, first],
        "requester=sam": [second],
        "requester=sam&status=open": [],
        "attribute=desk:a": [second, first],
        "attribute=desk:a&attribute=urgent:true": [second],
        "attribute=n:7": [first],
        'attribute=n:"7"': [],
        'attribute=zip:"007"': [first],
        "attribute=zip:007": [first],
        "attribute=desk:b": [],
        "attribute=desk:a&status=open": [first],
        "attribute=desk:a&workflow=case-review": [second],
        f"ended_after={ended_at}": [second],
        f"ended_before={ended_at}": [],
        "started_before=2001-01-01": [],
        "started_after=2001-01-01T00:00:00Z&workflow=other": [first],
    }  # fmt: skip
    for asked_for, runs in found.items():
        assert listed(api, asked_for) == runs, asked_for
        assert listed(api, f"{asked_for}&limit=1") == runs, asked_for
    assert listed(api, "", "mallory") == []
    assert [run["search_attributes"] for run in whole if run["run_id"] == second] == [
        {"desk": "a", "urgent": True}
    ]


def test_a_filter_that_finds_little_looks_on_in_the_next_page(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.api.run_lists.query", _looking_at_3(run_lists.query))
    monkeypatch.setattr("penstock.api.run_views.query", run_lists.query)
    runs = [new_run() for _ in range(10)]
    for at, run in enumerate(runs):
        api.tell(run, started(workflow_version=2 if at == 0 else 1, search_attributes='{"a":1}'))
    for asked_for in ("version=2", "attribute=a:1&version=2", "workflow=case-review&version=2"):
        seen = [[run["run_id"] for run in page] for page in pages(api, asked_for)]
        assert seen == [[], [], [], [runs[0]]], asked_for


def _looking_at_3(query: Any) -> Any:
    return lambda *words, **named: query(*words, **named, look=3)


HOSTILE = (
    "limit=0", "limit=201", "limit=x", "version=0", "version=99999999999", "status=nonsense", "workflow=",
    "workflow=a%00b", "requester=%00", "workflow=" + "x" * 201, "started_after=tomorrow", "started_after=%00",
    "started_after=0001-01-01T00:00:00%2B14:00x", "attribute=desk", "attribute=:a", "attribute=a%20b:1",
    "attribute=a:%00", "attribute=a:" + "x" * 201, "attribute=a:" + "9" * 400,
    "&".join(f"attribute=a:{n}" for n in range(9)), "cursor=", "cursor=x", "cursor=%00", "cursor=" + "x" * 401,
    "cursor=" + base64.urlsafe_b64encode(b"[1,2,3]").decode(), "cursor=%F0%9F%92%A9", "cursor=" + "W1tb" * 90,
)  # fmt: skip


@pytest.mark.parametrize("asked_for", HOSTILE)
def test_what_makes_no_list_is_told_what_to_correct(api: Api, asked_for: str) -> None:
    response = api.client.get(f"/v1/runs?{asked_for}", headers=api.as_("ana"))
    assert_problem(response, 422, "invalid-request")
    assert "orrect" in response.json()["detail"]


@pytest.mark.parametrize(
    "asked_for",
    ["workflow=" + quote("ünïcode ✓ 💩"), "requester=%FF%FE", "attribute=a:" + quote("💩"), "attribute=a:NaN",
     "attribute=a:1e999", "attribute=a:[[[", "attribute=a:null", "started_after=0001-01-01T00:00:00Z",
     "ended_before=9999-12-31T23:59:59Z", "started_after=99999999999", "requester=%27%3B--"],
)  # fmt: skip
def test_what_is_merely_strange_finds_nothing_more(api: Api, asked_for: str) -> None:
    assert api.client.get(f"/v1/runs?{asked_for}", headers=api.as_("ana")).status_code == 200


def test_a_cursor_is_good_for_its_own_list_only(api: Api) -> None:
    for _ in range(3):
        api.tell(new_run(), started())
    cursor = api.client.get("/v1/runs?limit=1", headers=api.as_("ana")).json()["next_cursor"]
    for path, who in (("/v1/runs?workflow=x&", "ana"), ("/v1/runs?", "mallory")):
        response = api.client.get(f"{path}cursor={cursor}", headers=api.as_(who))
        assert_problem(response, 422, "invalid-request")
    huge = cursor_of(Place(2**70, new_run()), "local", RunFilter())
    assert_problem(api.client.get(f"/v1/runs?cursor={huge}", headers=api.as_("ana")), 422, "invalid-request")


FILLED = """
INSERT INTO views.run_row (run_id, tenant, workflow, workflow_version, status, phase, requester, started_at_ms,
    ended_at_ms, parked_inputs, last_seq, last_event_at_ms, created_at_ms, search_attributes)
SELECT gen_random_uuid()::text, 'local', 'w' || n %% 20, 1 + n / 25000, s, s, 'r' || n %% 1000, %(start)s + n,
       %(start)s + n, '{}', 1, %(start)s + n, %(start)s + n, '{"desk":"' || n %% 500 || '"}'
FROM generate_series(1, %(rows)s) AS n, LATERAL (SELECT CASE WHEN n %% 1000 = 0 THEN 'running' WHEN n %% 500 = 1
    THEN 'failed' ELSE 'completed' END AS s) AS status"""
TAGGED = """
INSERT INTO views.run_attribute SELECT tenant, 'desk="' || (search_attributes::json ->> 'desk') || '"', created_at_ms,
run_id FROM views.run_row"""

# What each waits for: a table that is known to be empty would be read as it stands, and not through an index.
AWAITED = """
INSERT INTO views.approval_row (approval_id, run_id, tenant, status, decided_by, voters, requested_at_ms, last_seq)
SELECT run_id, run_id, tenant, 'waiting', '{}', '{}', created_at_ms, 1 FROM views.run_row;
INSERT INTO views.tool_call_row (call_id, run_id, tenant, status, late_answers, requested_at_ms, last_seq)
SELECT run_id, run_id, tenant, 'requested', 0, created_at_ms, 1 FROM views.run_row;
ANALYZE views.run_row, views.run_attribute, views.approval_row, views.tool_call_row"""


def test_no_page_reads_more_than_it_may(api: Api) -> None:
    # Without what other tests have left behind in the indexes.
    make_anew(api.views)
    api.views.execute(FILLED.encode(), {"start": START_MS, "rows": ROWS})
    for statement in (TAGGED, AWAITED):
        api.views.execute(statement.encode())
    deep = Place(START_MS + ROWS // 2, "f")
    chosen = [RunFilter(status=status) for status in Status.__args__]  # type: ignore[attr-defined]
    chosen += [
        RunFilter(),
        RunFilter(workflow="w7"),
        RunFilter(workflow="w7", version=1),
        RunFilter(workflow="w0", version=1, status="open"),
        RunFilter(workflow="w7", requester="r7"),
        RunFilter(requester="r9"),
        RunFilter(requester="nobody", status="failed"),
        RunFilter(pairs=('desk="7"',)),
        RunFilter(pairs=('desk="7"', "urgent=true")),
        RunFilter(ended_before_ms=START_MS + 100),
        RunFilter(created_after_ms=START_MS + 100, created_before_ms=START_MS + 200),
    ]
    for each in chosen:
        for place in (None, deep):
            most = _rows_read(api, each, place)
            assert most <= run_lists.LOOK_MAX, f"{each} {place}: {most}"


def _rows_read(api: Api, chosen: RunFilter, place: Place | None) -> int:
    """The most rows that one node of the plan read, with those that it threw away. No node may read a whole table."""
    asked_for = run_lists.query("local", chosen, place, 51, waiting=True)
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {asked_for.select}"
    row = api.views.execute(explain.encode(), asked_for.values).fetchone()
    assert row is not None
    ((whole,),) = (row[0] if not isinstance(row[0], str) else json.loads(row[0]),)
    nodes = list(_nodes(whole["Plan"]))
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"], chosen
    return max(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def test_a_run_that_failed_or_was_cancelled_is_found_among_many_that_completed(api: Api) -> None:
    bad, worse = new_run(), new_run()
    api.tell(bad, started(), failed())
    api.tell(worse, started(), RunCancelled(reason="withdrawn"))
    for _ in range(3):
        api.tell(new_run(), started(), RunCompleted(result=json_payload("done")))
    assert listed(api, "status=failed") == [bad]
    assert listed(api, "status=cancelled&limit=1") == [worse]
