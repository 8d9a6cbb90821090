"""A deferred call, with the real workers: killed while an outside system has it, and its callback comes to nobody."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from penstock.api.app import create_app
from penstock.cli.api_keys import ensure
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from tests.chaos.application import application
from tests.chaos.stack import ROLES, Stack
from tests.integration.processes import eventually

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]


def called(stack: Stack, run_id: str) -> tuple[str, str] | None:
    """The status of the run's call, and what the run returned."""
    with connect(stack.database_url) as views:
        found = views.execute(
            "SELECT c.status, r.result ->> 'outcome' FROM views.tool_call AS c JOIN views.run AS r USING (run_id)"
            " WHERE run_id = %s",
            (run_id,),
        ).fetchone()
    return found and (str(found[0]), str(found[1]))


def test_a_callback_that_comes_while_nobody_runs_ends_the_run_and_the_tool_was_called_once(
    stack: Stack,
) -> None:
    started = stack.app.start("transfer-order", {"number": 7000, "amount": 7}, "transfer-7000")
    started.wait(30)
    run_id = started.run_id
    stack.receipts.append(run_id)
    eventually(lambda: called(stack, run_id) == ("deferred", "None"), 60, stack.children.tails)
    before = len(stack.executions())

    stack.kept_running.clear()
    for role in ROLES:
        stack.children.kill(role)
    token = Path(f"{stack.target}.{run_id}").read_text()
    settings = Settings(kafka_bootstrap_servers=stack.kafka, database_url=stack.database_url, home=stack.home)
    ensure(settings.api_keys_file)
    with TestClient(create_app(settings, application=application, effect_s=0.2)) as client:
        path = f"/v1/callbacks/{token}"
        answer = client.post(path, json={"result": "transferred"})
        assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")

        for role in ROLES:
            stack.start(role)
        stack.kept_running |= set(ROLES)
        eventually(lambda: called(stack, run_id) == ("completed", "transferred"), 60, stack.children.tails)
        again = client.post(path, json={"result": "transferred"})
        assert (again.status_code, again.json()["outcome"]) == (200, "completed")
        assert client.post(path, json={"result": "another"}).status_code in (202, 409)
    verdict = stack.finish()
    assert len(stack.executions()) == before
    assert verdict.executions == len(stack.receipts)
