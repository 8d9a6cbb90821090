"""New code under open runs: a new version leaves them alone, changed code stalls them, its return resumes them."""

from collections.abc import Iterator

import pytest

from penstock.audit import reading
from penstock.runtime.postgres import connect
from tests.chaos.conftest import APPLICATION
from tests.chaos.stack import Stack

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]


@pytest.fixture
def redeployed(stack: Stack) -> Iterator[Stack]:
    yield stack
    stack.use_application(APPLICATION)


def run_line(stack: Stack, run_id: str) -> reading.RunLine:
    with connect(stack.database_url) as connection:
        found = reading.run(connection, run_id)
    assert found is not None
    return found


def test_a_run_completes_on_the_version_it_started_with(redeployed: Stack) -> None:
    stack = redeployed
    old = stack.publish(5)
    stack.wait_until("waiting_approval", 5)
    stack.use_application("tests.chaos.application_next:application")
    new = stack.publish(5)
    stack.finish()
    assert {run_line(stack, run_id).workflow_version for run_id in old} == {1}
    assert {run_line(stack, run_id).result["outcome"] for run_id in old} == {"paid 7"}
    assert {run_line(stack, run_id).workflow_version for run_id in new} == {2}
    assert {run_line(stack, run_id).result["outcome"] for run_id in new} == {"paid by version 2"}


def test_changed_code_stalls_runs_with_a_diff_and_putting_it_back_resumes_them(redeployed: Stack) -> None:
    stack = redeployed
    runs = stack.publish(5)
    stack.wait_until("waiting_approval", 5)
    stack.use_application("tests.chaos.application_changed:application")
    stack.drive()
    stack.wait_until("stalled", 5)
    error = run_line(stack, runs[0]).error
    assert error is not None
    assert "look_up" in error["message"], error
    assert "notify" in error["message"], error
    stack.use_application(APPLICATION)
    stack.finish()
    assert {run_line(stack, run_id).result["outcome"] for run_id in runs} == {"paid 7"}


def test_a_step_that_blocks_the_loop_stalls_its_run_alone(redeployed: Stack) -> None:
    stack = redeployed
    stack.use_application("tests.chaos.application_blocking:application")
    run_id = stack.publish(1)[0]
    stack.wait_until("stalled", 1)
    error = run_line(stack, run_id).error
    assert error is not None
    assert "application_blocking" in error["message"], error
    stack.use_application(APPLICATION)
    stack.finish()
    assert run_line(stack, run_id).result["outcome"] == "paid 7"
